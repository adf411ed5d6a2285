//! A connection in use, and the transaction on it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor, PgConnection};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;

use super::super::StoreError;
use super::super::error::Later;
use super::pool::{Counted, Held, Pool};
use crate::base::Lasting;

/// How long a commit is waited for at least; it is never cut off before it is answered, or a minute is over.
const COMMIT: Duration = Duration::from_secs(2);
const COMMIT_LIFE: Duration = Duration::from_secs(60);
/// How long a long transaction may stand idle before the server ends it.
const IDLE: Duration = Duration::from_secs(60);
/// How long undoing what was given up may take, before its connection is closed instead.
const UNDO: Duration = Duration::from_secs(1);

/// The level is ours to choose, not the database's: see [`super::connect`].
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// A connection in use. Dropped while a statement is under way, or after one that was not answered, it is closed hard;
/// a transaction that was not committed is undone first; else it goes back.
pub(in super::super) struct Lease {
    held: Option<Held>,
    pool: Arc<Pool>,
    timeout: Duration,
    /// Until when the transaction has to be done; none where there is no transaction.
    until: Option<Instant>,
    /// Whether a statement is under way.
    under_way: bool,
    /// Whether it is of no more use.
    dead: bool,
    /// Whether a statement of the transaction failed: nothing of it can be kept any more.
    failed: bool,
}

impl Lease {
    pub(super) fn new(held: Held, pool: Arc<Pool>, timeout: Duration) -> Self {
        Self { held: Some(held), pool, timeout, until: None, under_way: false, dead: false, failed: false }
    }

    /// The connection.
    pub(in super::super) fn conn(&mut self) -> &mut PgConnection {
        &mut self
            .held
            .as_mut()
            .expect("a lease holds its connection until it is dropped or commits")
            .opened
            .conn
    }

    /// A statement begins; gives until when it has to be answered.
    pub(in super::super) fn begins(&mut self) -> Instant {
        self.under_way = true;
        self.until.unwrap_or_else(|| Instant::now() + self.timeout)
    }

    /// It ended.
    pub(in super::super) fn ended(&mut self, error: Option<&StoreError>) {
        self.under_way = false;
        self.failed |= error.is_some();
        let Some(held) = &mut self.held else { return };
        match error {
            // That one takes no writes was known.
            Some(StoreError::ReadOnly(_)) if held.opened.read_only => {}
            Some(error) if error.ends_connection() => {
                self.dead = true;
                self.pool.doubt();
            }
            _ => held.opened.seen = Instant::now().into_std(),
        }
    }

    /// Takes another connection in the place of one that is dead, which gives its own place up first.
    pub(in super::super) async fn another(&mut self) -> Result<(), StoreError> {
        if let Some(held) = &mut self.held {
            held.counted = None;
        }
        self.held = Some(self.pool.take().await?);
        self.dead = false;
        Ok(())
    }

    /// With a transaction begun.
    pub(super) async fn begun(mut self) -> Result<Self, StoreError> {
        let until = self.begins();
        self.until = Some(until);
        let outcome = match timeout_at(until, self.conn().execute(BEGIN)).await {
            Ok(begun) => begun.map(drop).map_err(StoreError::from),
            Err(_) => Err(StoreError::Silent),
        };
        self.ended(outcome.as_ref().err());
        outcome.map(|()| self)
    }

    /// With another deadline, the server's too: for what no request waits for. Where even locks are waited for, what
    /// holds them is meant to end.
    pub(in super::super) async fn within(mut self, span: Duration, locks: bool) -> Result<Self, StoreError> {
        let ms = span.as_millis();
        // Between two statements nothing is done that takes long.
        let idle = ms.min(IDLE.as_millis());
        let locks = if locks { format!("; SET LOCAL lock_timeout = {ms}") } else { String::new() };
        let set = format!(
            "SET LOCAL statement_timeout = {ms}; SET LOCAL idle_in_transaction_session_timeout = {idle}{locks}"
        );
        let until = self.begins();
        let outcome = timeout_at(until, self.conn().execute(AssertSqlSafe(set))).await;
        let outcome = outcome.map_or(Err(StoreError::Silent), |set| set.map(drop).map_err(StoreError::from));
        self.ended(outcome.as_ref().err());
        self.until = Some(Instant::now() + span);
        outcome.map(|()| self)
    }

    /// Makes the transaction count. It goes on though nobody waits for it any more: to cut it off would leave unknown
    /// whether it counts. Its place is somebody else's by then, but for those beyond as many as there are places: what
    /// the server has open stays bounded.
    pub(in super::super) async fn commit(mut self) -> Result<(), StoreError> {
        // The server would undo it and say that all went well.
        if self.failed {
            return Err(StoreError::Commit("a statement of it failed".into()));
        }
        let Some(Held { mut opened, counted }) = self.held.take() else {
            return Err(StoreError::Commit("it was committed before".into()));
        };
        let place = Arc::new(Mutex::new(Place { counted, stray: None, told: None }));
        let kept = place.clone();
        let work = Lasting::new(async move {
            let committed = opened.conn.execute("COMMIT");
            let outcome = timeout(COMMIT_LIFE, committed).await.map_err(|_| StoreError::Silent);
            kept.lock().unwrap_or_else(PoisonError::into_inner).tell(matches!(outcome, Ok(Ok(_))));
            let outcome = outcome?;
            opened.seen = Instant::now().into_std();
            outcome.map(|_| opened).map_err(StoreError::from)
        });
        let least = Instant::now() + COMMIT;
        let until = self.until.map_or(least, |until| until.max(least));
        let outcome = timeout_at(until, work).await;
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(Ok(opened)) => {
                self.pool.put(Held { opened, counted: place.counted.take() });
                Ok(())
            }
            Ok(Err(error)) => {
                if error.ends_connection() {
                    self.pool.doubt();
                }
                Err(error)
            }
            Err(_) => {
                if self.pool.may_stray() {
                    place.stray = Some(self.pool.clone());
                    drop(place.counted.take());
                }
                self.pool.doubt();
                let (told, later) = oneshot::channel();
                place.told = Some(told);
                Err(StoreError::Unanswered(Later::new(async { later.await.unwrap_or(false) })))
            }
        }
    }
}

/// What a commit holds for as long as it goes on: a place of the pool, or one among those that stray.
struct Place {
    counted: Option<Counted>,
    stray: Option<Arc<Pool>>,
    /// Who is told what became of it, where they were told before that this is not known.
    told: Option<oneshot::Sender<bool>>,
}

impl Place {
    fn tell(&mut self, kept: bool) {
        if let Some(told) = self.told.take() {
            let _ = told.send(kept);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(pool) = &self.stray {
            pool.settled();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        if self.dead || self.under_way {
            return;
        }
        if self.until.is_none() {
            return self.pool.put(held);
        }
        let (pool, Ok(runtime)) = (self.pool.clone(), Handle::try_current()) else { return };
        let undo = async move {
            if let Ok(Ok(_)) = timeout(UNDO, held.opened.conn.execute("ROLLBACK")).await {
                pool.put(held);
            }
        };
        runtime.spawn(undo.in_current_span());
    }
}
