//! What others have to give: Redis and the providers.

use std::time::Duration;

use tokio::time::timeout;

use super::Finding;
use crate::messages::Channel;
use crate::providers::{self, Provider};
use crate::settings::{Mode, Settings};

/// How long Redis may take.
const REDIS: Duration = Duration::from_secs(3);
/// How long a provider may take.
const PROVIDER: Duration = Duration::from_secs(20);

/// Whether Redis answers.
pub async fn redis(settings: &Settings) -> Finding {
    const WHAT: &str = "redis";
    let url = settings.redis.url.expose();
    if url.is_empty() {
        return Finding::ok(WHAT, "not used: each instance counts rates for itself");
    }
    eprintln!("asking redis …");
    match timeout(REDIS, ping(url)).await {
        Ok(Ok(())) => Finding::ok(WHAT, "answers"),
        Ok(Err(error)) => {
            Finding::fail(WHAT, format!("{error}; see that it runs and that redis.url is right"))
        }
        Err(_) => Finding::fail(WHAT, "no answer in 3 s; see that it runs and that redis.url is right"),
    }
}

async fn ping(url: &str) -> Result<(), redis::RedisError> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    redis::cmd("PING").query_async::<String>(&mut connection).await.map(drop)
}

/// A provider of the settings, made.
pub struct Made {
    path: String,
    kind: String,
    built: Result<Box<dyn Provider>, String>,
}

/// Every provider of the settings, in the order they are tried.
pub fn providers(settings: &Settings) -> Vec<Made> {
    let lists = [
        ("email", settings.email_providers(), &[Channel::Email][..]),
        ("phone", settings.phone_providers(), Channel::PHONE),
    ];
    let production = settings.mode == Mode::Production;
    let mut made = Vec::new();
    for (section, tables, channels) in lists {
        for (n, table) in tables.iter().enumerate() {
            let path = format!("{section}.providers[{n}]");
            let kind = table.get("kind").and_then(toml::Value::as_str).unwrap_or("?").to_owned();
            let built = providers::build(table, &path, channels, production);
            let built = built.map_err(|mistakes| {
                mistakes.iter().map(|m| m.message.as_str()).collect::<Vec<_>>().join("; ")
            });
            made.push(Made { path, kind, built });
        }
    }
    made
}

/// Whether a message would get out by a provider.
pub async fn provider(made: Made) -> Finding {
    let Made { path, kind, built } = made;
    let checked = match built {
        Ok(provider) => {
            eprintln!("asking {kind} …");
            timeout(PROVIDER, provider.check()).await.unwrap_or_else(|_| Err("no answer in 20 s".into()))
        }
        Err(mistakes) => Err(mistakes),
    };
    match checked {
        Ok(()) if providers::kind(&kind).is_some_and(|kind| kind.development_only) => {
            Finding::warn(path, format!("{kind}: for development, no message reaches anybody"))
        }
        Ok(()) => Finding::ok(path, kind),
        Err(why) => Finding::fail(path.clone(), format!("{kind}: {why}; mend it at {path}")),
    }
}
