//! How a message leaves: one file a provider, under `email/`, `phone/`, or here where it serves both.
//!
//! To add one: a file with a strict settings struct, a `build` function, a type that is a [`Provider`] and a
//! `pub const KIND`, and one line in [`PROVIDERS`]. The settings check, the reference and `doctor` read that slice.

pub mod console;
pub mod email;
pub mod file;
pub mod phone;
mod settings;

use std::time::Duration;

use async_trait::async_trait;

use crate::base::Mistake;
use crate::messages::{Channel, Message};

/// Every kind of provider.
pub const PROVIDERS: &[ProviderKind] = &[console::KIND, file::KIND, email::smtp::KIND];

/// A way out for messages. One instance serves the whole process and is called by many tasks at once.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The name of its kind, such as `smtp`.
    fn name(&self) -> &str;

    /// Hands `message` over, within the provider's own time-out. Calling again with the same message is safe as
    /// far as the other side recognises its id; a message may arrive twice, never be lost.
    async fn send(&self, message: &Message) -> Outcome;

    /// Whether a message would get out now, without sending one; the error is for the operator's eyes.
    async fn check(&self) -> Result<(), String>;
}

/// What became of a message. No `why` has a code, an address, or words of the other side in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side took responsibility for it.
    Delivered {
        /// Its own name for the message, where it gave one.
        reference: Option<String>,
    },
    /// Not now: the same provider may succeed later.
    Retry {
        /// What happened.
        why: String,
        /// How long the other side asked to wait.
        after: Option<Duration>,
    },
    /// Never: nobody can be reached at that address.
    GiveUp {
        /// What happened.
        why: String,
    },
    /// Not by this provider until its operator acts: wrong credentials, no trust, a sender that is refused. The
    /// message stays queued, and another provider may take it.
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
            Self::GiveUp { .. } => "refused",
            Self::Misconfigured { .. } => "misconfigured",
        }
    }

    fn retry(why: impl Into<String>) -> Self {
        Self::Retry { why: why.into(), after: None }
    }

    fn give_up(why: impl Into<String>) -> Self {
        Self::GiveUp { why: why.into() }
    }

    fn misconfigured(why: impl Into<String>) -> Self {
        Self::Misconfigured { why: why.into() }
    }
}

/// Makes a provider of its settings; `path` is where they stand, such as `email.providers[0]`. No network is
/// touched. All mistakes come back at once.
pub type Build = fn(settings: &toml::Table, path: &str) -> Result<Box<dyn Provider>, Vec<Mistake>>;

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

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static ProviderKind> {
    PROVIDERS.iter().find(|kind| kind.name == name)
}

/// Makes the provider that `settings` at `path` ask for, in a list that is to deliver on `channels`. With
/// `production`, kinds for development are refused.
pub fn build(
    settings: &toml::Table,
    path: &str,
    channels: &[Channel],
    production: bool,
) -> Result<Box<dyn Provider>, Vec<Mistake>> {
    let at = format!("{path}.kind");
    let fitting: Vec<_> = PROVIDERS
        .iter()
        .filter(|kind| kind.serves(channels) && !(production && kind.development_only))
        .collect();
    let names: Vec<_> = fitting.iter().map(|kind| kind.name).collect();
    let one_of = names.join(", ");
    let Some(name) = settings.get("kind").and_then(toml::Value::as_str) else {
        return Err(vec![Mistake::new(at, format!("says which provider; one of: {one_of}"))]);
    };
    match (fitting.iter().find(|kind| kind.name == name), kind(name)) {
        (Some(kind), _) => (kind.build)(settings, path),
        (None, Some(kind)) if kind.serves(channels) => {
            let message = format!("{name:?} is for development only; in production one of: {one_of}");
            Err(vec![Mistake::new(at, message)])
        }
        (None, Some(_)) => {
            Err(vec![Mistake::new(at, format!("{name:?} does not serve here; one of: {one_of}"))])
        }
        (None, None) => {
            Err(vec![Mistake::new(at, format!("no provider is called {name:?}; one of: {one_of}"))])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> toml::Table {
        toml::from_str::<toml::Table>(&format!("it = {text}")).unwrap()["it"].as_table().unwrap().clone()
    }

    fn mistake(text: &str, channels: &[Channel], production: bool) -> Mistake {
        let mut found = build(&table(text), "x.providers[0]", channels, production).err().unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn every_example_builds_under_its_own_name() {
        for kind in PROVIDERS {
            let built = build(&table(kind.example), "x.providers[0]", kind.channels, false);
            let built = built.map_err(|mistakes| format!("{}: {mistakes:?}", kind.name)).unwrap();
            assert_eq!(built.name(), kind.name);
        }
    }

    #[test]
    fn every_kind_refuses_a_key_it_does_not_know_and_names_those_it_does() {
        for kind in PROVIDERS {
            let mut settings = table(kind.example);
            settings.insert("colour".into(), "red".into());
            settings.insert("shape".into(), 1.into());
            let found = build(&settings, "x.providers[0]", kind.channels, false).err().unwrap();
            let paths: Vec<_> = found.iter().map(|m| m.path.as_str()).collect();
            assert_eq!(paths, ["x.providers[0].colour", "x.providers[0].shape"], "{}", kind.name);
        }
    }

    #[test]
    fn a_kind_that_does_not_fit_is_refused_with_those_that_do() {
        let email = &[Channel::Email];
        let found = mistake("{ kind = \"pigeon\" }", email, false);
        assert_eq!(found.path, "x.providers[0].kind");
        assert!(found.message.contains("console, file, smtp"), "{found:?}");
        assert!(mistake("{}", email, false).message.contains("one of: console, file, smtp"));
        assert!(mistake("{ kind = \"smtp\" }", Channel::PHONE, false).message.contains("does not serve"));
        let found = mistake("{ kind = \"console\" }", email, true);
        assert!(found.message.contains("development only") && found.message.ends_with("one of: smtp"));
    }
}
