//! A provider that keeps failing is left alone for a while (F11).

use std::sync::{Mutex, PoisonError};

use crate::base::Millis;
use crate::base::clock::{HOUR, SECOND};

/// Failures in a row until it opens.
const FAILURES: u32 = 5;
/// How long it stays open; then one message tries.
const OPEN: Millis = 30 * SECOND;
/// How long one that failed here before leaves that try to others: it may be the message that is at fault.
const YIELD: Millis = 2 * SECOND;

/// How many parties are remembered that it failed with.
const BLAMED: usize = 64;

/// For how long a provider that worked is taken to be set up well.
const SOUND: Millis = HOUR;

/// Whether a provider is worth a try now; one a provider and process.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When it was last asked or told of anything.
    seen: Millis,
    failures: u32,
    /// Nobody is let through before.
    until: Millis,
    /// Whether one was let through after that, and nothing is known of it yet.
    trying: bool,
    /// Whether somebody waits who did not fail here.
    others: bool,
    /// When it last answered as it should.
    worked: Option<Millis>,
    /// Those that messages went to when it failed, since then.
    blamed: Vec<String>,
}

impl State {
    /// Brings it to `now`: where the clock went back, what it waits for comes as much earlier.
    fn settle(&mut self, now: Millis) {
        let back = (self.seen - now).max(0);
        self.until -= back;
        self.worked = self.worked.map(|at| at - back);
        self.seen = now;
    }
}

impl Breaker {
    /// Whether a message may be handed over at `now`. When the rest is over one is let through, and the others
    /// wait another rest for what becomes of it.
    pub fn admits(&self, now: Millis) -> bool {
        self.admit(now, false).is_ok()
    }

    /// [`Self::admits`] for a message that may have `failed` here before, or another to the same party: for the one
    /// that is let through others go first, so that whoever has the most messages that fail does not use up every
    /// try.
    ///
    /// # Errors
    /// When it is worth asking again.
    pub fn admit(&self, now: Millis, failed: bool) -> Result<(), Millis> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(now);
        let tries = state.failures >= FAILURES;
        let yields = tries && failed && state.others;
        let from = if yields { state.until.saturating_add(YIELD) } else { state.until };
        if now < from {
            state.others |= !failed;
            return Err(from);
        }
        if tries {
            state.until = now + OPEN;
            (state.trying, state.others) = (true, false);
        }
        Ok(())
    }

    /// When it lets somebody through again; in the past where it is closed.
    pub fn until(&self) -> Millis {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).until
    }

    /// The provider answered at `now`, and refused this one message: that says nothing about the others, the next of
    /// which may try at once.
    pub fn spared(&self, now: Millis) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(now);
        if std::mem::take(&mut state.trying) {
            state.until = now;
        }
    }

    /// The provider answered as it should at `now`.
    pub fn succeeded(&self, now: Millis) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            State { worked: Some(now), seen: now, ..State::default() };
    }

    /// The provider refused us at `now`. Where it worked lately that may be about this one message, which anybody may
    /// have asked for, and nobody else's waits; otherwise it counts as [`Self::failed`].
    pub fn refused(&self, now: Millis) -> bool {
        let worked = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.settle(now);
            state.worked
        };
        let sound = worked.is_some_and(|at| (now - at).abs() < SOUND);
        !sound && self.failed(now)
    }

    /// The provider failed at `now`; says whether that opened it.
    pub fn failed(&self, now: Millis) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(now);
        state.failures = state.failures.saturating_add(1);
        state.trying = false;
        let opens = state.failures >= FAILURES;
        if opens {
            state.until = state.until.max(now + OPEN);
        }
        opens
    }

    /// The provider failed at a message to that party, which may be why.
    pub fn blame(&self, party: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.blamed.len() < BLAMED && state.blamed.iter().all(|one| one != party) {
            state.blamed.push(party.to_owned());
        }
    }

    /// Whether it failed at a message to that party since it last worked.
    pub fn blames(&self, party: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).blamed.iter().any(|one| one == party)
    }

    /// The provider asked to be left alone until `until`.
    pub fn rest(&self, until: Millis) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.until = state.until.max(until);
        state.trying = false;
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
    fn who_failed_before_leaves_the_try_to_others_for_two_seconds() {
        let breaker = Breaker::default();
        assert_eq!(breaker.admit(0, true), Ok(()), "while it is closed nobody has to");
        for _ in 0..FAILURES {
            breaker.failed(0);
        }
        assert_eq!(breaker.admit(0, true), Err(OPEN));
        assert_eq!(breaker.admit(OPEN, true), Ok(()), "there are no others");
        breaker.failed(OPEN);
        assert_eq!(breaker.admit(OPEN, false), Err(2 * OPEN));
        assert_eq!(breaker.admit(2 * OPEN, true), Err(2 * OPEN + YIELD));
        assert_eq!(breaker.admit(2 * OPEN, false), Ok(()));
        assert_eq!(breaker.admit(2 * OPEN, false), Err(3 * OPEN));
        breaker.failed(2 * OPEN);
        assert_eq!(breaker.admit(3 * OPEN + YIELD, true), Ok(()), "none came");
    }

    #[test]
    fn parties_that_it_failed_with_are_remembered_until_it_works() {
        let breaker = Breaker::default();
        (0..2 * BLAMED).for_each(|n| breaker.blame(&n.to_string()));
        assert!(breaker.blames("0") && !breaker.blames("other.example"));
        breaker.succeeded(0);
        assert!(!breaker.blames("0"));
    }

    #[test]
    fn one_message_that_is_refused_counts_nothing_and_lets_the_next_one_try() {
        let breaker = Breaker::default();
        for _ in 1..FAILURES {
            breaker.failed(0);
        }
        (0..50).for_each(|_| breaker.spared(0));
        assert!(breaker.admits(0), "it is no failure");
        assert!(breaker.failed(0), "nor does it forget one");
        breaker.spared(0);
        assert!(!breaker.admits(OPEN - 1), "a message that was under way before does not end the rest");
        assert!(breaker.admits(OPEN) && !breaker.admits(OPEN));
        breaker.spared(OPEN);
        assert!(breaker.admits(OPEN));
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
    fn a_clock_that_was_ahead_leaves_nobody_alone_for_longer() {
        const FAR: Millis = 3_650 * 24 * HOUR;
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            breaker.failed(FAR);
        }
        assert!(!breaker.admits(0) && !breaker.admits(OPEN - 1));
        assert!(breaker.admits(OPEN), "30 s, as if it had failed now");
        breaker.succeeded(FAR);
        assert!(!breaker.refused(0), "it worked a moment ago");
        assert_eq!([SOUND; 5].map(|now| breaker.refused(now)), [false, false, false, false, true]);
    }

    #[test]
    fn a_vendor_that_asks_to_wait_is_left_alone() {
        let breaker = Breaker::default();
        breaker.rest(7 * SECOND);
        assert!(!breaker.admits(7 * SECOND - 1) && breaker.admits(7 * SECOND));
        assert!(breaker.admits(7 * SECOND), "it did not fail: everybody may go on");
    }
}
