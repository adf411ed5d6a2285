use serde::Deserialize;

use crate::base::clock::{HOUR, MINUTE};
use crate::settings::Span;
use crate::settings::check::Checks;

/// `[attempt]`: a sign-in, sign-up, recovery or re-authentication under way.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Life of an attempt, idle or not (R8).
    pub lifetime: Span,
}

/// `[reauth]`: what asks for a fresh proof.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reauth {
    /// How long a proof counts as fresh (R67).
    pub fresh: Span,
}

impl Attempt {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.within("attempt.lifetime", self.lifetime, Span(MINUTE)..=Span(HOUR));
    }
}

impl Reauth {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.within("reauth.fresh", self.fresh, Span(10_000)..=Span(HOUR));
    }
}
