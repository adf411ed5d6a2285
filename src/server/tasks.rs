//! What an instance does by itself: old rows go, keys are read again and rotated, windows are swept.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

use crate::app::App;
use crate::auth::attempts::unfinished;
use crate::auth::deletion;
use crate::base::clock::{DAY, Jumps, SECOND, Steady};
use crate::base::{Clock, Millis};
use crate::startup::algorithm;
use crate::store::agreement::{BELIEVED, Word};
use crate::store::{self, ahead, lines, trail};
use crate::telemetry::metrics;

/// How far the wall clock may be from where the time that went by says, from one turn to the next.
const JUMP: Millis = Jumps::FAR;
/// After how long what lasts is looked at again, all of which is read for it.
const AGAIN: Millis = DAY;

/// How long deleting one batch of every table may take.
const SWEEP: Duration = Duration::from_secs(60);

/// How often the clocks are looked at: what is leased, and by what moment guesses are counted, goes by them.
const LOOK: Duration = Duration::from_secs(15);
/// How often there is a turn.
const TURN: Duration = Duration::from_secs(30);

/// Runs until it is aborted.
pub(super) async fn upkeep(app: Arc<App>) {
    tokio::join!(turns(app.clone()), looks(app));
}

async fn turns(app: Arc<App>) {
    let steady = Steady::beside(&app.clock);
    let mut upkeep = Upkeep::new(app, steady);
    let mut turn = every(TURN);
    loop {
        turn.tick().await;
        if let Err(error) = upkeep.turn().await {
            tracing::warn!(error, "upkeep failed; it is tried again");
        }
    }
}

/// Beside the turns, which may take long.
async fn looks(app: Arc<App>) {
    let mut look = every(LOOK);
    loop {
        look.tick().await;
        if let Err(error) = app.agreement.look(&app.store).await {
            tracing::debug!(%error, "the clocks could not be looked at; it is tried again");
        }
    }
}

