//! Refresh tokens whose session was turned to them by a commit that was not answered: nobody was given them yet.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The SHA-256 of each, in this instance. As few as commits are under way.
#[derive(Clone, Debug, Default)]
pub struct Ungiven(Arc<Mutex<HashSet<String>>>);

/// One of them, for as long as this is kept.
#[derive(Debug)]
pub struct Entry(Ungiven, String);

impl Ungiven {
    /// Notes one.
    #[must_use]
    pub fn enter(&self, hash: &str) -> Entry {
        self.with(|set| set.insert(hash.to_owned()));
        Entry(self.clone(), hash.to_owned())
    }

    /// Whether it is one of them.
    pub fn has(&self, hash: &str) -> bool {
        self.with(|set| set.contains(hash))
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashSet<String>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.with(|set| set.remove(&self.1));
    }
}
