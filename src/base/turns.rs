//! One guess at a time: an in-process lock by name, so that parallel guesses at one account are
//! judged one after the other (R25).

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// How many locks there are; two names may share one, which costs them a wait and nothing else.
const STRIPES: usize = 4096;

/// Locks by name, of a fixed number.
pub struct Locks {
    stripes: Vec<Arc<Mutex<()>>>,
    hash: RandomState,
}

impl Default for Locks {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Arc::default()).collect(), hash: RandomState::new() }
    }
}

impl Locks {
    /// Waits for the lock of `name`, for at most `wait`; it is held until the guard is dropped.
    pub async fn hold(&self, name: &str, wait: Duration) -> Option<OwnedMutexGuard<()>> {
        let stripe = usize::try_from(self.hash.hash_one(name) % STRIPES as u64).unwrap_or(0);
        let lock = self.stripes[stripe].clone();
        // Where it is free, no wait is too short.
        match lock.clone().try_lock_owned() {
            Ok(held) => Some(held),
            Err(_) => tokio::time::timeout(wait, lock.lock_owned()).await.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_is_waited_for_so_long_and_no_longer() {
        let locks = Locks::default();
        let held = locks.hold("a", Duration::ZERO).await.expect("nobody has it");
        assert!(locks.hold("a", Duration::ZERO).await.is_none());
        let patient = locks.hold("a", Duration::from_secs(60));
        let (next, ()) = tokio::join!(patient, async { drop(held) });
        assert!(next.is_some(), "its turn came");
    }
}
