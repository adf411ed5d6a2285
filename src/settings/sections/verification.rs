use serde::Deserialize;

use crate::base::clock::{HOUR, MINUTE};
use crate::settings::Span;
use crate::settings::check::Checks;

/// `[verification]`: proof that somebody holds a number or an address, with no user involved.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// Digits of a code, 6 to 10 (R22).
    pub length: u32,
    /// How long a code is accepted (R27).
    pub lifetime: Span,
    /// Wrong codes until the verification is dead, 1 to 5 (R26).
    pub attempts: u32,
    /// How long until another code may be sent.
    pub resend: Span,
    /// A right code stays good until it expires, and may be checked again.
    pub reuse: bool,
    /// How long the proof of a passed verification is good.
    pub proof_lifetime: Span,
}

impl Verification {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.within("verification.length", self.length, 6..=10);
        checks.within("verification.lifetime", self.lifetime, Span(10_000)..=Span(10 * MINUTE));
        checks.within("verification.attempts", self.attempts, 1..=5);
        checks.within("verification.resend", self.resend, Span(0)..=Span(10 * MINUTE));
        checks.within("verification.proof_lifetime", self.proof_lifetime, Span(10_000)..=Span(HOUR));
    }
}
