//! A line of time that follows no clock at once: how far it is from the clock that it is kept by. It is changed only where
//! that clock was set, and of several instances by the first that sees it.

use std::fmt;

use crate::base::Millis;
use crate::base::clock::{HOUR, Jumps, SECOND};

/// How long a clock that was set has to stay so until it is believed: time servers have set it right by then.
pub const BELIEVED: Millis = HOUR;
/// How far apart two clocks may be.
pub const FAR: Millis = Jumps::FAR;
/// How long ago another instance may have looked, for its word to count: each looks every 15 s. A clock that was set by more
/// than [`FAR`] since is beyond it.
const LATELY: Millis = FAR;
/// What is measured may be off by this.
const NOISE: Millis = SECOND;
/// No moment is beyond this.
const EVER: Millis = 1_000_000_000_000_000;

/// The line; in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// How far it is ahead of the clock, while that is in doubt.
    offset: Millis,
    /// Until when that is, by the clock. From then on the clock is believed: by all instances at the same moment.
    until: Millis,
    /// When somebody looked last, by the clock.
    pub looked: Millis,
}

/// What whoever looks expects, by the clock that is never set and what they saw before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// What the clock would say.
    pub clock: Millis,
    /// Where the line would be.
    pub line: Millis,
    /// What they left as [`Line::looked`]: where there is another, somebody else looked since.
    pub left: Millis,
}

impl Line {
    /// The moment on the line when the clock says `clock`.
    pub fn at(self, clock: Millis) -> Millis {
        clock + if self.doubts(clock) { self.offset } else { 0 }
    }

    /// Whether the clock was set and is not believed yet. It was set again, while nobody looked, where it is before all that.
    pub fn doubts(self, clock: Millis) -> bool {
        self.offset != 0 && (self.until - BELIEVED - FAR..self.until).contains(&clock)
    }

