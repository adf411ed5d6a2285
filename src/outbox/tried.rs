//! A message that was tried, and what became of it.

use crate::base::Millis;
use crate::outbox::marks::Marks;
use crate::store::outbox::Queued;
use std::time::Duration;

/// One message that was tried, and what became of it.
pub(super) struct Tried {
    pub(super) queued: Queued,
    pub(super) ended: Ended,
    /// What it remembers of the providers from now on.
    pub(super) marks: Marks,
}

/// What became of one try.
pub(super) enum Ended {
    /// A provider took it; with a moment until which it has to report the delivery.
    Taken { provider: String, reference: Option<String>, until: Option<Millis> },
    /// It was taken before, and there is nobody else to ask or nothing left to ask for.
    Known,
    /// Its code ended on the way.
    Expired,
    /// Its code is not asked for any more.
    Unwanted,
    /// It is given up; the word says why in events.
    Failed { why: String, word: &'static str },
    /// It waits for others to the same party; nobody was asked.
    Outside,
    /// It stays leased as it is: by a clock that was just set nothing is decided.
    Left,
    /// It waits.
    Later { why: String, after: Option<Duration> },
}

impl Ended {
    pub(super) fn failed(why: impl Into<String>, word: &'static str) -> Self {
        Self::Failed { why: why.into(), word }
    }

    pub(super) fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }

    /// Somebody is left alone for `span`: nothing happens before, unless another wait was asked for.
    pub(super) fn wait_for(&mut self, span: Millis) {
        if let Self::Later { why, after: after @ None } = self {
            *why = "every provider is left alone for a while".into();
            *after = u64::try_from(span).ok().map(Duration::from_millis);
        }
    }
}
