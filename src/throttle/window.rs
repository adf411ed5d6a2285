//! One window: what was taken of a rate by one key. Most slide; those by `address` refill evenly.

use super::even::Even;
use super::keys::By;
use super::rate::Rate;
use super::sliding::Sliding;
use crate::base::Millis;

/// What was taken of one rate by one key.
#[derive(Clone, Debug)]
pub enum Window {
    /// Never more than the count in any span.
    Sliding(Sliding),
    /// A burst of the count, then one each `span / count`.
    Even(Even),
}

/// Whether windows of this rate refill evenly. An address is its owner's, and anybody may ask for messages to it: a
/// window that stays full for its whole span would keep the owner out for as long.
pub(super) fn is_even(rate: &Rate) -> bool {
    rate.by == By::Address
}

impl Window {
    /// An empty window.
    pub fn new(rate: Rate) -> Self {
        if is_even(&rate) { Self::Even(Even::new(rate)) } else { Self::Sliding(Sliding::new(rate)) }
    }

    /// Brings the window to `now`: forgets what is past, and holds nothing of the future.
    pub fn settle(&mut self, now: Millis) {
        match self {
            Self::Sliding(window) => window.settle(now),
            Self::Even(window) => window.settle(now),
        }
    }

    /// How long until there is room for one more; 0 when there is room. The window must be settled.
    pub fn wait(&self, now: Millis) -> Millis {
        match self {
            Self::Sliding(window) => window.wait(now),
            Self::Even(window) => window.wait(),
        }
    }

    /// Takes one. The window must be settled.
    pub fn take(&mut self, now: Millis) {
        match self {
            Self::Sliding(window) => window.take(now),
            Self::Even(window) => window.take(),
        }
    }

    /// Whether it counts nothing. The window must be settled.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Sliding(window) => window.is_empty(),
            Self::Even(window) => window.is_empty(),
        }
    }

    /// Counts beside its own what `other`, a window of the same rate, has counted. Both must be settled.
    pub fn absorb(&mut self, other: &Self) {
        match (self, other) {
            (Self::Sliding(window), Self::Sliding(other)) => window.absorb(other),
            (Self::Even(window), Self::Even(other)) => window.absorb(other),
            // A rate has one kind of window.
            (Self::Sliding(_), Self::Even(_)) | (Self::Even(_), Self::Sliding(_)) => {}
        }
    }
}
