//! The worker that empties the outbox: one lane a provider, each with places of its own.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::pin_mut;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::{Inbox, Parties};
use crate::base::clock::{Jumps, MINUTE};
use crate::base::lease::{self, Wake};
use crate::base::seal::Sealer;
use crate::base::{Clock, Millis, Random};
use crate::events::Events;
use crate::hooks::Hooks;
use crate::outbox::tried::Tried;
use crate::providers::{NO_LANE, Routes};
use crate::store::agreement::Agreement;
use crate::store::outbox::Queued;
use crate::store::{self, Reader, Store, StoreError, Tx};

/// How many messages of a lane are under way at once: so many may be sent twice after a crash (F10).
const AT_ONCE: usize = 8;
/// How long it is tried to write down what became of a message, where the database fails.
const RECORDED: Duration = Duration::from_secs(60);
/// How long to rest where nothing is due: another instance may have queued something.
const REST: Duration = Duration::from_secs(1);
/// How long a message waits at most that was just queued, in milliseconds: by chance, so that the moment of its delivery
/// holds up no certain request after the one that asked for it, and tells nobody that there is one (R16).
const PAUSE: std::ops::Range<u64> = 20..220;
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
    /// Says whether it was set a moment ago: then nothing is given up by it.
    pub jumps: Jumps,
    /// Whether the clock agrees with the database's, by which leases are.
    pub agreement: Agreement,
    /// Spreads retries.
    pub random: Random,
    /// Who delivers what.
    pub routes: Arc<Routes>,
    /// Who is asked before a message is handed over.
    pub hooks: Arc<Hooks>,
    /// Tells of messages that are given up.
    pub events: Events,
    /// Also gets every delivered message, in development.
    pub inbox: Option<Inbox>,
    /// Whom messages go to, and how quick they are.
    pub parties: Parties,
    /// Rung when something was queued.
    pub wake: Arc<Notify>,
}

/// The messages that go to one provider first.
struct Lane<'a> {
    name: &'a str,
    slots: Arc<Semaphore>,
    /// Whether the last lease took all it could, so that more may be due.
    more: bool,
}

/// A message that was tried, and the place in its lane that it has until that is written down.
type Done = (Tried, OwnedSemaphorePermit);

/// Messages of which it could not be written down what became of them, and until when that is tried.
type Unwritten = Vec<(Instant, Tried)>;

