//! How a message leaves: one file a provider, under `email/`, `phone/`, or here where it serves both.
//!
//! To add one: a file with a strict settings struct, a `build` function, a type that is a [`Provider`] and a
//! `pub const KIND`, and one line in [`PROVIDERS`]. The settings check, the reference and `doctor` read that slice.
//! A *carrier* delivers our code; a *verifier* owns the code and is a [`Verifier`] too. A vendor that reports what
//! became of a message reads its [`Receipts`].

mod aws;
pub mod breaker;
pub mod console;
pub mod email;
pub mod file;
pub mod http;
pub mod lookup;
mod pace;
pub mod phone;
mod receipts;
mod refusals;
mod routes;
mod settings;
mod spec;
mod verifier;
pub mod webhook;

use std::time::Duration;

use async_trait::async_trait;

use crate::base::Mistake;
use crate::messages::{Channel, Message};

pub use http::{Answer, Http};
pub use pace::Pace;
pub use receipts::{Callback, Fate, Receipt, Receipts, Untrusted};
pub use refusals::Refusals;
pub use routes::{Entry, NOBODY, Routes};
pub use settings::secret;
pub use spec::{Site, Spec};
pub use verifier::{Verdict, Verifier};

/// Every kind of provider.
pub const PROVIDERS: &[ProviderKind] = &[
    console::KIND,
    file::KIND,
    email::smtp::KIND,
    email::sendgrid::KIND,
    email::ses::KIND,
    phone::sns::KIND,
    phone::twilio::messages::KIND,
    phone::twilio::verify::KIND,
    phone::vonage::KIND,
    webhook::KIND,
];

/// A way out for messages. One instance serves the whole process and is called by many tasks at once.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Hands `message` over, within the provider's own time-out. Calling again with the same message is safe as
    /// far as the other side recognises its id; a message may arrive twice, never be lost.
    async fn send(&self, message: &Message) -> Outcome;

    /// Whether a message would get out now, without sending one; the error is for the operator's eyes. Fine where
    /// there is nothing to look at.
    async fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// The vendor's side of codes, where it makes and checks them itself.
    fn verifier(&self) -> Option<&dyn Verifier> {
        None
    }

    /// Who reads the vendor's reports, where it sends any.
    fn receipts(&self) -> Option<&dyn Receipts> {
        None
    }
}

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

/// Makes a provider of its settings. No network is touched. All mistakes come back at once.
pub type Build = fn(spec: &Spec<'_>) -> Result<Box<dyn Provider>, Vec<Mistake>>;

/// One kind of provider, as the settings know it.
#[derive(Clone, Copy, Debug)]
pub struct ProviderKind {
    /// Its name: the `kind` in the settings.
    pub name: &'static str,
    /// What it can deliver.
    pub channels: &'static [Channel],
    /// Whether a production server refuses it: it would show codes to whoever reads its output.
    pub development_only: bool,
    /// Settings to start from: an inline table, as it stands in the list of providers.
    pub example: &'static str,
    /// Makes one.
    pub build: Build,
}

impl ProviderKind {
    /// Whether it delivers on any of `channels`.
    pub fn serves(&self, channels: &[Channel]) -> bool {
        self.channels.iter().any(|channel| channels.contains(channel))
    }
}

#[cfg(test)]
mod sink;
#[cfg(test)]
mod tests;