fn every(span: Duration) -> Interval {
    let mut interval = tokio::time::interval(span);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// The upkeep of one instance. A wall clock that was set is not acted upon at once: it may be set back, and what was
/// deleted by it would be gone.
pub struct Upkeep {
    app: Arc<App>,
    steady: Steady,
    /// Where both clocks stood at the turn before.
    before: Option<(Millis, Millis)>,
    /// Since when the wall clock is steady.
    since: Millis,
    /// Whether what bars or lets in may lie ahead, for all we know.
    may_lie_ahead: bool,
    /// From when on what lasts is looked at; it never is before the wall clock is believed.
    late: Millis,
}

impl Upkeep {
    /// One that has had no turn yet; `steady` is what the wall clock is compared with.
    pub fn new(app: Arc<App>, steady: Steady) -> Self {
        let since = steady.now();
        Self { app, steady, before: None, since, may_lie_ahead: true, late: since }
    }

    /// One turn; gives how far the wall clock has jumped since the turn before, or is ahead of the database's, in
    /// milliseconds. By such a clock nothing is deleted; by one that was set just now no key is made, either.
    ///
    /// # Errors
    /// What failed; the next turn tries again.
    pub async fn turn(&mut self) -> Result<Option<Millis>, String> {
        let (wall, steady) = (self.app.now(), self.steady.now());
        let before = self.before.replace((wall, steady));
        let jump = before.map_or(0, |(was, went)| (wall - was) - (steady - went));
        let jump = (jump.abs() > JUMP).then_some(jump);
        // Told before anything that may fail.
        if let Some(jump) = jump {
            self.doubt(steady);
            let seconds = jump / SECOND;
            tracing::warn!("the clock jumped by {seconds} s: nothing is deleted by it until it is steady");
        }
        let read = refreshed(&self.app).await;
        let word = self.app.agreement.look(&self.app.store).await.map_err(|error| error.to_string())?;
        if let Word::Apart(ahead) = word {
            if jump.is_none() {
                self.doubt(steady);
            }
            let seconds = -ahead / SECOND;
            tracing::warn!(
                "the clock is {seconds} s ahead of the database's: nothing is deleted until they agree; set both (NTP)"
            );
            // One that is a little wrong for good does not end rotation.
            let may = jump.is_none() && ahead.abs() <= DAY;
            let rotated = if may { rotate(&self.app).await } else { Ok(()) };
            return told([read, rotated]).map(|()| Some(-ahead));
        }
        if jump.is_some() {
            return read.map(|()| jump);
        }
        // By a clock of which nothing is known yet nothing is deleted, either.
        let agrees = word == Word::Agrees;
        if before.is_none() && !agrees && matches!(self.app.clock, Clock::System) {
            return read.map(|()| None);
        }
        // Soon after the look: what leases go by may be set at any time.
        let freed = ahead::leased(&self.app.store, self.app.agreement.last_lease()).await;
        let freed = freed.map(drop).map_err(|error| error.to_string());
        let (rotated, done) = (rotate(&self.app).await, once(&self.app).await);
        // The moment that was compared, as it is by now.
        let now = wall + (self.steady.now() - steady);
        let settled = self.settle(now, steady, agrees).await;
        told([read, freed, rotated, done, settled]).map(|()| None)
    }

    /// The wall clock was not steady: what it wrote until now may lie ahead.
    fn doubt(&mut self, steady: Millis) {
        metrics::clock_jumped();
        (self.since, self.may_lie_ahead, self.late) = (steady, true, steady);
    }

    /// Brings back what a clock that was ahead wrote: at once what waits to leave; where no clock is in doubt what bars or
    /// lets in, guesses too; where this one is believed for long what lasts. Another instance's clock may have been ahead:
    /// it is looked again every hour, and for what lasts every day.
    async fn settle(&mut self, now: Millis, steady: Millis, agrees: bool) -> Result<(), String> {
        let (store, agreement) = (&self.app.store, &self.app.agreement);
        let counts = agreement.believed();
        let settled = agreement.is_settled();
        let near = (now - counts).abs() <= JUMP;
        // Which of two clocks is right nobody knows but a third.
        let believed = steady - self.since >= BELIEVED;
        let due = if near { ahead::queues(store, now).await } else { ahead::due(store, now).await };
        let mut brought = vec![due];
        if self.may_lie_ahead && (agrees && settled || believed) {
            brought.push(ahead::soon(store, now).await);
            self.may_lie_ahead = brought.iter().any(store::Result::is_err);
        }
        if believed && settled && near {
            brought.push(ahead::counted(store, counts).await);
            if steady >= self.late {
                brought.push(ahead::late(store, now).await);
                self.late = steady + AGAIN;
            }
            (self.since, self.may_lie_ahead) = (steady, true);
        }
        let rows: u64 = brought.iter().flatten().sum();
        if rows > 0 {
            tracing::warn!(rows, "what was written by a clock that was ahead is brought back");
        }
        told(brought.into_iter().map(|part| part.map(drop).map_err(|error| error.to_string())))
    }
}

/// All that failed, in one line: none of it holds up the others.
fn told(outcomes: impl IntoIterator<Item = Result<(), String>>) -> Result<(), String> {
    let failed: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

/// How many batches one turn deletes at most: more than what a busy installation writes until the next.
const BATCHES: usize = 50;

/// Deletes one batch from every table; gives how many rows went, and whether some table may have more.
pub async fn swept(app: &App) -> store::Result<(u64, bool)> {
    let now = app.settled_now();
    // Many tables, and no request waits for it.
    let mut tx = app.store.begin_within(SWEEP).await?;
    let mut gone: Vec<u64> =
        store::sweep::once(&mut tx, now).await?.into_iter().map(|(_, rows)| rows).collect();
    gone.push(lines::forget(&mut tx, now - app.settings.phone.lookup.cache.millis()).await?);
    gone.push(trail::sweep(&mut tx, now - app.settings.events.keep.millis()).await?);
    gone.push(trail::sweep_ahead(&mut tx, now - app.settings.events.keep.millis(), now).await?);
    let (nobodys, more) =
        trail::sweep_nobody(&mut tx, now - app.settings.events.keep_nobody.millis()).await?;
    gone.push(nobodys);
    tx.commit().await?;
    Ok((gone.iter().sum(), more || gone.iter().any(|rows| *rows >= store::sweep::BATCH)))
}

/// What no clock can do harm by.
async fn refreshed(app: &App) -> Result<(), String> {
    if let Some(metrics) = metrics::shared() {
        metrics.upkeep();
    }
    app.throttle.sweep(app.now());
    app.keys.reload().await.map_err(|e| e.to_string())
}

async fn rotate(app: &App) -> Result<(), String> {
    let age = app.settings.keys.rotate_every.millis();
    app.keys.rotate_by_age(algorithm(&app.settings), age).await.map_err(|e| e.to_string())
}

async fn once(app: &App) -> Result<(), String> {
    let unfinished = unfinished::tell(app).await.map_err(|e| e.to_string());
    if let Ok(told @ 1..) = unfinished {
        tracing::info!(told, "owners are told of sign-ins that were not finished");
    }
    let gone = sweep(app).await.map_err(|e| e.to_string());
    if let Ok(rows @ 1..) = gone {
        tracing::debug!(rows, "rows that are over were deleted");
    }
    let purged = deletion::purge_due(app).await.map_err(|e| e.to_string());
    if let Ok(purged @ 1..) = purged {
        tracing::info!(purged, "accounts that were deleted are purged");
    }
    let counted = counted(app).await.map_err(|e| e.to_string());
    told([unfinished.map(drop), gone.map(drop), purged.map(drop), counted])
}

async fn sweep(app: &App) -> store::Result<u64> {
    let mut rows = 0;
    for _ in 0..BATCHES {
        let (gone, more) = swept(app).await?;
        rows += gone;
        if !more {
            break;
        }
    }
    Ok(rows)
}

/// What waits, for the metrics.
async fn counted(app: &App) -> store::Result<()> {
    let mut db = app.store.read().await?;
    let waiting = store::outbox::waiting(&mut db).await?;
    metrics::outbox(u32::try_from(waiting).unwrap_or(u32::MAX));
    for webhook in app.plan.webhooks.iter() {
        let waiting = store::webhooks::count(&mut db, &webhook.name).await?;
        metrics::webhook_waiting(&webhook.name, u32::try_from(waiting).unwrap_or(u32::MAX));
    }
    Ok(())
}
