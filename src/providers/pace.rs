//! How long a vendor takes to answer, so that who need not be asked about takes as long (R16).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::Random;

/// How many of the last answers are remembered.
const TIMES: usize = 32;
/// How long an answer takes while none was seen.
const USUAL: Duration = Duration::from_millis(150);

/// How long the last answers of one vendor took.
#[derive(Debug, Default)]
pub struct Pace(Mutex<VecDeque<Duration>>);

impl Pace {
    /// Remembers an answer that took so long.
    pub fn took(&self, time: Duration) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if times.len() == TIMES {
            times.pop_front();
        }
        times.push_back(time);
    }

    /// Waits as long as one of the last answers took.
    pub async fn as_if_asked(&self, random: &Random) {
        let [chance] = random.bytes::<1>();
        let time = {
            let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let at = usize::from(chance) % times.len().max(1);
            times.get(at).copied().unwrap_or(USUAL)
        };
        tokio::time::sleep(time).await;
    }
}
