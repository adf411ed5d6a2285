//! How long a vendor takes to answer, so that an answer without asking can take as long (R16).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::Random;

/// How many of the last answers are remembered.
const TIMES: usize = 32;
/// How long an answer takes while none was seen.
const USUAL: Duration = Duration::from_millis(150);

/// The last answers of a vendor, by how long they took.
#[derive(Debug, Default)]
pub struct Pace(Mutex<VecDeque<Duration>>);

impl Pace {
    /// An answer took `time`.
    pub fn took(&self, time: Duration) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if times.len() == TIMES {
            times.pop_front();
        }
        times.push_back(time);
    }

    /// Waits as long as one of the last answers took, so that nobody sees that the vendor was not asked.
    pub async fn wait(&self, random: &Random) {
        tokio::time::sleep(self.one(random)).await;
    }

    fn one(&self, random: &Random) -> Duration {
        let [chance] = random.bytes::<1>();
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = usize::from(chance) % times.len().max(1);
        times.get(at).copied().unwrap_or(USUAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_as_long_as_one_of_the_last_answers() {
        let (pace, random) = (Pace::default(), Random::seeded(1));
        assert_eq!(pace.one(&random), USUAL);
        (0..2 * TIMES as u64).for_each(|n| pace.took(Duration::from_millis(n)));
        let last = Duration::from_millis(TIMES as u64)..Duration::from_millis(2 * TIMES as u64);
        assert!((0..100).all(|_| last.contains(&pace.one(&random))));
    }
}
