//! What became of something sent out: the same five words for a message, a webhook and a hook.

use std::time::Duration;

/// What became of a message. No `why` has a code, an address, or words of the other side in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side took responsibility for it.
    Delivered {
        /// Its own name for the message, where it gave one.
        reference: Option<String>,
    },
    /// Not now: the same provider may succeed later. It is failing, unless it asked to wait.
    Retry {
        /// What happened.
        why: String,
        /// How long the other side asked to wait. With it the provider is not failing: its breaker counts nothing.
        after: Option<Duration>,
    },
    /// Not now, and that is about this one message or its recipient: greylisting, too often for the number, a country
    /// that the account does not reach. Others' messages go on.
    Deferred {
        /// What happened.
        why: String,
    },
    /// Never by this provider, and that is about this one message or its recipient, or nobody can tell. Others'
    /// messages go on, and another provider may take this one.
    Rejected {
        /// What happened.
        why: String,
    },
    /// Never: nobody can be reached at that address.
    GiveUp {
        /// What happened.
        why: String,
    },
    /// Not by this provider until its operator acts: wrong credentials, no trust, a sender that is refused. The
    /// message stays queued, and another provider may take it. Only for what no recipient can bring about: whoever
    /// chooses the recipients would hold up everybody's messages.
    Misconfigured {
        /// What happened.
        why: String,
    },
}

impl Outcome {
    /// Its name in the metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Delivered { .. } => "accepted",
            Self::Retry { .. } => "failed",
            Self::Deferred { .. } => "deferred",
            Self::Rejected { .. } => "rejected",
            Self::GiveUp { .. } => "refused",
            Self::Misconfigured { .. } => "misconfigured",
        }
    }

    /// What happened; nothing where the other side took it.
    pub fn why(&self) -> &str {
        match self {
            Self::Delivered { .. } => "",
            Self::Retry { why, .. }
            | Self::Deferred { why }
            | Self::Rejected { why }
            | Self::GiveUp { why }
            | Self::Misconfigured { why } => why,
        }
    }

    /// Whether the provider refused this one message or its recipient, and takes others.
    pub const fn is_about_message(&self) -> bool {
        matches!(self, Self::Deferred { .. } | Self::Rejected { .. } | Self::GiveUp { .. })
    }

    /// [`Outcome::Retry`] without a wait that somebody asked for.
    pub fn retry(why: impl Into<String>) -> Self {
        Self::Retry { why: why.into(), after: None }
    }

    /// [`Outcome::Deferred`].
    pub fn deferred(why: impl Into<String>) -> Self {
        Self::Deferred { why: why.into() }
    }

    /// [`Outcome::Rejected`].
    pub fn rejected(why: impl Into<String>) -> Self {
        Self::Rejected { why: why.into() }
    }

    /// [`Outcome::GiveUp`].
    pub fn give_up(why: impl Into<String>) -> Self {
        Self::GiveUp { why: why.into() }
    }

    /// [`Outcome::Misconfigured`].
    pub fn misconfigured(why: impl Into<String>) -> Self {
        Self::Misconfigured { why: why.into() }
    }
}
