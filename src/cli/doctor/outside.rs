//! What others have to give: Redis and the providers.

use std::time::Duration;

use tokio::time::timeout;

use super::Finding;
use crate::hooks::http::Callee;
use crate::providers::Configured;
use crate::settings::Settings;
use crate::throttle::{self, Server, Trouble};
use crate::webhooks::Webhook;

/// How long a provider may take.
const PROVIDER: Duration = Duration::from_secs(20);

/// Whether limits could be counted in Redis: by what counts them, on keys of its own.
pub async fn redis(settings: &Settings) -> Finding {
    const WHAT: &str = "redis";
    if settings.redis.url.expose().is_empty() {
        return Finding::ok(WHAT, "not used: each instance counts rates for itself");
    }
    eprintln!("asking redis …");
    match throttle::prove(&Server::of(&settings.redis)).await {
        Ok(()) => Finding::ok(WHAT, "counts"),
        Err(Trouble::Gone(why)) => {
            Finding::fail(WHAT, format!("{why}; see that it runs and that redis.url is right"))
        }
        Err(refuses) => Finding::fail(WHAT, refuses.to_string()),
    }
}

/// Whether a message would get out by a provider.
pub async fn provider(entry: &Configured) -> Finding {
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

/// Whether a webhook can be reached. Nothing is posted: only its owner knows what a test event does there.
pub async fn webhook(webhook: &Webhook) -> Finding {
    let (name, origin) = (&webhook.name, webhook.service.origin());
    let what = format!("webhook {name}");
    eprintln!("connecting to {name} …");
    match timeout(PROVIDER, webhook.service.reach()).await {
        Ok(Ok(())) => {
            Finding::ok(what, format!("{origin} listens; `multauth webhooks ping {name}` posts a test"))
        }
        Ok(Err(why)) => Finding::fail(what, format!("{origin}: {why}; events wait for it")),
        Err(_) => Finding::fail(what, format!("{origin}: no answer in 20 s; events wait for it")),
    }
}

/// Whether the service behind a hook can be reached. It is asked nothing.
pub async fn hook(callee: &Callee) -> Finding {
    let (name, origin) = (callee.point.name(), callee.service.origin());
    let what = format!("hook {name}");
    eprintln!("connecting to {what} …");
    let wrong = |why: &str| {
        Finding::fail(
            what.clone(),
            format!("{origin}: {why}; see that it runs and that hooks.{name}.url is right"),
        )
    };
    match timeout(PROVIDER, callee.service.reach()).await {
        Ok(Ok(())) => Finding::ok(what, format!("{origin} listens")),
        Ok(Err(why)) => wrong(&why),
        Err(_) => wrong("no answer in 20 s"),
    }
}
