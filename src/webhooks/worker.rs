//! The worker that tells webhooks: each has places of its own, so that one that is slow holds up no other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::pin_mut;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::{Webhook, Webhooks};
use crate::base::clock::{HOUR, MINUTE, Steady};
use crate::base::lease::{self, Wake};
use crate::base::{Clock, Millis, Random};
use crate::store::agreement::Agreement;
use crate::store::webhooks::{self as rows, Leased};
use crate::store::{Store, StoreError, Tx};
use crate::webhooks::tried::Tried;

/// How many deliveries to a webhook are under way at once: so many may come twice after a crash.
const AT_ONCE: usize = 8;
/// How long to rest where nothing is due: another instance may have queued something.
const REST: Duration = Duration::from_secs(1);
/// How long after an event was written its transaction has most likely been committed.
const SOON: Duration = Duration::from_millis(20);
/// How long it is tried to write down what became of a delivery, where the database fails.
const RECORDED: Duration = Duration::from_secs(60);
/// For how long the deliveries of a webhook that is not in the settings wait: another instance may know it.
const UNKNOWN: Millis = HOUR;

/// Delivers what is queued.
#[derive(Clone)]
pub struct Worker {
    /// The database.
    pub store: Store,
    /// Says what is due.
    pub clock: Clock,
    /// Whether it agrees with the database's, by which leases are.
    pub agreement: Agreement,
    /// The clock that is never set.
    pub steady: Steady,
    /// Spreads retries.
    pub random: Random,
    /// Who is told.
    pub webhooks: Webhooks,
    /// Rung when an event was written that some webhook wants.
    pub wake: Arc<Notify>,
}

/// One webhook and its places.
struct Lane<'a> {
    webhook: &'a Webhook,
    slots: Arc<Semaphore>,
    /// Whether more may be due: the last lease took all it could, or something ended and what stood behind it may go.
    more: bool,
}

/// A delivery that was tried, and the place that it has until that is written down.
type Done = (Tried, usize, OwnedSemaphorePermit);

/// Deliveries of which it could not be written down what became of them, and until when that is tried.
type Unwritten = Vec<(Instant, Tried)>;

impl Worker {
    /// Delivers until `stop` is rung, then finishes what is under way.
    pub async fn run(self, stop: Arc<Notify>) {
        let mut looked = Millis::MIN;
        let webhooks = self.webhooks.clone();
        let lane = |webhook| Lane { webhook, slots: Arc::new(Semaphore::new(AT_ONCE)), more: false };
        let mut lanes: Vec<_> = webhooks.iter().map(lane).collect();
        let (mut under_way, mut unwritten) = (JoinSet::new(), Unwritten::new());
        let mut wake = Wake::new(self.steady.clone());
        let mut rest = tokio::time::interval(REST);
        rest.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stopped = stop.notified();
        pin_mut!(stopped);
        let mut soon = false;
        loop {
            let (mut look, mut done) = (false, Vec::new());
            tokio::select! {
                biased;
                () = &mut stopped => break,
                () = self.wake.notified(), if !soon => {
                    soon = true;
                    rest.reset_after(SOON);
                    continue;
                }
                _ = rest.tick() => (look, soon) = (true, false),
                Some(first) = under_way.join_next() => {
                    done.extend(first);
                    // What ends at the same moment is written down with it.
                    tokio::task::yield_now().await;
                }
            }
            gather(&mut done, &mut under_way);
            let over = self.over(&mut wake);
            let well = self.round(&mut lanes, (look, over), done, &mut under_way, &mut unwritten).await;
            wake.ended(well);
            let now = self.steady.now();
            if look && now.saturating_sub(looked) >= MINUTE {
                looked = now;
                self.end_unknown().await.unwrap_or_else(unread);
            }
        }
        while let Some(first) = under_way.join_next().await {
            let mut done: Vec<Done> = first.into_iter().collect();
            gather(&mut done, &mut under_way);
            self.round(&mut [], (false, 0), done, &mut under_way, &mut unwritten).await;
        }
    }

    /// Delivers everything that is due now, and returns how many were tried; for tests and commands.
    ///
    /// # Errors
    /// Where the queue cannot be read.
    pub async fn drain(&self) -> Result<usize, StoreError> {
        self.end_unknown().await?;
        let mut done = 0;
        loop {
            let before = done;
            for webhook in self.webhooks.iter() {
                let (now, over) = (self.clock.now(), self.lease_now());
                if !rows::is_due(&mut self.store.read().await?, &webhook.name, (now, over)).await? {
                    continue;
                }
                let mut tx = self.store.begin().await?;
                let leased = self.lease(&mut tx, webhook, over, AT_ONCE).await?;
                tx.commit().await?;
                done += leased.len();
                let tried = join_all(leased.into_iter().map(|one| self.deliver(webhook, one))).await;
                join_all(tried.iter().map(|one| self.record_alone(one))).await;
            }
            if done == before {
                return Ok(done);
            }
        }
    }

    /// Posts one delivery, leased for as long as that takes.
    async fn deliver(&self, webhook: &Webhook, leased: Leased) -> Tried {
        let this = leased.clone();
        let renew = || async {
            let renewed = async {
                let mut tx = self.store.begin().await?;
                rows::renew(&mut tx, &this, self.agreement.leased_until()).await?;
                tx.commit().await
            };
            if let Err(error) = renewed.await {
                tracing::warn!(often = true, %error, "a delivery that is under way cannot be leased anew");
            }
        };
        lease::held(Box::pin(self.attempt(webhook, leased)), renew).await
    }

