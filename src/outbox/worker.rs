//! The worker that empties the outbox.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::{Inbox, NOBODY, open, urgent};
use crate::base::clock::{HOUR, MINUTE, SECOND};
use crate::base::seal::Sealer;
use crate::base::{Clock, Millis, Random};
use crate::messages::Message;
use crate::providers::{Outcome, Routes};
use crate::store::outbox::{End, Queued};
use crate::store::{self, Store, StoreError};
use crate::telemetry::metrics;

/// How many messages are under way at once.
const AT_ONCE: usize = 16;
/// How long a message is leased: longer than every provider's time-out together.
const LEASE: Millis = MINUTE;
/// How long to rest where nothing is due: another instance may have queued something.
const REST: Duration = Duration::from_secs(1);

/// Delivers what is queued.
#[derive(Clone)]
pub struct Worker {
    /// The database.
    pub store: Store,
    /// Opens the messages.
    pub sealer: Arc<Sealer>,
    /// Says what is due.
    pub clock: Clock,
    /// Spreads retries.
    pub random: Random,
    /// Who delivers on which channel.
    pub routes: Arc<Routes>,
    /// Also gets every delivered message, in development.
    pub inbox: Option<Inbox>,
    /// Rung when something was queued.
    pub wake: Arc<Notify>,
}

impl Worker {
    /// Delivers until `stop` is rung, then finishes what is under way.
    pub async fn run(self, stop: Arc<Notify>) {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let mut under_way = JoinSet::new();
        loop {
            let leased = match self.lease(slots.available_permits()).await {
                Ok(leased) => leased,
                Err(error) => {
                    tracing::warn!(%error, "the outbox cannot be read");
                    Vec::new()
                }
            };
            let idle = leased.is_empty();
            for queued in leased {
                let slot = slots.clone().acquire_owned().await;
                let worker = self.clone();
                under_way.spawn(async move {
                    worker.deliver(&queued).await;
                    drop(slot);
                    worker.wake.notify_one();
                });
            }
            while under_way.try_join_next().is_some() {}
            if idle {
                tokio::select! {
                    () = stop.notified() => break,
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep(REST) => {}
                }
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Delivers everything that is due now, and returns when it has been tried; for tests and commands.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub async fn drain(&self) -> Result<usize, StoreError> {
        let mut done = 0;
        loop {
            let leased = self.lease(AT_ONCE).await?;
            if leased.is_empty() {
                return Ok(done);
            }
            done += leased.len();
            for queued in leased {
                self.deliver(&queued).await;
            }
        }
    }

    async fn lease(&self, limit: usize) -> Result<Vec<Queued>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        // Looked at by a reader first: an idle worker must not write.
        let mut db = self.store.read().await?;
        let due = store::outbox::next_due(&mut db, now).await?;
        drop(db);
        if due.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(1);
        let mut tx = self.store.begin().await?;
        let leased = store::outbox::lease(&mut tx, now, now + LEASE, limit).await?;
        tx.commit().await?;
        Ok(leased)
    }

    async fn deliver(&self, queued: &Queued) {
        let ended = self.attempt(queued).await;
        if let Err(error) = self.record(queued, &ended).await {
            // The lease runs out and the message is tried again, with the same id.
            tracing::warn!(%error, message = queued.id, "what became of a message cannot be recorded");
        }
    }

    /// Hands a message to the providers of its channel, one after the other.
    async fn attempt(&self, queued: &Queued) -> Ended {
        if queued.channel == NOBODY || queued.expires_at <= self.clock.now() {
            return Ended::Expired;
        }
        let Some(message) = open(&self.sealer, queued) else {
            return Ended::Failed("the message cannot be opened".into());
        };
        let mut last = (String::from("no provider delivers on this channel"), None);
        for entry in self.routes.of(message.channel, &message.to, message.kind.carries_code()) {
            let provider = &entry.provider;
            let began = Instant::now();
            let outcome = provider.send(&message).await;
            let seconds = began.elapsed().as_secs_f64();
            metrics::message(message.channel.name(), &entry.name, outcome.name(), seconds);
            match outcome {
                Outcome::Delivered { .. } => return self.delivered(&message, &entry.name),
                Outcome::GiveUp { why } => return Ended::Failed(why),
                Outcome::Retry { why, after } => last = (why, after),
                Outcome::Misconfigured { why } => {
                    tracing::error!(provider = entry.name, why, "a provider refuses us: mend its settings");
                    last = (why, None);
                }
            }
        }
        Ended::Later { why: last.0, after: last.1 }
    }

    fn delivered(&self, message: &Message, provider: &str) -> Ended {
        if let Some(inbox) = &self.inbox {
            inbox.keep(message);
        }
        Ended::Sent(provider.to_owned())
    }

    async fn record(&self, queued: &Queued, ended: &Ended) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        match ended {
            Ended::Later { why, after } => {
                let due = now + self.backoff(queued, *after);
                tracing::warn!(
                    message = queued.id,
                    kind = queued.kind,
                    tries = queued.tries,
                    why,
                    "a message waits"
                );
                store::outbox::delay(&mut tx, &queued.id, due, why).await?;
            }
            done => store::outbox::finish(&mut tx, &queued.id, &done.row(), now).await.map(drop)?,
        }
        tx.commit().await
    }

    /// 1, 2, 4 … 60 minutes, seconds instead for a code that soon ends; a fifth more or less by chance.
    fn backoff(&self, queued: &Queued, asked: Option<Duration>) -> Millis {
        let first = if urgent(&queued.kind) { 2 * SECOND } else { MINUTE };
        let doubled = first.saturating_mul(1 << queued.tries.clamp(1, 16) >> 1).min(HOUR);
        let [chance] = self.random.bytes::<1>();
        let spread = doubled / 5 * (i64::from(chance) - 128) / 128;
        let asked = asked.map_or(0, |asked| i64::try_from(asked.as_millis()).unwrap_or(HOUR));
        (doubled + spread).max(asked)
    }
}

/// What became of one try.
enum Ended {
    Sent(String),
    Expired,
    Failed(String),
    Later { why: String, after: Option<Duration> },
}

impl Ended {
    fn name(&self) -> &'static str {
        match self {
            Self::Sent(_) => "sent",
            Self::Expired => "expired",
            Self::Failed(_) => "failed",
            Self::Later { .. } => "later",
        }
    }

    fn row(&self) -> End<'_> {
        let (provider, problem) = match self {
            Self::Sent(provider) => (Some(provider.as_str()), None),
            Self::Failed(why) | Self::Later { why, .. } => (None, Some(why.as_str())),
            Self::Expired => (None, None),
        };
        End { state: self.name(), provider, problem }
    }
}
