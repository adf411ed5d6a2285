use serde::Deserialize;

use crate::base::clock::{DAY, SECOND};
use crate::settings::Span;
use crate::settings::check::Checks;

/// `[guesses]`: how often a secret may be guessed, counted by account and factor (R33).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guesses {
    /// Wrong guesses that cost no wait (R34).
    pub free: u32,
    /// Wait after each further wrong guess; the last one stays (R34).
    pub ladder: Vec<Span>,
    /// Wrong guesses a day from devices that are not known (R36).
    pub per_day: u32,
    /// Wrong guesses in thirty days from devices that are not known (R36).
    pub per_month: u32,
    /// Wrong guesses in a row until the factor is switched off (R38).
    pub stop_after: u32,
    /// Wrong codes a day of all accounts together, until everything is tightened (R39).
    pub global_per_day: u32,
}

impl Guesses {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.within("guesses.free", self.free, 0..=10);
        checks.within("guesses.per_day", self.per_day, 1..=20);
        checks.within("guesses.per_month", self.per_month, 1..=100);
        checks.within("guesses.stop_after", self.stop_after, 1..=100);
        checks.within("guesses.global_per_day", self.global_per_day, 1..=1_000_000);
        checks.must(
            !self.ladder.is_empty(),
            "guesses.ladder",
            "must have at least one wait, such as \"30s\"",
        );
        checks.must(
            self.ladder.is_sorted(),
            "guesses.ladder",
            "must not go down: each wait at least the one before",
        );
        for (n, wait) in self.ladder.iter().enumerate() {
            checks.within(&format!("guesses.ladder[{n}]"), *wait, Span(SECOND)..=Span(DAY));
        }
    }
}
