//! Which time it is where clocks disagree: this machine's, which may be set at any moment, the database's, which all
//! instances share, and the one that is never set, which tells only how much time went by.
//!
//! What is counted or deleted goes by a line of time that follows no clock at once: one that was set is believed after an
//! hour. How far the line is from the database's clock stands in the database, so that all instances go by the same one,
//! those too that were started meanwhile or whose machine stood still. With SQLite, which has no clock and one instance, the
//! line is kept in memory, by this machine's clock.
//!
//! | moment | what goes by it |
//! | --- | --- |
//! | [`Agreement::shared`] | guesses, which instances count by turns |
//! | [`Agreement::believed`] | what is deleted or given up for good |
//! | [`Agreement::theirs`], [`Agreement::leased_until`] | leases |
//! | the wall clock of an instance | all else |

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use super::line::FAR;
use super::line::{Expected, Line};
use super::sql::{self, Db, Result};
use super::{Exec, Store, facts};
use crate::base::clock::{SECOND, Steady};
use crate::base::lease::{LEASE, OTHERS};
use crate::base::{Clock, Millis};

pub use super::line::BELIEVED;

const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// How long the database may take to say what time it is, for it to be compared.
const SLOW: Millis = SECOND;
/// How long what was leased by a clock that was set back may stand: whoever leased it found out as much later as others do,
/// and leased by what it was as long again.
const STAND: Millis = 3 * OTHERS;
/// The fact that is the line.
const FACT: &str = "clock";

/// The moment by the database's own clock; none for SQLite, which has none.
pub async fn now(store: &Store) -> Result<Option<Millis>> {
    asked(&mut store.read().await?).await
}

async fn asked(db: &mut impl Db) -> Result<Option<Millis>> {
    match db.exec() {
        Exec::Sqlite(_) => Ok(None),
        Exec::Postgres(_) => sql::scalar(db, NOW, ()).await,
    }
}

/// What the clocks said when they were last looked at. In between time goes on by the one that is never set.
#[derive(Clone, Debug)]
pub struct Agreement {
    clock: Clock,
    steady: Steady,
    /// What a test has in place of the database's clock.
    played: Option<Clock>,
    seen: Arc<Mutex<Seen>>,
    /// One look at a time, or what an older one saw could be kept last.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    line: Line,
    /// How far the clock that the line is kept by is ahead of the one that is never set.
    ahead: Millis,
    /// Whether that clock is the database's; ours otherwise.
    theirs: bool,
    held: Held,
}

/// How far a clock was ahead before it was set back, and since when (by the one that is never set) it is not: other instances
/// may not know it yet.
#[derive(Clone, Copy, Debug)]
struct Held {
    ahead: Millis,
    since: Millis,
}

/// What the database says of our clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It has no clock of its own.
    None,
    /// Both are about the same.
    Agrees,
    /// The database's clock is ahead of ours by that much, in milliseconds; behind where this is below zero.
    Apart(Millis),
}

impl Agreement {
    /// By `clock` alone, until [`Agreement::look`].
    pub fn new(clock: Clock, steady: Steady) -> Self {
        let ahead = clock.now() - steady.now();
        let held = Held { ahead, since: -2 * STAND };
        let seen = Seen { line: Line::default(), ahead, theirs: false, held };
        Self { clock, steady, played: None, seen: Arc::new(Mutex::new(seen)), turn: Arc::default() }
    }

    /// The same beside a clock that a test moves in place of the database's.
    pub fn beside(self, played: Option<Clock>) -> Self {
        Self { played, ..self }
    }

    /// Looks at all of them. A clock that a test moves is not compared with a database's own.
    ///
    /// # Errors
    /// Where the database fails; time goes on by what was seen before.
    pub async fn look(&self, store: &Store) -> Result<Word> {
        let _turn = self.turn.lock().await;
        let seen = *self.seen();
        if self.played.is_none() && (store.name() == "sqlite" || !matches!(self.clock, Clock::System)) {
            let (said, steady) = (self.clock.now(), self.steady.now());
            self.keep(seen.line.after(said, seen.expected(steady)), said - steady, false);
            return Ok(Word::None);
        }
        let ahead =
            if seen.theirs { self.look_again(store, &seen).await? } else { self.look_first(store).await? };
        let apart = self.steady.now() + ahead - self.clock.now();
        Ok(if apart.abs() <= FAR { Word::Agrees } else { Word::Apart(apart) })
    }