    /// Ends what has waited for long for webhooks that the settings do not name any more.
    async fn end_unknown(&self) -> Result<(), StoreError> {
        let waiting = rows::waiting(&mut self.store.read().await?).await?;
        let now = self.clock.now();
        // By a clock that is not believed yet nothing is given up.
        let due = now.min(self.agreement.believed()) - UNKNOWN;
        for webhook in waiting.iter().filter(|name| self.webhooks.named(name).is_none()) {
            let mut tx = self.store.begin().await?;
            let ended = rows::end(&mut tx, webhook, due, now, "the webhook was removed").await?;
            tx.commit().await?;
            if ended > 0 {
                tracing::warn!(
                    webhook,
                    ended,
                    "events wait for a webhook that is not in the settings; they failed"
                );
            }
        }
        Ok(())
    }

    /// Writes down what became of the deliveries that are `done` and leases others for the places that are free, all
    /// of it in one transaction. To `look` is to read which webhooks have something due.
    async fn round(
        &self,
        lanes: &mut [Lane<'_>],
        (look, over): (bool, Millis),
        done: Vec<Done>,
        under_way: &mut JoinSet<Done>,
        unwritten: &mut Unwritten,
    ) -> bool {
        self.catch_up(unwritten).await;
        // Places are given back before the deliveries are written down, and taken again in the same transaction.
        let mut tried = Vec::new();
        for (one, lane, _) in done {
            tried.push(one);
            if let Some(lane) = lanes.get_mut(lane) {
                lane.more = true;
            }
        }
        match self.exchange(lanes, (look, over), &tried).await {
            Ok(leased) => {
                for (webhook, leased, lane, slot) in leased {
                    let worker = self.clone();
                    under_way.spawn(async move { (worker.deliver(&webhook, leased).await, lane, slot) });
                }
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the queue of the webhooks cannot be read or written");
                // One that cannot be written down must not take the others with it.
                let until = Instant::now() + RECORDED;
                unwritten.extend(tried.into_iter().map(|one| (until, one)));
                self.catch_up(unwritten).await;
                false
            }
        }
    }

    /// Writes down, each alone, what could not be written down before, so that nothing is posted twice because the
    /// database was away for a while.
    async fn catch_up(&self, unwritten: &mut Unwritten) {
        let now = Instant::now();
        let tried = std::mem::take(unwritten).into_iter().map(|(until, one)| async move {
            let kept = !self.record_alone(&one).await && now < until;
            kept.then_some((until, one))
        });
        *unwritten = join_all(tried).await.into_iter().flatten().collect();
    }

    /// One [`Worker::round`] in the database; nothing of it counts where it fails.
    async fn exchange(
        &self,
        lanes: &mut [Lane<'_>],
        (look, over): (bool, Millis),
        tried: &[Tried],
    ) -> Result<Vec<(Webhook, Leased, usize, OwnedSemaphorePermit)>, StoreError> {
        if look && !lanes.is_empty() {
            let mut reader = self.store.read().await?;
            for lane in lanes.iter_mut().filter(|lane| !lane.more && lane.slots.available_permits() > 0) {
                // Looked at by a reader first: an idle worker must not write.
                lane.more = rows::is_due(&mut reader, &lane.webhook.name, (self.clock.now(), over)).await?;
            }
        }
        let wanted = |lane: &Lane<'_>| lane.more && lane.slots.available_permits() > 0;
        if tried.is_empty() && !lanes.iter().any(wanted) {
            return Ok(Vec::new());
        }
        let mut tx = self.store.begin().await?;
        for one in tried {
            self.record(&mut tx, one).await?;
        }
        let mut leased = Vec::new();
        for (n, lane) in lanes.iter_mut().enumerate().filter(|(_, lane)| wanted(lane)) {
            let free = lane.slots.available_permits();
            let found = self.lease(&mut tx, lane.webhook, over, free).await?;
            lane.more = found.len() == free;
            for one in found {
                // Only this loop takes places, and it leases no more than are free.
                let Ok(slot) = lane.slots.clone().try_acquire_owned() else { break };
                leased.push((lane.webhook.clone(), one, n, slot));
            }
        }
        tx.commit().await?;
        Ok(leased)
    }

    /// Up to when leases that ran out may be taken over; by a clock that a test moves, at once.
    fn over(&self, wake: &mut Wake) -> Millis {
        let (now, may) = (self.lease_now(), wake.begins(self.lease_now()));
        if matches!(self.clock, Clock::System) { may } else { now }
    }

    /// The moment by the clock that all who lease have.
    fn lease_now(&self) -> Millis {
        self.agreement.theirs()
    }

    async fn lease(
        &self,
        tx: &mut Tx,
        webhook: &Webhook,
        over: Millis,
        limit: usize,
    ) -> Result<Vec<Leased>, StoreError> {
        let now = self.clock.now();
        let limit = i64::try_from(limit).unwrap_or(1);
        rows::lease(tx, &webhook.name, (now, over), self.agreement.leased_until(), limit).await
    }
}

/// Adds whatever else has been tried by now; of one that panicked nothing is known, and its lease runs out.
fn gather(done: &mut Vec<Done>, under_way: &mut JoinSet<Done>) {
    while let Some(joined) = under_way.try_join_next() {
        done.extend(joined);
    }
}

fn unread<T: Default>(error: StoreError) -> T {
    tracing::warn!(%error, "the queue of the webhooks cannot be read");
    T::default()
}
