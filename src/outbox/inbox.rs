//! The development inbox: the last messages that left, kept in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::messages::Message;

/// How many messages are kept.
const SIZE: usize = 500;

/// The last messages that were delivered, for development, tests and `simulate`.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<VecDeque<Message>>>);

impl Inbox {
    /// Keeps a message; the oldest goes when there are too many.
    pub fn keep(&self, message: &Message) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == SIZE {
            kept.pop_front();
        }
        kept.push_back(message.clone());
    }

    /// All kept messages, the newest first.
    pub fn all(&self) -> Vec<Message> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().cloned().collect()
    }
}
