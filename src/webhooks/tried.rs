//! A call that was tried, and what became of it.

use crate::base::Millis;
use crate::store::webhooks::Leased;

/// One delivery that was tried, and what became of it.
pub(super) struct Tried {
    pub(super) leased: Leased,
    pub(super) ended: Ended,
    pub(super) status: Option<i64>,
}

/// What became of one try.
pub(super) enum Ended {
    /// It was taken.
    Sent,
    /// It is tried again.
    Later { why: String, asked: Option<Millis> },
    /// It is given up.
    Failed { why: String },
}

impl Ended {
    pub(super) fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), asked: None }
    }
}
