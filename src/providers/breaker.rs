//! A provider that keeps failing is left alone for a while (F11).

use std::sync::{Mutex, PoisonError};

use crate::base::Millis;
use crate::base::clock::{HOUR, SECOND};

/// Failures in a row until it opens.
const FAILURES: u32 = 5;
/// How long it stays open; then one message tries.
const OPEN: Millis = 30 * SECOND;

/// For how long a provider that worked is taken to be set up well.
const SOUND: Millis = HOUR;

/// Whether a provider is worth a try now; one a provider and process.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Nobody is let through before.
    until: Millis,
    /// When it last answered as it should.
    worked: Option<Millis>,
}

impl Breaker {
    /// Whether a message may be handed over at `now`. When the rest is over one is let through, and the others
    /// wait another rest for what becomes of it.
    pub fn admits(&self, now: Millis) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now < state.until {
            return false;
        }
        if state.failures >= FAILURES {
            state.until = now + OPEN;
        }
        true
    }

    /// When it lets somebody through again; in the past where it is closed.
    pub fn until(&self) -> Millis {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).until
    }

    /// The provider answered as it should at `now`.
    pub fn succeeded(&self, now: Millis) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            State { worked: Some(now), ..State::default() };
    }

    /// The provider refused a request at `now`. Where it worked lately that is about this one message, which anybody
    /// may have asked for, and nobody else's waits; otherwise it counts as [`Self::failed`].
    pub fn refused(&self, now: Millis) -> bool {
        let worked = self.0.lock().unwrap_or_else(PoisonError::into_inner).worked;
        let sound = worked.is_some_and(|at| (now - at).abs() < SOUND);
        !sound && self.failed(now)
    }

    /// The provider failed at `now`; says whether that opened it.
    pub fn failed(&self, now: Millis) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures += 1;
        let opens = state.failures >= FAILURES;
        if opens {
            state.until = state.until.max(now + OPEN);
        }
        opens
    }

    /// The provider asked to be left alone until `until`.
    pub fn rest(&self, until: Millis) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.until = state.until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_five_failures_and_lets_one_through_after_thirty_seconds() {
        let breaker = Breaker::default();
        for _ in 1..FAILURES {
            assert!(!breaker.failed(0));
            assert!(breaker.admits(0));
        }
        assert!(breaker.failed(0));
        assert!(!breaker.admits(OPEN - 1));
        assert!(breaker.admits(OPEN), "one tries");
        assert!(!breaker.admits(OPEN), "and the others wait for it");
        breaker.succeeded(OPEN);
        assert!(breaker.admits(OPEN));
    }

    #[test]
    fn a_failed_trial_opens_it_again() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            breaker.failed(0);
        }
        assert!(breaker.admits(OPEN));
        assert!(breaker.failed(OPEN));
        assert!(!breaker.admits(2 * OPEN - 1));
    }

    #[test]
    fn a_success_forgets_the_failures_before_it() {
        let breaker = Breaker::default();
        for _ in 0..3 * FAILURES {
            breaker.failed(0);
            breaker.succeeded(0);
        }
        assert!(breaker.admits(0));
    }

    #[test]
    fn refusals_open_it_only_where_nothing_worked_lately() {
        let breaker = Breaker::default();
        assert_eq!([0; 5].map(|now| breaker.refused(now)), [false, false, false, false, true]);
        breaker.succeeded(OPEN);
        assert!((0..50).all(|_| !breaker.refused(OPEN + SOUND - 1)) && breaker.admits(OPEN + SOUND));
        assert_eq!([OPEN + SOUND; 5].map(|now| breaker.refused(now)), [false, false, false, false, true]);
    }

    #[test]
    fn a_vendor_that_asks_to_wait_is_left_alone() {
        let breaker = Breaker::default();
        breaker.rest(7 * SECOND);
        assert!(!breaker.admits(7 * SECOND - 1) && breaker.admits(7 * SECOND));
        assert!(breaker.admits(7 * SECOND), "it did not fail: everybody may go on");
    }
}
