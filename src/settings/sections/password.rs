use serde::Deserialize;

use crate::base::clock::MINUTE;
use crate::settings::Span;
use crate::settings::check::Checks;

/// `[password]`: what a password must be, and what hashing it costs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Password {
    /// Characters at least, where the password is the only factor (R59).
    pub minimum_single: u32,
    /// Characters at least, where another factor is asked too (R59).
    pub minimum_multi: u32,
    /// Characters at most (R59).
    pub maximum: u32,
    /// Refuses well-known passwords (R61).
    pub blocklist: bool,
    /// Argon2id memory of one hash, in KiB (R63).
    pub memory_kib: u32,
    /// Argon2id passes over that memory (R63).
    pub iterations: u32,
    /// Hashes at the same time; 0: one a core (R64).
    pub threads: u32,
    /// Hashes that wait at most; more are turned away (R64).
    pub queue: u32,
    /// How long one hash waits at most (R64).
    pub wait: Span,
}

/// Argon2id: passes, and the memory in KiB that they need at least (R63).
const FLOORS: [(u32, u32); 3] = [(1, 47_104), (2, 19_456), (3, 12_288)];

impl Password {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.within("password.minimum_single", self.minimum_single, 15..=64);
        checks.within("password.minimum_multi", self.minimum_multi, 8..=64);
        checks.within("password.maximum", self.maximum, 64..=256);
        checks.within("password.iterations", self.iterations, 1..=100);
        checks.within("password.threads", self.threads, 0..=1_024);
        checks.within("password.queue", self.queue, 0..=1_024);
        checks.within("password.wait", self.wait, Span(0)..=Span(MINUTE));
        checks.within("password.memory_kib", self.memory_kib, FLOORS[2].1..=4 * 1_024 * 1_024);
        let floor = FLOORS.iter().rev().find(|(passes, _)| self.iterations >= *passes);
        if let Some((_, floor)) = floor.filter(|(_, floor)| (FLOORS[2].1..*floor).contains(&self.memory_kib))
        {
            let path = if self.iterations == 1 { "password.iterations" } else { "password.memory_kib" };
            let message = format!("{} iterations need a memory_kib of at least {floor}", self.iterations);
            checks.wrong(path, message);
        }
    }
}
