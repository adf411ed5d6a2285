use serde::Deserialize;

use super::field_check::RESERVED_CLAIMS;
use crate::base::clock::{DAY, HOUR, MINUTE};
use crate::settings::Span;
use crate::settings::check::Checks;

/// `[tokens]`: access and refresh tokens, and the sessions behind them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// `iss`; empty: the public URL. Ask [`crate::settings::Settings::issuer`].
    pub issuer: String,
    /// `aud`; empty: the issuer. Ask [`crate::settings::Settings::audience`].
    pub audience: String,
    /// Life of an access token, at most 60 minutes (R74).
    pub access_lifetime: Span,
    /// Life of a session, however much it is used, at most 30 days (R82).
    pub session_lifetime: Span,
    /// Life of a session that is not used.
    pub idle_lifetime: Span,
    /// The claim of an access token that lists the user's groups; empty: none. It is left out where there are none.
    pub groups_claim: String,
    /// How long the same refresh token gives the same successor again (R80).
    pub grace: Span,
}

impl Tokens {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.within("tokens.access_lifetime", self.access_lifetime, Span(10_000)..=Span(HOUR));
        checks.within("tokens.session_lifetime", self.session_lifetime, Span(MINUTE)..=Span(30 * DAY));
        let message = format!("must be at least tokens.access_lifetime, which is {}", self.access_lifetime);
        checks.must(self.session_lifetime >= self.access_lifetime, "tokens.session_lifetime", message);
        checks.within("tokens.idle_lifetime", self.idle_lifetime, Span(MINUTE)..=self.session_lifetime);
        checks.within("tokens.grace", self.grace, Span(0)..=Span(MINUTE));
        let claim = self.groups_claim.as_str();
        let usual = ["", "groups", "roles", "entitlements"].contains(&claim);
        let sound = claim.len() <= 200
            && claim.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:/".contains(&b))
            && !RESERVED_CLAIMS.contains(&claim);
        let message = "must be letters, digits and _ - . : / and no claim that means something else, such as \"groups\"";
        checks.must(usual || sound, "tokens.groups_claim", message);
        let sound = self.issuer.is_empty() || url::Url::parse(&self.issuer).is_ok_and(|url| url.has_host());
        checks.must(
            sound,
            "tokens.issuer",
            "must be a URL such as \"https://id.example.org\", or \"\" for public_url",
        );
    }
}