    /// The line after a look at the clock, which says `clock`. Where that is not what was expected it was set, and the line
    /// goes on without it. But where it is ahead, and another instance looked just now by the clock as it is, it may be the
    /// machine of this one that stood still: then the other has changed the line if it had to.
    #[must_use]
    pub fn after(self, clock: Millis, expected: Expected) -> Self {
        let another = self.looked != expected.left && (-NOISE..=LATELY).contains(&(clock - self.looked));
        if (clock - expected.clock).abs() <= FAR || another && clock > expected.clock {
            let (offset, until) = if self.doubts(clock) { (self.offset, self.until) } else { (0, 0) };
            return Self { offset, until, looked: clock };
        }
        let offset = expected.line - clock;
        // Set right again, it is gone along with: what it is off by may be drift.
        let (offset, until) = if offset.abs() <= FAR { (0, 0) } else { (offset, clock + BELIEVED) };
        Self { offset, until, looked: clock }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |word: &str| word.parse().ok().filter(|number| (-EVER..=EVER).contains(number));
        let mut numbers = text.split(' ').map(number);
        let (offset, until, looked) = (numbers.next()??, numbers.next()??, numbers.next()??);
        numbers.next().is_none().then_some(Self { offset, until, looked })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.offset, self.until, self.looked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::DAY;

    const START: Millis = 1_000 * DAY;
    const TURN: Millis = 15 * SECOND;

    /// An instance that looks at a line, as the agreement does.
    struct Instance {
        line: Line,
        ahead: Millis,
    }

    impl Instance {
        fn new(line: &Line, clock: Millis, steady: Millis) -> Self {
            Self { line: *line, ahead: clock - steady }
        }

        fn at(&self, steady: Millis) -> Millis {
            self.line.at(steady + self.ahead)
        }

        fn looks(&mut self, line: &mut Line, clock: Millis, steady: Millis) {
            let expected = steady + self.ahead;
            let left = self.line.looked;
            *line = line.after(clock, Expected { clock: expected, line: self.at(steady), left });
            (self.line, self.ahead) = (*line, clock - steady);
        }
    }

    /// One instance; the clock is ahead of what is true by the second of each, at the first; it gives where the line is.
    fn alone(looks: &[(Millis, Millis)]) -> Vec<Millis> {
        let mut line = Line::default();
        let mut one = Instance::new(&line, START, 0);
        let mut seen = Vec::new();
        for &(steady, off) in looks {
            one.looks(&mut line, START + steady + off, steady);
            seen.push(one.at(steady) - START - steady);
        }
        seen
    }

    #[test]
    fn a_clock_that_was_set_is_believed_once_it_stays_so() {
        for jump in [DAY, -DAY, FAR + 1, -FAR - 1, 3_650 * DAY] {
            let seen = alone(&[(TURN, 0), (HOUR, jump), (2 * HOUR - 1, jump), (2 * HOUR, jump)]);
            assert_eq!(seen, [0, 0, 0, jump], "{jump}");
        }
    }

    #[test]
    fn one_that_is_set_back_was_never_believed() {
        let looks: Vec<_> =
            (1..10).map(|turn| (turn * (HOUR - 1), if turn % 2 == 0 { DAY } else { 0 })).collect();
        assert_eq!(alone(&looks), [0; 9]);
    }

    #[test]
    fn one_that_is_set_again_is_believed_later() {
        let seen = alone(&[(0, DAY), (HOUR - 1, -DAY), (2 * HOUR - 2, -DAY), (2 * HOUR - 1, -DAY)]);
        assert_eq!(seen, [0, 0, 0, -DAY]);
    }

    #[test]
    fn what_drifts_is_gone_along_with() {
        let looks: Vec<_> = (1..100).map(|turn| (turn, turn * FAR)).collect();
        assert_eq!(alone(&looks).last(), Some(&(99 * FAR)));
    }

    /// Two look by turns; both have the same moment at any time, also between their looks.
    #[test]
    fn instances_never_disagree() {
        for (first, second) in [(1, 2), (2, 1)] {
            let near = (31..=46).map(|seconds| seconds * SECOND);
            for jump in [DAY, -DAY, 3_650 * DAY, -HOUR].into_iter().chain(near) {
                let mut line = Line::default();
                let mut both = [Instance::new(&line, START, 0), Instance::new(&line, START, 0)];
                let mut off = 0;
                for step in 1..3 * HOUR / (5 * SECOND) {
                    let steady = step * 5 * SECOND;
                    match steady {
                        s if s == 10 * TURN => off = jump,
                        s if s == 2 * HOUR => off = 0,
                        _ => {}
                    }
                    for (one, turn) in both.iter_mut().zip([first, second]) {
                        if step % 3 == turn {
                            one.looks(&mut line, START + steady + off, steady);
                        }
                    }
                    assert_eq!(both[0].at(steady), both[1].at(steady), "{jump} {steady}");
                    let believed = both[0].at(steady) - START - steady;
                    let in_doubt = steady < 10 * TURN + HOUR;
                    assert!(
                        if in_doubt { believed == 0 } else { [0, jump].contains(&believed) },
                        "{jump} {steady}"
                    );
                }
            }
        }
    }

    #[test]
    fn whoever_comes_later_or_stood_still_goes_by_what_the_others_have() {
        let mut line = Line::default();
        let mut one = Instance::new(&line, START, 0);
        let mut paused = Instance::new(&line, START, 0);
        paused.looks(&mut line, START, 0);
        for turn in 1..400 {
            one.looks(&mut line, START + turn * TURN + DAY, turn * TURN);
            let late = Instance::new(&line, START + turn * TURN + DAY, turn * TURN);
            assert_eq!(late.at(turn * TURN), one.at(turn * TURN), "{turn}");
        }
        // For it no time went by.
        paused.looks(&mut line, START + 399 * TURN + SECOND + DAY, SECOND);
        assert_eq!(paused.at(SECOND), one.at(399 * TURN + SECOND));
    }

    /// Whether its clock was in doubt or believed when all were stopped.
    #[test]
    fn a_clock_that_was_set_right_while_nobody_looked_is_gone_by() {
        for jump in [DAY, -DAY, 3_650 * DAY] {
            for stopped in [SECOND, HOUR - SECOND, HOUR, 2 * HOUR] {
                let mut line = Line::default();
                let mut one = Instance::new(&line, START, 0);
                for steady in [0, SECOND, stopped] {
                    one.looks(&mut line, START + steady + jump, steady);
                }
                let now = START + stopped + SECOND;
                let late = Instance::new(&line, now, 0);
                assert_eq!(late.at(0), now, "{jump} {stopped}");
                assert!(!line.doubts(now), "{jump} {stopped}");
            }
        }
    }

    #[test]
    fn one_that_stood_still_changes_nothing_for_the_others() {
        let mut line = Line::default();
        let (mut one, mut paused) = (Instance::new(&line, START, 0), Instance::new(&line, START, 0));
        paused.looks(&mut line, START, 0);
        one.looks(&mut line, START + 2 * HOUR, 2 * HOUR);
        let before = line;
        paused.looks(&mut line, START + 2 * HOUR + SECOND, 0);
        assert_eq!(Line { looked: before.looked, ..line }, before);
        assert_eq!(paused.at(0), START + 2 * HOUR + SECOND);
    }

    #[test]
    fn the_line_is_read_as_it_was_written() {
        let line = Line { offset: -DAY, until: START, looked: 7 };
        assert_eq!(Line::parse(&line.to_string()), Some(line));
        for text in ["", "1 2", "1 2 3 4", "1 2 x", "1 2 9000000000000000000"] {
            assert_eq!(Line::parse(text), None, "{text}");
        }
    }
}
