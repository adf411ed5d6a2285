//! One guess at a time: an in-process lock by name, so that parallel guesses at one account are
//! judged one after the other (R25).

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

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
    /// Waits for the lock of `name`; it is held until the guard is dropped.
    pub async fn hold(&self, name: &str) -> OwnedMutexGuard<()> {
        let stripe = usize::try_from(self.hash.hash_one(name) % STRIPES as u64).unwrap_or(0);
        self.stripes[stripe].clone().lock_owned().await
    }
}
