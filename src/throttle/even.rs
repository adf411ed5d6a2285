//! A window that refills evenly: a burst of the count, then one each `span / count`.
//!
//! What was taken is a debt that is paid off steadily (GCRA). **In any time at most `count` are taken, and
//! `time * count / span` beside them**, so nobody uses up for long what belongs to others too. The debt is
//! kept in milliseconds times the count: whole numbers, without rounding, and never above the count times the
//! span.
//!
//! A clock that goes back frees nothing, and the wait for the next one stays `span / count` at most.

use super::rate::Rate;
use crate::base::Millis;

/// What was taken of one rate by one key.
#[derive(Clone, Debug)]
pub struct Even {
    rate: Rate,
    /// When `debt` was what it is.
    at: Millis,
    /// Each one taken adds the span, each millisecond takes the count away.
    debt: i64,
}

impl Even {
    /// An empty window.
    pub fn new(rate: Rate) -> Self {
        Self { rate, at: 0, debt: 0 }
    }

    /// Brings the window to `now`: what was paid off since is gone.
    pub fn settle(&mut self, now: Millis) {
        let paid = now.saturating_sub(self.at).max(0).saturating_mul(self.count());
        self.debt = (self.debt - paid).max(0);
        self.at = now;
    }

    /// How long until there is room for one more; 0 when there is room. The window must be settled.
    pub fn wait(&self) -> Millis {
        let over = self.debt + self.rate.span - self.most();
        if over > 0 { (over - 1) / self.count() + 1 } else { 0 }
    }

    /// Takes one. The window must be settled.
    pub fn take(&mut self) {
        self.debt = (self.debt + self.rate.span).min(self.most());
    }

    /// Whether it counts nothing. The window must be settled.
    pub fn is_empty(&self) -> bool {
        self.debt == 0
    }

    /// Counts beside its own what `other`, a window of the same rate, has counted. Both must be settled.
    pub fn absorb(&mut self, other: &Self) {
        self.debt = self.debt.saturating_add(other.debt).min(self.most());
    }

    fn count(&self) -> i64 {
        i64::from(self.rate.count)
    }

    fn most(&self) -> i64 {
        self.rate.span.saturating_mul(self.count())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::clock::{DAY, HOUR, MINUTE, SECOND};
    use crate::throttle::By;

    fn window(count: u32, span: Millis) -> Even {
        Even::new(Rate { count, span, by: By::Address })
    }

    /// Takes one if there is room; the wait otherwise.
    fn ask(window: &mut Even, now: Millis) -> Millis {
        window.settle(now);
        let wait = window.wait();
        if wait == 0 {
            window.take();
        }
        wait
    }

    #[test]
    fn five_at_once_then_one_each_twelve_minutes() {
        let mut five = window(5, HOUR);
        let day = 20_000 * DAY;
        (0..5).for_each(|_| assert_eq!(ask(&mut five, day), 0));
        assert_eq!(ask(&mut five, day), 12 * MINUTE);
        assert_eq!(ask(&mut five, day + 12 * MINUTE - 1), 1);
        assert_eq!(ask(&mut five, day + 12 * MINUTE), 0);
        assert_eq!(ask(&mut five, day + 12 * MINUTE), 12 * MINUTE);
        (0..5).for_each(|_| assert_eq!(ask(&mut five, day + 2 * HOUR), 0));
        assert_eq!(ask(&mut five, day + 2 * HOUR), 12 * MINUTE);
    }

    #[test]
    fn a_clock_that_goes_back_frees_nothing_and_locks_nobody_out() {
        let mut two = window(2, MINUTE);
        let day = 100 * DAY;
        (0..2).for_each(|_| assert_eq!(ask(&mut two, day), 0));
        assert_eq!(ask(&mut two, day - HOUR), MINUTE / 2);
        assert_eq!(ask(&mut two, day - HOUR + MINUTE / 2 - 1), 1);
        assert_eq!(ask(&mut two, day - HOUR + MINUTE / 2), 0);
        two.settle(day - HOUR + 2 * MINUTE);
        assert!(two.is_empty());
    }

    #[test]
    fn what_several_used_counts_together_and_no_longer_than_the_span() {
        let (mut one, mut other) = (window(5, HOUR), window(5, HOUR));
        (0..4).for_each(|_| assert_eq!(ask(&mut one, 0), 0));
        (0..4).for_each(|_| assert_eq!(ask(&mut other, 0), 0));
        one.absorb(&other);
        assert_eq!(ask(&mut one, 0), 12 * MINUTE);
        one.settle(HOUR);
        assert!(one.is_empty());
    }

    #[test]
    fn extreme_moments_do_not_panic() {
        for (count, span) in [(1, DAY), (1_000_000_000, 31 * DAY), (1_000_000_000, SECOND)] {
            let mut window = window(count, span);
            for now in [0, Millis::MAX, Millis::MIN, 0, Millis::MAX / 2, -Millis::MAX / 2] {
                let wait = ask(&mut window, now);
                assert!((0..=span).contains(&wait), "{wait}");
            }
        }
    }

    proptest! {
        #[test]
        fn never_more_than_the_count_and_what_was_paid_off_in_any_time(
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
                    for (n, from) in taken.iter().enumerate() {
                        let within = i64::try_from(taken.len() - n).unwrap();
                        let paid = (now - from) * i64::from(count) / span;
                        prop_assert!(within <= i64::from(count) + paid, "{within} of {count} from {from} to {now}");
                    }
                }
            }
        }

        #[test]
        fn whoever_waits_as_told_gets_in(count in 1u32..80, steps in prop::collection::vec(0i64..500, 1..200)) {
            let mut window = window(count, 10 * SECOND);
            let mut now = 0;
            for step in steps {
                now += step;
                let wait = ask(&mut window, now);
                prop_assert!(wait <= 10 * SECOND / i64::from(count) + 1);
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
