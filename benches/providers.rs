//! Providers of the bench's own: nothing leaves this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use multauth::base::Mistake;
use multauth::messages::{Channel, Message};
use multauth::providers::{Build, Outcome, Provider, ProviderKind, Spec};
use multauth::settings::Settings;

use crate::load::Result;

/// Takes everything at once.
pub const NULL: &str = "null";
/// Takes everything, after [`SLOWNESS`].
pub const SLOW: &str = "slow";
/// Refuses everything at once, as a mail server that is down does.
pub const DOWN: &str = "down";
/// Takes everything at once and keeps the codes for [`code_to`].
pub const KEPT: &str = "kept";
/// How long the slow one takes.
pub const SLOWNESS: Duration = Duration::from_secs(5);

/// All of them.
pub fn kinds() -> Vec<ProviderKind> {
    let kind = |name, build: Build| ProviderKind {
        name,
        channels: &[Channel::Email, Channel::Sms],
        development_only: true,
        example: "",
        build,
    };
    vec![
        kind(NULL, |_: &Spec<'_>| Ok::<Box<dyn Provider>, Vec<Mistake>>(Box::new(Null))),
        kind(SLOW, |_: &Spec<'_>| Ok::<Box<dyn Provider>, Vec<Mistake>>(Box::new(Slow))),
        kind(DOWN, |_: &Spec<'_>| Ok::<Box<dyn Provider>, Vec<Mistake>>(Box::new(Down))),
        kind(KEPT, |_: &Spec<'_>| Ok::<Box<dyn Provider>, Vec<Mistake>>(Box::new(Kept))),
    ]
}

/// Lets the one of that name be the only one for mail and texts.
pub fn choose(settings: &mut Settings, name: &str) {
    let kind = toml::Table::from_iter([("kind".to_owned(), toml::Value::from(name))]);
    settings.email.providers = vec![kind.clone()];
    settings.phone.providers = vec![kind];
}

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// How many messages [`NULL`] has taken.
pub fn taken() -> usize {
    TAKEN.load(Ordering::Relaxed)
}

static CODES: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);

/// Waits for the code that [`KEPT`] was given for an address, and forgets it.
pub async fn code_to(address: &str) -> Result<String> {
    let began = Instant::now();
    loop {
        let found = CODES.lock().unwrap_or_else(PoisonError::into_inner).remove(address);
        match found {
            Some(code) => return Ok(code),
            None if began.elapsed() > Duration::from_secs(10) => return Err("no code came".into()),
            None => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

struct Kept;

#[async_trait]
impl Provider for Kept {
    async fn send(&self, message: &Message) -> Outcome {
        let code = message.code.as_ref().map(|code| code.expose().to_owned()).unwrap_or_default();
        CODES.lock().unwrap_or_else(PoisonError::into_inner).insert(message.to.clone(), code);
        Outcome::Delivered { reference: None }
    }
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
