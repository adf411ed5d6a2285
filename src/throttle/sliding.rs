//! A window that slides: what was taken of a rate, and when.
//!
//! It remembers moments, not a level: **in no span as long as the rate's are more than
//! `count` taken**, where token buckets and aligned windows let nearly twice as many through. Up to 32 a
//! window the moments are exact; above that they are rounded down to a grain of 1/32 of the span and leave
//! only when all of the grain is past, so that the promise stands and a wait is at most a grain longer. A
//! window thus holds 34 marks at the very most, whatever the count.
//!
//! A clock that goes back frees nothing: a mark that then lies in the future counts as made now.

use super::rate::Rate;
use crate::base::Millis;

/// How many marks a window is cut into where it does not keep exact moments.
const MARKS: u32 = 32;

/// What was taken of one rate by one key.
#[derive(Clone, Debug)]
pub struct Sliding {
    rate: Rate,
    /// Oldest first, no two of the same moment.
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Millis,
    count: u32,
}

/// The length of time that one mark stands for, milliseconds.
pub(super) fn grain(rate: &Rate) -> Millis {
    if rate.count <= MARKS { 1 } else { (rate.span / Millis::from(MARKS)).max(1) }
}

impl Sliding {
    /// An empty window.
    pub fn new(rate: Rate) -> Self {
        Self { rate, marks: Vec::new() }
    }

    /// Brings the window to `now`: forgets what is past, and holds nothing of the future.
    pub fn settle(&mut self, now: Millis) {
        let (slot, past) = (self.slot(now), now.saturating_sub(self.life()));
        let future = self.marks.partition_point(|mark| mark.at <= slot);
        let ahead = self.marks.drain(future..).fold(0u32, |sum, mark| sum.saturating_add(mark.count));
        if ahead > 0 {
            self.mark(slot, ahead);
        }
        let kept = self.marks.partition_point(|mark| mark.at <= past);
        self.marks.drain(..kept);
    }

    /// How long until there is room for one more; 0 when there is room. The window must be settled.
    pub fn wait(&self, now: Millis) -> Millis {
        let taken: u64 = self.marks.iter().map(|mark| u64::from(mark.count)).sum();
        match self.marks.first() {
            Some(oldest) if taken >= u64::from(self.rate.count) => oldest.at + self.life() - now,
            _ => 0,
        }
    }

    /// Takes one. The window must be settled.
    pub fn take(&mut self, now: Millis) {
        self.mark(self.slot(now), 1);
    }

    /// Counts beside its own what `other`, a window of the same rate, has counted. Both must be settled.
    pub fn absorb(&mut self, other: &Self) {
        let mut all = std::mem::take(&mut self.marks);
        all.extend(&other.marks);
        all.sort_by_key(|mark| mark.at);
        all.into_iter().for_each(|mark| self.mark(mark.at, mark.count));
        self.trim();
    }

    /// Forgets the oldest of what is more than the count: room is there again when the newest ones leave.
    fn trim(&mut self) {
        let taken: u64 = self.marks.iter().map(|mark| u64::from(mark.count)).sum();
        let mut over = taken.saturating_sub(u64::from(self.rate.count));
        let whole = self.marks.iter().take_while(|mark| {
            let goes = u64::from(mark.count) <= over;
            over -= if goes { u64::from(mark.count) } else { 0 };
            goes
        });
        let whole = whole.count();
        self.marks.drain(..whole);
        if let (Some(first), Ok(over)) = (self.marks.first_mut(), u32::try_from(over)) {
            first.count -= over;
        }
    }

