//! The worker that empties the outbox: one lane a provider, each with places of its own.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, pin_mut};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::Inbox;
use crate::base::clock::MINUTE;
use crate::base::seal::Sealer;
use crate::base::{Clock, Millis, Random};
use crate::providers::{NOBODY, Routes};
use crate::store::outbox::Queued;
use crate::store::{self, Store, StoreError};

/// How many messages of a lane are under way at once: so many may be sent twice after a crash (F10).
const AT_ONCE: usize = 8;
/// How long a message is leased: longer than a delivery is given ([`super::delivery`]).
const LEASE: Millis = MINUTE;
/// How long to rest where nothing is due: another instance may have queued something.
const REST: Duration = Duration::from_secs(1);
/// The lane of messages that no provider was there for when they were written.
const UNROUTED: &str = "";

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
    /// Who delivers what.
    pub routes: Arc<Routes>,
    /// Also gets every delivered message, in development.
    pub inbox: Option<Inbox>,
    /// Rung when something was queued.
    pub wake: Arc<Notify>,
}

/// The messages that go to one provider first.
struct Lane<'a> {
    name: &'a str,
    slots: Arc<Semaphore>,
}

impl Worker {
    /// Delivers until `stop` is rung, then finishes what is under way.
    pub async fn run(self, stop: Arc<Notify>) {
        self.adopt(Millis::MAX).await.unwrap_or_else(unread);
        let mut adopted = self.clock.now();
        let lane = |name| Lane { name, slots: Arc::new(Semaphore::new(AT_ONCE)) };
        let lanes: Vec<_> = self.lanes().into_iter().map(lane).collect();
        let mut under_way = JoinSet::new();
        let stopped = stop.notified();
        pin_mut!(stopped);
        while (&mut stopped).now_or_never().is_none() {
            let mut began = 0;
            for lane in &lanes {
                began += self.begin(lane, &mut under_way).await.unwrap_or_else(unread);
            }
            let now = self.clock.now();
            if (now - adopted).abs() >= MINUTE {
                adopted = now;
                self.adopt(now - MINUTE).await.unwrap_or_else(unread);
            }
            while under_way.try_join_next().is_some() {}
            if began == 0 {
                tokio::select! {
                    () = &mut stopped => break,
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
        self.adopt(Millis::MAX).await?;
        let mut done = 0;
        loop {
            let before = done;
            for lane in self.lanes() {
                for queued in self.lease(lane, AT_ONCE).await? {
                    done += 1;
                    self.deliver(&queued).await;
                }
            }
            if done == before {
                return Ok(done);
            }
        }
    }

    /// Every lane there is, each once.
    fn lanes(&self) -> Vec<&str> {
        let mut lanes: Vec<&str> = self.routes.all().iter().map(|entry| entry.name.as_str()).collect();
        lanes.extend([UNROUTED, NOBODY]);
        lanes.sort_unstable();
        lanes.dedup();
        lanes
    }

    /// Takes over what is due since `due` and waits for providers that the settings do not name. Another instance may
    /// know them, and sends the rest.
    async fn adopt(&self, due: Millis) -> Result<(), StoreError> {
        let known = self.lanes();
        let waiting = store::outbox::lanes(&mut self.store.read().await?).await?;
        for lane in waiting.iter().filter(|lane| !known.contains(&lane.as_str())) {
            let mut tx = self.store.begin().await?;
            let moved = store::outbox::move_lane(&mut tx, lane, UNROUTED, due).await?;
            tx.commit().await?;
            if moved > 0 {
                tracing::info!(lane, moved, "messages for a provider that is gone are sent by the others");
            }
        }
        Ok(())
    }

    /// Begins as many deliveries of a lane as it has places; says how many.
    async fn begin(&self, lane: &Lane<'_>, under_way: &mut JoinSet<()>) -> Result<usize, StoreError> {
        let leased = self.lease(lane.name, lane.slots.available_permits()).await?;
        let began = leased.len();
        for queued in leased {
            // Only this loop takes places, and it leases no more than are free.
            let Ok(slot) = lane.slots.clone().try_acquire_owned() else { break };
            let worker = self.clone();
            under_way.spawn(async move {
                worker.deliver(&queued).await;
                drop(slot);
                worker.wake.notify_one();
            });
        }
        Ok(began)
    }

    async fn lease(&self, lane: &str, limit: usize) -> Result<Vec<Queued>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        // Looked at by a reader first: an idle worker must not write.
        let mut db = self.store.read().await?;
        let due = store::outbox::next_due(&mut db, lane, now).await?;
        drop(db);
        if due.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let mut tx = self.store.begin().await?;
        let leased = if lane == NOBODY {
            store::outbox::drop_lane(&mut tx, lane, now).await?;
            Vec::new()
        } else {
            let limit = i64::try_from(limit).unwrap_or(1);
            store::outbox::lease(&mut tx, lane, now, now + LEASE, limit).await?
        };
        tx.commit().await?;
        Ok(leased)
    }
}

fn unread<T: Default>(error: StoreError) -> T {
    tracing::warn!(%error, "the outbox cannot be read");
    T::default()
}
