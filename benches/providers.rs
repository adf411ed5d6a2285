//! Providers of the bench's own: nothing leaves this process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use multauth::base::Mistake;
use multauth::messages::{Channel, Message};
use multauth::providers::{Build, Outcome, Provider, ProviderKind, Spec};
use multauth::settings::Settings;

/// Takes everything at once.
pub const NULL: &str = "null";
/// Takes everything, after [`SLOWNESS`].
pub const SLOW: &str = "slow";
/// Refuses everything at once, as a mail server that is down does.
pub const DOWN: &str = "down";
/// How long the slow one takes.
pub const SLOWNESS: Duration = Duration::from_secs(5);

/// All of them.
pub fn kinds() -> Vec<ProviderKind> {
    let kind = |name, build: Build| ProviderKind {
        name,
        channels: &[Channel::Email],
        development_only: true,
        example: "",
        build,
    };
    vec![
        kind(NULL, |_: &Spec<'_>| Ok::<Box<dyn Provider>, Vec<Mistake>>(Box::new(Null))),
        kind(SLOW, |_: &Spec<'_>| Ok::<Box<dyn Provider>, Vec<Mistake>>(Box::new(Slow))),
        kind(DOWN, |_: &Spec<'_>| Ok::<Box<dyn Provider>, Vec<Mistake>>(Box::new(Down))),
    ]
}

/// Lets the one of that name be the only one for mail.
pub fn choose(settings: &mut Settings, name: &str) {
    let kind = toml::Table::from_iter([("kind".to_owned(), toml::Value::from(name))]);
    settings.email.providers = vec![kind];
}

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// How many messages [`NULL`] has taken.
pub fn taken() -> usize {
    TAKEN.load(Ordering::Relaxed)
}

struct Null;

#[async_trait]
impl Provider for Null {
    async fn send(&self, _: &Message) -> Outcome {
        TAKEN.fetch_add(1, Ordering::Relaxed);
        Outcome::Delivered { reference: None }
    }
}

struct Slow;

#[async_trait]
impl Provider for Slow {
    async fn send(&self, _: &Message) -> Outcome {
        tokio::time::sleep(SLOWNESS).await;
        Outcome::Delivered { reference: None }
    }
}

struct Down;

#[async_trait]
impl Provider for Down {
    async fn send(&self, _: &Message) -> Outcome {
        Outcome::retry("nobody answers")
    }
}