    /// Whether it counts nothing. The window must be settled.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    fn mark(&mut self, at: Millis, count: u32) {
        match self.marks.last_mut() {
            Some(last) if last.at == at => last.count = last.count.saturating_add(count),
            _ => self.marks.push(Mark { at, count }),
        }
    }

    fn slot(&self, now: Millis) -> Millis {
        now - now.rem_euclid(grain(&self.rate))
    }

    /// How long a mark counts: the span, and the rest of its grain.
    fn life(&self) -> Millis {
        self.rate.span + grain(&self.rate) - 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::clock::{DAY, HOUR, MINUTE, SECOND};
    use crate::throttle::By;

    fn window(count: u32, span: Millis) -> Sliding {
        Sliding::new(Rate { count, span, by: By::Ip })
    }

    /// Takes one if there is room; the wait otherwise.
    fn ask(window: &mut Sliding, now: Millis) -> Millis {
        window.settle(now);
        let wait = window.wait(now);
        if wait == 0 {
            window.take(now);
        }
        wait
    }

    #[test]
    fn room_comes_back_exactly_a_span_after_it_was_taken() {
        let mut five = window(5, HOUR);
        (0..5).for_each(|i| assert_eq!(ask(&mut five, i * MINUTE), 0));
        assert_eq!(ask(&mut five, 10 * MINUTE), 50 * MINUTE);
        assert_eq!(ask(&mut five, HOUR - 1), 1);
        assert_eq!(ask(&mut five, HOUR), 0);
        assert_eq!(ask(&mut five, HOUR), MINUTE);
    }

    #[test]
    fn a_clock_that_goes_back_frees_nothing_and_locks_nobody_out() {
        let mut two = window(2, MINUTE);
        let day = 100 * DAY;
        (0..2).for_each(|_| assert_eq!(ask(&mut two, day), 0));
        assert_eq!(ask(&mut two, day - HOUR), MINUTE);
        assert_eq!(ask(&mut two, day - HOUR + MINUTE - 1), 1);
        assert_eq!(ask(&mut two, day - HOUR + MINUTE), 0);
        assert_eq!(ask(&mut two, day - HOUR + MINUTE), 0);
        assert!(ask(&mut two, day - DAY) <= MINUTE);
    }

    #[test]
    fn extreme_moments_do_not_panic() {
        let mut one = window(1, DAY);
        for now in [0, Millis::MAX / 2, -Millis::MAX / 2, 0] {
            let wait = ask(&mut one, now);
            assert!((0..=DAY).contains(&wait), "{wait}");
        }
    }

    #[test]
    fn what_several_used_counts_together_and_no_longer_than_each_did() {
        let (mut one, mut other) = (window(5, HOUR), window(5, HOUR));
        (0..4).for_each(|i| assert_eq!(ask(&mut one, i), 0));
        (0..4).for_each(|i| assert_eq!(ask(&mut other, 100 + i), 0));
        one.settle(200);
        other.settle(200);
        one.absorb(&other);
        assert_eq!(one.wait(200), HOUR + 3 - 200, "the fifth newest leaves room");
        assert_eq!(ask(&mut one, HOUR + 3), 0);
        assert_eq!(ask(&mut one, HOUR + 3), 97);
    }

    proptest! {
        #[test]
        fn never_more_than_the_count_in_any_span(
            count in 1u32..80,
            span in 1i64..120,
            steps in prop::collection::vec(0i64..9_000, 1..400),
        ) {
            let span = span * SECOND;
            let mut window = window(count, span);
            let (mut now, mut taken) = (1_000_000, Vec::new());
            for step in steps {
                // On average twice as often as allowed, whatever the count.
                now += step * span / (9_000 * i64::from(count));
                if ask(&mut window, now) == 0 {
                    taken.push(now);
                    let within = taken.iter().filter(|at| **at > now - span).count();
                    prop_assert!(within <= count as usize, "{within} of {count} at {now}");
                }
                prop_assert!(window.marks.len() <= 34, "{} marks", window.marks.len());
            }
        }

        #[test]
        fn whoever_waits_as_told_gets_in(count in 1u32..80, steps in prop::collection::vec(0i64..500, 1..200)) {
            let mut window = window(count, 10 * SECOND);
            let mut now = 0;
            for step in steps {
                now += step;
                let wait = ask(&mut window, now);
                prop_assert!(wait <= 10 * SECOND + grain(&window.rate));
                if wait > 1 {
                    prop_assert!(ask(&mut window, now + wait - 1) > 0, "told to wait too long");
                }
                if wait > 0 {
                    now += wait;
                    prop_assert_eq!(ask(&mut window, now), 0);
                }
            }
        }
    }
}
