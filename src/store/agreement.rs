//! Which time it is where clocks disagree: this machine's, which may be set at any moment, the database's, which all
//! instances share, and the one that is never set, which tells only how much time went by.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sql::{self, Db, Result};
use super::{Exec, Store};
use crate::base::clock::{HOUR, Jumps, SECOND, Steady};
use crate::base::{Clock, Millis};

const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// How far apart two clocks may be.
pub const FAR: Millis = Jumps::FAR;
/// How long the database may take to say what time it is, for it to be compared.
const SLOW: Millis = SECOND;
/// How long a clock that was set has to stay so until it is believed: time servers have set it right by then.
pub const BELIEVED: Millis = HOUR;

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

/// What the clocks said when they were last looked at. In between time goes on by the one that is never set: a clock that
/// is set and set back frees nothing that was counted.
#[derive(Clone, Debug)]
pub struct Agreement {
    clock: Clock,
    steady: Steady,
    seen: Arc<Mutex<Seen>>,
}

/// All in milliseconds ahead of the clock that is never set.
#[derive(Debug)]
struct Seen {
    believed: Millis,
    theirs: Option<Millis>,
    /// What is said instead of what is believed, and since when.
    other: Option<(Millis, Millis)>,
}

/// What the database says of our clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It has no clock of its own.
    None,
    /// Both are about the same.
    Agrees,
    /// It is that far ahead, in milliseconds; behind where this is below zero.
    Apart(Millis),
}

impl Agreement {
    /// By `clock` alone, until [`Agreement::look`].
    pub fn new(clock: Clock, steady: Steady) -> Self {
        let seen = Seen { believed: clock.now() - steady.now(), theirs: None, other: None };
        Self { clock, steady, seen: Arc::new(Mutex::new(seen)) }
    }

    /// Looks at all of them. A clock that a test moves is not compared with a database's.
    pub async fn look(&self, store: &Store) -> Result<Word> {
        let mut theirs = None;
        if matches!(self.clock, Clock::System) {
            let mut db = store.read().await?;
            let began = self.steady.now();
            let said = asked(&mut db).await?;
            let took = self.steady.now() - began;
            let known = self.seen().theirs.filter(|_| took > SLOW);
            // It was asked somewhere in between; of what came late nobody knows when.
            theirs = said.map(|said| known.map_or(said + took / 2, |ahead| self.steady.now() + ahead));
        }
        Ok(self.seen().weigh(self.clock.now(), self.steady.now(), theirs))
    }

    /// The moment as all instances have it, for what they count and judge by turns: for PostgreSQL [`Agreement::believed`],
    /// for SQLite our clock, which frees by going ahead what time would have freed, but never what it was set back before.
    pub fn shared(&self) -> Millis {
        let (seen, steady) = (self.seen(), self.steady.now());
        let believed = steady + seen.believed;
        if seen.theirs.is_none() { believed.max(self.clock.now()) } else { believed }
    }

    /// The moment that no clock which is set for a while changes: by the database's clock, and for SQLite by ours.
    pub fn believed(&self) -> Millis {
        self.steady.now() + self.seen().believed
    }

    /// The moment by the database's clock, however little ours is apart from it; by ours where it has none.
    pub fn theirs(&self) -> Millis {
        let theirs = self.seen().theirs;
        theirs.map_or_else(|| self.clock.now(), |ahead| self.steady.now() + ahead)
    }

    /// Whether the other instances have the same moment, as far as we know: not while a clock was set that is not
    /// believed yet. With SQLite there are no others.
    pub fn is_settled(&self) -> bool {
        let seen = self.seen();
        seen.theirs.is_none() || seen.other.is_none()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn weigh(&mut self, wall: Millis, steady: Millis, theirs: Option<Millis>) -> Word {
        let near = |one: Millis, other: Millis| (one - other).abs() <= FAR;
        let agrees = theirs.is_some_and(|theirs| near(theirs, wall));
        let said = theirs.unwrap_or(wall) - steady;
        let first = theirs.is_some() && self.theirs.is_none();
        self.theirs = theirs.map(|theirs| theirs - steady);
        let (what, since) = self.other.filter(|(what, _)| near(*what, said)).unwrap_or((said, steady));
        // Two that agree may be of one machine.
        if first || near(said, self.believed) || steady - since >= BELIEVED {
            (self.believed, self.other) = (said, None);
        } else {
            self.other = Some((what, since));
        }
        match theirs {
            None => Word::None,
            Some(_) if agrees => Word::Agrees,
            Some(theirs) => Word::Apart(theirs - wall),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::DAY;

    const START: Millis = 1_000 * DAY;
    const AT: Millis = START + HOUR;

    fn seen(theirs: Option<Millis>) -> Seen {
        let mut seen = Seen { believed: START, theirs: None, other: None };
        seen.weigh(START, 0, theirs);
        seen
    }

    #[test]
    fn the_databases_clock_is_gone_by_from_the_start_on() {
        let mut seen = Seen { believed: START, theirs: None, other: None };
        assert_eq!(seen.weigh(START, 0, Some(START + DAY)), Word::Apart(DAY));
        assert_eq!((seen.believed, seen.theirs), (START + DAY, Some(START + DAY)));
    }

    #[test]
    fn one_clock_alone_is_believed_once_it_stays_where_it_was_set() {
        for jump in [DAY, -DAY, FAR + 1, -FAR - 1] {
            for theirs in [None, Some(START)] {
                let mut seen = seen(theirs);
                let mut said = |steady: Millis| {
                    // The only one that there is, or the database's while ours stays.
                    let set = START + steady + jump;
                    let (wall, theirs) = theirs.map_or((set, None), |_| (START + steady, Some(set)));
                    seen.weigh(wall, steady, theirs);
                    seen.believed
                };
                assert_eq!([said(HOUR), said(2 * HOUR - 1)], [START; 2], "{jump} {theirs:?}");
                assert_eq!(said(2 * HOUR), START + jump, "{jump} {theirs:?}");
            }
        }
    }

    #[test]
    fn one_that_is_set_back_was_never_believed() {
        let mut seen = seen(None);
        for turn in 0..10 {
            let steady = turn * (HOUR - 1);
            let jump = if turn % 2 == 0 { DAY } else { 0 };
            seen.weigh(START + steady + jump, steady, None);
            assert_eq!(seen.believed, START, "turn {turn}");
        }
    }

    #[test]
    fn two_that_are_set_together_are_believed_no_sooner() {
        let mut seen = seen(Some(START));
        assert_eq!(seen.weigh(AT + DAY, HOUR, Some(AT)), Word::Apart(-DAY), "ours was set");
        assert_eq!((seen.believed, seen.theirs), (START, Some(START)));
        assert_eq!(seen.weigh(AT, HOUR, Some(AT + DAY)), Word::Apart(DAY), "the database's was set");
        assert_eq!((seen.believed, seen.theirs), (START, Some(START + DAY)));
        assert_eq!(seen.weigh(AT + DAY, HOUR, Some(AT + DAY)), Word::Agrees, "both were");
        assert_eq!((seen.believed, seen.other), (START, Some((START + DAY, HOUR))));
        seen.weigh(START + 2 * HOUR + DAY, 2 * HOUR, Some(START + 2 * HOUR + DAY));
        assert_eq!((seen.believed, seen.other), (START + DAY, None));
    }

    #[test]
    fn what_drifts_is_gone_along_with() {
        let mut seen = seen(None);
        for turn in 1..100 {
            seen.weigh(START + turn * FAR, 0, None);
        }
        assert_eq!(seen.believed, START + 99 * FAR);
    }
}