impl Worker {
    /// Delivers until `stop` is rung, then finishes what is under way.
    pub async fn run(self, stop: Arc<Notify>) {
        self.adopt(Millis::MAX).await.unwrap_or_else(unread);
        let mut adopted = self.jumps.steady().now();
        let lane = |name| Lane { name, slots: Arc::new(Semaphore::new(AT_ONCE)), more: false };
        let mut lanes: Vec<_> = self.lanes().into_iter().map(lane).collect();
        let (mut under_way, mut unwritten) = (JoinSet::new(), Unwritten::new());
        let mut wake = Wake::new(self.jumps.steady());
        let mut rest = tokio::time::interval(REST);
        rest.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look_at = None;
        let stopped = stop.notified();
        pin_mut!(stopped);
        loop {
            let (mut look, mut done) = (true, Vec::new());
            tokio::select! {
                biased;
                () = &mut stopped => break,
                () = at(look_at) => look_at = None,
                _ = rest.tick() => {}
                Some(first) = under_way.join_next() => {
                    look = false;
                    done.extend(first);
                    // What ends at the same moment is written down with it.
                    tokio::task::yield_now().await;
                }
                // The last: it rings as often as somebody asks.
                () = self.wake.notified() => {
                    look_at.get_or_insert_with(|| Instant::now() + self.pause());
                    continue;
                }
            }
            gather(&mut done, &mut under_way);
            self.jumps.are_recent();
            let over = self.over(&mut wake);
            let well = self.round(&mut lanes, (look, over), done, &mut under_way, &mut unwritten).await;
            wake.ended(well);
            let now = self.jumps.steady().now();
            if now - adopted >= MINUTE {
                adopted = now;
                // By a clock that is not believed yet nothing is taken over.
                let due = self.clock.now().min(self.agreement.believed()) - MINUTE;
                self.adopt(due).await.unwrap_or_else(unread);
            }
        }
        while let Some(first) = under_way.join_next().await {
            let mut done: Vec<Done> = first.into_iter().collect();
            gather(&mut done, &mut under_way);
            self.round(&mut [], (false, 0), done, &mut under_way, &mut unwritten).await;
        }
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
                let over = self.lease_now();
                if !self.is_due(&mut self.store.read().await?, lane, over).await? {
                    continue;
                }
                let mut tx = self.store.begin().await?;
                // One alone: those behind it would wait while nobody renews their leases.
                let leased = self.lease(&mut tx, lane, over, 1).await?;
                tx.commit().await?;
                for queued in leased {
                    done += 1;
                    self.record_alone(&self.deliver(queued).await).await;
                }
            }
            if done == before {
                return Ok(done);
            }
        }
    }

    /// Tries to deliver one message, leased for as long as that takes.
    async fn deliver(&self, queued: Queued) -> Tried {
        let (id, tries) = (queued.id.clone(), queued.tries);
        let renew = || async {
            let renewed = async {
                let mut tx = self.store.begin().await?;
                store::outbox::renew(&mut tx, (&id, tries), self.agreement.leased_until()).await?;
                tx.commit().await
            };
            if let Err(error) = renewed.await {
                tracing::warn!(often = true, %error, "a message that is under way cannot be leased anew");
            }
        };
        lease::held(Box::pin(self.attempt(queued)), renew).await
    }

    /// Every lane there is, each once.
    fn lanes(&self) -> Vec<&str> {
        let mut lanes: Vec<&str> = self.routes.all().iter().map(|entry| entry.name.as_str()).collect();
        lanes.extend([UNROUTED, NO_LANE]);
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

    /// Writes down what became of the messages that are `done` and leases others for the places that are free, all
    /// of it in one transaction, so that eight messages cost one sync to the disk. To `look` is to read which lanes
    /// have something due; where the last lease took all it could, that is not asked.
    async fn round(
        &self,
        lanes: &mut [Lane<'_>],
        (look, over): (bool, Millis),
        done: Vec<Done>,
        under_way: &mut JoinSet<Done>,
        unwritten: &mut Unwritten,
    ) -> bool {
        self.catch_up(unwritten).await;
        // Places are given back before the messages are written down, and taken again in the same transaction.
        let tried: Vec<Tried> = done.into_iter().map(|(tried, _)| tried).collect();
        match self.exchange(lanes, (look, over), &tried).await {
            Ok(leased) => {
                for (queued, slot) in leased {
                    let worker = self.clone();
                    under_way.spawn(async move { (worker.deliver(queued).await, slot) });
                }
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be read or written");
                // One that cannot be written down must not take the others with it.
                let until = Instant::now() + RECORDED;
                unwritten.extend(tried.into_iter().map(|one| (until, one)));
                self.catch_up(unwritten).await;
                false
            }
        }
    }

    /// Writes down, each alone, what could not be written down before, so that no message is sent twice because the
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
    ) -> Result<Vec<(Queued, OwnedSemaphorePermit)>, StoreError> {
        let mut due = Vec::new();
        let mut reader = if look { Some(self.store.read().await?) } else { None };
        for lane in lanes {
            let free = lane.slots.available_permits() > 0;
            // Looked at by a reader first: an idle worker must not write.
            let wanted = match &mut reader {
                _ if !free => false,
                _ if lane.more => true,
                Some(db) => self.is_due(db, lane.name, over).await?,
                None => false,
            };
            if wanted {
                due.push(lane);
            }
        }
        drop(reader);
        if tried.is_empty() && due.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.store.begin().await?;
        for one in tried {
            self.record(&mut tx, one).await?;
        }
        let mut leased = Vec::new();
        for lane in due {
            let free = lane.slots.available_permits();
            let found = self.lease(&mut tx, lane.name, over, free).await?;
            lane.more = found.len() == free;
            for queued in found {
                // Only this loop takes places, and it leases no more than are free.
                let Ok(slot) = lane.slots.clone().try_acquire_owned() else { break };
                leased.push((queued, slot));
            }
        }
        tx.commit().await?;
        Ok(leased)
    }

    fn pause(&self) -> Duration {
        let span = PAUSE.end - PAUSE.start;
        Duration::from_millis(PAUSE.start + u64::from_le_bytes(self.random.bytes()) % span)
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

    async fn is_due(&self, db: &mut Reader, lane: &str, over: Millis) -> Result<bool, StoreError> {
        let now = self.clock.now();
        Ok(store::outbox::next_due(db, lane, over).await?.is_some_and(|due| due <= now))
    }

    async fn lease(
        &self,
        tx: &mut Tx,
        lane: &str,
        over: Millis,
        limit: usize,
    ) -> Result<Vec<Queued>, StoreError> {
        let now = self.clock.now();
        if lane == NO_LANE {
            store::outbox::drop_lane(tx, lane, now).await?;
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(1);
        store::outbox::lease(tx, lane, (now, over), self.agreement.leased_until(), limit).await
    }
}

/// Waits until `moment`; for ever where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Adds whatever else has been tried by now; of one that panicked nothing is known, and its lease runs out.
fn gather(done: &mut Vec<Done>, under_way: &mut JoinSet<Done>) {
    while let Some(joined) = under_way.try_join_next() {
        done.extend(joined);
    }
}

fn unread<T: Default>(error: StoreError) -> T {
    tracing::warn!(%error, "the outbox cannot be read");
    T::default()
}
