//! The rules that concern several sections, or none.

use url::Url;

use super::check::Checks;
use super::overlay::hint;
use super::{Mode, Settings};
use crate::base::Mistake;

const LEVELS: [&str; 4] = ["", "single", "twostep", "multifactor"];

impl Settings {
    /// Everything that can be judged without other folders. Without a `mode` (it could not be read) the rules
    /// that hang on it are left out.
    pub(super) fn check(&self, mode: Option<Mode>, checks: &mut Checks) {
        self.check_top(checks);
        self.server.check(checks);
        checks.networks("outbound.networks", &self.outbound.networks);
        self.database.check(checks);
        self.redis.check(checks);
        self.keys.check(checks);
        self.tokens.check(checks);
        self.attempt.check(checks);
        self.reauth.check(checks);
        self.username.check(checks);
        self.email.check(checks);
        self.phone.check(&self.phone_countries(), checks);
        self.identifier.iter().for_each(|(name, identifier)| identifier.check(name, checks));
        self.authenticator.check(checks);
        self.passcode.check(checks);
        self.password.check(checks);
        self.messages.check(checks);
        self.guesses.check(checks);
        self.verification.check(checks);
        self.user.check(&self.tokens.groups_claim, checks);
        self.check_webhooks(checks);
        self.hooks.check(checks);
        self.events.check(checks);
        self.log.check(checks);
        match mode {
            Some(Mode::Development) => checks.found.extend(self.beyond_loopback()),
            Some(Mode::Production) => checks.found.extend(self.development_only_mistakes()),
            None => {}
        }
    }

    fn check_top(&self, checks: &mut Checks) {
        let sound = (1..=64).contains(&self.name.chars().count()) && !self.name.chars().any(char::is_control);
        checks.must(sound, "name", "must be 1 to 64 characters on one line");
        checks.must(
            is_base(&self.public_url),
            "public_url",
            "must be http or https, a host, and no user, query or fragment",
        );
        if !LEVELS.contains(&self.minimum_level.as_str()) {
            let known = hint::none_of(&self.minimum_level, &LEVELS[1..]);
            checks.wrong("minimum_level", format!("must be a level, or \"\" for any; {known}"));
        }
    }

    /// What development may not do: be reached from elsewhere.
    fn beyond_loopback(&self) -> Vec<Mistake> {
        let mut checks = Checks::default();
        let message = "must be a loopback address such as 127.0.0.1: in development anybody who reaches the \
                       server can read its inbox (or set mode = \"production\")";
        checks.must(self.server.listen.ip().is_loopback(), "server.listen", message);
        let metrics = self.server.metrics_listen.is_none_or(|listen| listen.ip().is_loopback());
        checks.must(metrics, "server.metrics_listen", message);
        checks.found
    }

    /// What is right in development only, and refused in production.
    pub fn development_only_mistakes(&self) -> Vec<Mistake> {
        let mut checks = Checks::default();
        let https = self.public_url.scheme() == "https";
        checks.must(https, "public_url", "must begin with https:// in production");
        let issuer = self.tokens.issuer.is_empty() || self.tokens.issuer.starts_with("https://");
        checks.must(issuer, "tokens.issuer", "must begin with https:// in production");
        for (n, origin) in self.server.cors_origins.iter().enumerate() {
            let path = format!("server.cors_origins[{n}]");
            checks.must(!origin.starts_with("http://"), &path, "must begin with https:// in production");
        }
        checks.found
    }
}

fn is_base(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}
