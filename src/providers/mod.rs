//! How a message leaves: one file a provider, under `email/`, `phone/`, or here where it serves both.
//!
//! To add one: a file with a strict settings struct, a `build` function, a type that is a [`Provider`] and a
//! `pub const KIND`, and one line in [`PROVIDERS`]. The settings check, the reference and `doctor` read that slice.
//! A *carrier* delivers our code; a *verifier* owns the code and is a [`Verifier`] too. A vendor that reports what
//! became of a message reads its [`Receipts`].

mod aws;
pub mod console;
pub mod email;
pub mod file;
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

use async_trait::async_trait;

use crate::base::Mistake;
use crate::messages::{Channel, Message};

pub use crate::outbound::{Answer, Http, Outcome};
pub use pace::Pace;
pub use receipts::{Callback, Fate, Receipt, Receipts, Untrusted};
pub use refusals::Refusals;
pub use routes::{Configured, NO_LANE, Routes};
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
