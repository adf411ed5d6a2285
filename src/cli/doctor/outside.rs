//! What others have to give: Redis and the providers.

use std::time::Duration;

use tokio::time::timeout;

use super::Finding;
use crate::hooks::http::Callee;
use crate::providers::Entry;
use crate::settings::Settings;

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

/// Whether a message would get out by a provider.
pub async fn provider(entry: &Entry) -> Finding {
    let (name, kind) = (&entry.name, entry.kind.name);
    let what = format!("provider {name}");
    eprintln!("asking {name} …");
    let checked = timeout(PROVIDER, entry.provider.check()).await;
    match checked.unwrap_or_else(|_| Err("no answer in 20 s".into())) {
        Ok(()) if entry.kind.development_only => {
            Finding::warn(what, format!("{kind}: for development, no message reaches anybody"))
        }
        Ok(()) => Finding::ok(what, kind),
        Err(why) => Finding::fail(what, format!("{kind}: {why}; mend its settings")),
    }
}

/// Whether the service behind a hook can be reached. It is asked nothing.
pub async fn hook(callee: &Callee) -> Finding {
    let what = format!("hook {}", callee.point.name());
    eprintln!("looking for {what} …");
    match callee.service.reach().await {
        Ok(()) => Finding::ok(what, "can be reached"),
        Err(outcome) => {
            let text = format!(
                "{}; see that it runs and that hooks.{}.url is right",
                outcome.why(),
                callee.point.name()
            );
            Finding::fail(what, text)
        }
    }
}