    /// Takes the line over as it is kept: of what was before nothing is known here.
    async fn look_first(&self, store: &Store) -> Result<Millis> {
        let mut db = store.read().await?;
        let line = facts::get(&mut db, FACT).await?.and_then(|text| Line::parse(&text));
        let (ahead, _) = self.measured(&mut db).await?;
        self.keep(line.unwrap_or_default(), ahead, true);
        Ok(ahead)
    }

    /// Looks whether the clock was set, and keeps what comes of it for all.
    async fn look_again(&self, store: &Store, seen: &Seen) -> Result<Millis> {
        let mut tx = store.begin().await?;
        let kept = facts::hold(&mut tx, FACT).await?.and_then(|text| Line::parse(&text));
        let (ahead, took) = self.measured(&mut tx).await?;
        if took > SLOW {
            return Ok(seen.ahead);
        }
        let steady = self.steady.now();
        let line = kept.unwrap_or(seen.line).after(steady + ahead, seen.expected(steady));
        facts::put(&mut tx, FACT, &line.to_string()).await?;
        tx.commit().await?;
        self.keep(line, ahead, true);
        Ok(ahead)
    }

    /// How far the database's clock is ahead of the one that is never set, and how long it took to say: of what came late
    /// nobody knows when it was said.
    async fn measured(&self, db: &mut impl Db) -> Result<(Millis, Millis)> {
        let began = self.steady.now();
        let said = match &self.played {
            Some(clock) => Some(clock.now()),
            None => asked(db).await?,
        };
        let ended = self.steady.now();
        let ahead = said.map_or_else(|| self.clock.now() - ended, |said| said - began.midpoint(ended));
        Ok((ahead, ended - began))
    }

    fn keep(&self, line: Line, ahead: Millis, theirs: bool) {
        let (mut seen, steady) = (self.seen(), self.steady.now());
        // Less is what the measurement is off by.
        if seen.theirs && ahead < seen.ahead - SECOND {
            seen.held = Held { ahead: seen.held(steady, OTHERS), since: steady };
        }
        (seen.line, seen.ahead, seen.theirs) = (line, ahead, theirs);
    }

    /// The moment as all instances have it, for what they count and judge by turns: for PostgreSQL [`Agreement::believed`].
    /// For SQLite the later of that and our clock: where it is set ahead waits end early, where it is set back none ends
    /// early or lasts longer.
    pub fn shared(&self) -> Millis {
        let theirs = self.seen().theirs;
        let believed = self.believed();
        if theirs { believed } else { believed.max(self.clock.now()) }
    }

    /// The moment that no clock which is set changes before it is believed.
    pub fn believed(&self) -> Millis {
        let (seen, steady) = (*self.seen(), self.steady.now());
        seen.line.at(steady + seen.ahead)
    }

    /// The moment by the database's clock, however little ours is apart from it; by ours where it has none.
    pub fn theirs(&self) -> Millis {
        let seen = *self.seen();
        if seen.theirs { self.steady.now() + seen.ahead } else { self.clock.now() }
    }

    /// Until when what is leased now is leased, by [`Agreement::theirs`]. Where that was set back, it is as if it had not
    /// been for whoever does not know it yet.
    pub fn leased_until(&self) -> Millis {
        self.leased_within(OTHERS)
    }

    /// Until when anything can be leased by now, whoever leased it.
    pub fn last_lease(&self) -> Millis {
        self.leased_within(STAND)
    }

    fn leased_within(&self, span: Millis) -> Millis {
        let (seen, steady) = (*self.seen(), self.steady.now());
        let from = if seen.theirs { steady + seen.held(steady, span) } else { self.clock.now() };
        from + LEASE
    }

    /// Whether the line is that of the clock it is kept by: not while one that was set is not believed. With SQLite there
    /// is nobody else to agree with.
    pub fn is_settled(&self) -> bool {
        let seen = *self.seen();
        !seen.theirs || !seen.line.doubts(self.steady.now() + seen.ahead)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// What would be said at `steady` where no clock was set since.
    fn expected(&self, steady: Millis) -> Expected {
        let clock = steady + self.ahead;
        Expected { clock, line: self.line.at(clock), left: self.line.looked }
    }

    /// How far the clock is ahead, or was before it was set back within that span.
    fn held(&self, steady: Millis, span: Millis) -> Millis {
        if steady - self.held.since < span { self.held.ahead.max(self.ahead) } else { self.ahead }
    }
}
