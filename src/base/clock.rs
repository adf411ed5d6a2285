//! Time is handed in, so that a test can move it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A moment, or a span, in milliseconds; moments count from the Unix epoch (UTC).
pub type Millis = i64;

/// One second in [`Millis`].
pub const SECOND: Millis = 1_000;
/// One minute in [`Millis`].
pub const MINUTE: Millis = 60 * SECOND;
/// One hour in [`Millis`].
pub const HOUR: Millis = 60 * MINUTE;
/// One day in [`Millis`].
pub const DAY: Millis = 24 * HOUR;

/// The clock of one instance: the system's, or one that a test moves by hand.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's wall clock.
    #[default]
    System,
    /// A clock that stands still until it is moved.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn fixed(at: Millis) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at)))
    }

    /// The present moment.
    #[allow(clippy::disallowed_methods)] // the one place that asks the system
    pub fn now(&self) -> Millis {
        match self {
            Self::System => jiff::Timestamp::now().as_millisecond(),
            Self::Fixed(at) => at.load(Ordering::SeqCst),
        }
    }

    /// Moves a fixed clock by `span` (which may be negative); the system's clock stays as it is.
    pub fn advance(&self, span: Millis) {
        if let Self::Fixed(at) = self {
            at.fetch_add(span, Ordering::SeqCst);
        }
    }
}

/// A clock that is never set: it tells how much time went by, and not which time it is.
#[derive(Clone, Debug)]
pub enum Steady {
    /// The system's, which goes on while the machine sleeps, from what it said when this was made.
    System(Millis),
    /// One that stands still until it is moved.
    Fixed(Arc<AtomicI64>),
}

impl Default for Steady {
    fn default() -> Self {
        Self::System(uptime())
    }
}

impl Steady {
    /// What a wall clock is compared with: the system's, or, where a test moves it, that clock itself.
    pub fn beside(clock: &Clock) -> Self {
        match clock {
            Clock::System => Self::default(),
            Clock::Fixed(at) => Self::Fixed(at.clone()),
        }
    }

    /// A clock that stands at 0.
    pub fn fixed() -> Self {
        Self::Fixed(Arc::default())
    }

    /// How much time went by since it was made.
    pub fn now(&self) -> Millis {
        match self {
            Self::System(began) => uptime() - began,
            Self::Fixed(at) => at.load(Ordering::SeqCst),
        }
    }

    /// Moves a fixed clock on by `span`; the system's stays as it is.
    pub fn advance(&self, span: Millis) {
        if let Self::Fixed(at) = self {
            at.fetch_add(span, Ordering::SeqCst);
        }
    }
}

/// Since the machine was started, its sleep included.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn uptime() -> Millis {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    time.tv_sec * SECOND + time.tv_nsec / 1_000_000
}

/// Since it was first asked; elsewhere nothing says for how long a machine slept.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn uptime() -> Millis {
    static BEGAN: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    Millis::try_from(BEGAN.elapsed().as_millis()).unwrap_or(Millis::MAX)
}

/// Whether the wall clock was set a moment ago: it may be set back, and what was given up by it would be gone.
#[derive(Clone, Debug)]
pub struct Jumps {
    clock: Clock,
    steady: Steady,
    /// Where both stood when it was last looked at, and until when (by the one that is never set) it is not believed.
    seen: Arc<Mutex<(Millis, Millis, Millis)>>,
}

impl Jumps {
    /// How far apart the two may be from one look to the next.
    pub const FAR: Millis = 30 * SECOND;
    /// How long what was set is not believed.
    const DOUBT: Millis = MINUTE;

    /// Compares `clock` with the one that is never set.
    pub fn new(clock: Clock, steady: Steady) -> Self {
        let seen = Arc::new(Mutex::new((clock.now(), steady.now(), 0)));
        Self { clock, steady, seen }
    }

    /// The clock that is never set.
    pub fn steady(&self) -> Steady {
        self.steady.clone()
    }

    /// Looks, and says whether the wall clock was set within the last minute, as far as anybody looked.
    pub fn are_recent(&self) -> bool {
        let (wall, steady) = (self.clock.now(), self.steady.now());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let jump = (wall - seen.0) - (steady - seen.1);
        let until = if jump.abs() > Self::FAR { steady + Self::DOUBT } else { seen.2 };
        *seen = (wall, steady, until);
        steady < until
    }
}

/// Whole seconds until `until`, rounded up, never negative.
pub fn seconds_until(now: Millis, until: Millis) -> u64 {
    u64::try_from((until - now).max(0)).unwrap_or(0).div_ceil(1_000)
}

/// What a wait is rounded up to in seconds, so that it does not tell which window was full (R19).
const COARSE: u64 = 30;

/// Seconds of a wait as a client is told them: rounded up, and not none.
pub fn coarse(seconds: u64) -> u64 {
    seconds.max(1).div_ceil(COARSE) * COARSE
}

/// A moment as RFC 3339 in UTC, for people and logs.
pub fn rfc3339(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |t| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_by_hand() {
        let clock = Clock::fixed(1_000);
        clock.advance(MINUTE);
        assert_eq!(clock.now(), 61_000);
    }

    #[test]
    fn what_goes_by_is_told_whatever_time_it_is() {
        let (clock, steady) = (Clock::fixed(1_000), Steady::fixed());
        clock.advance(-MINUTE);
        assert_eq!(steady.now(), 0);
        steady.advance(SECOND);
        assert_eq!((clock.now(), steady.now()), (-59_000, SECOND));
        assert!((0..DAY).contains(&Steady::default().now()));
    }

    #[test]
    fn a_clock_that_was_set_is_doubted_for_a_minute() {
        let (clock, steady) = (Clock::fixed(0), Steady::fixed());
        let jumps = Jumps::new(clock.clone(), steady.clone());
        let both = |span| {
            clock.advance(span);
            steady.advance(span);
        };
        both(HOUR);
        assert!(!jumps.are_recent());
        for jump in [DAY, -2 * DAY] {
            clock.advance(jump);
            assert!(jumps.are_recent());
            both(MINUTE - 1);
            assert!(jumps.are_recent());
            both(1);
            assert!(!jumps.are_recent());
        }
    }

    #[test]
    fn seconds_round_up_and_never_go_below_zero() {
        assert_eq!(seconds_until(0, 1), 1);
        assert_eq!(seconds_until(0, 2_000), 2);
        assert_eq!(seconds_until(5_000, 1_000), 0);
    }
}
