//! Whether this machine's clock agrees with the database's, which all instances share.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::sql::{self, Db, Result};
use super::{Exec, Store};
use crate::base::clock::Jumps;
use crate::base::{Clock, Millis};

const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// How far apart the two may be.
pub const FAR: Millis = Jumps::FAR;

/// The moment by the database's own clock; none for SQLite, which has none.
pub async fn now(store: &Store) -> Result<Option<Millis>> {
    let mut db = store.read().await?;
    match db.exec() {
        Exec::Sqlite(_) => Ok(None),
        Exec::Postgres(_) => sql::scalar(&mut db, NOW, ()).await,
    }
}

/// How far the database's clock is ahead of ours, as it was last looked at.
#[derive(Clone, Debug, Default)]
pub struct Agreement(Arc<AtomicI64>);

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
    /// Looks at both. A clock that a test moves is compared with nothing.
    pub async fn look(&self, store: &Store, clock: &Clock) -> Result<Word> {
        if !matches!(clock, Clock::System) {
            return Ok(Word::None);
        }
        let Some(theirs) = now(store).await? else { return Ok(Word::None) };
        let ahead = theirs - clock.now();
        self.0.store(ahead, Ordering::Relaxed);
        Ok(if ahead.abs() > FAR { Word::Apart(ahead) } else { Word::Agrees })
    }

    /// The moment as all instances have it: by the database's clock where ours is far from it. For what instances write
    /// and judge by turns.
    pub fn shared(&self, now: Millis) -> Millis {
        let ahead = self.0.load(Ordering::Relaxed);
        if ahead.abs() > FAR { now + ahead } else { now }
    }

    /// The moment by the database's clock, however little ours is apart from it.
    pub fn theirs(&self, now: Millis) -> Millis {
        now + self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_far_from_the_databases_is_not_gone_by() {
        let agreement = Agreement::default();
        for (ahead, shared) in [(0, 0), (FAR, 0), (-FAR, 0), (FAR + 1, FAR + 1), (-FAR - 1, -FAR - 1)] {
            agreement.0.store(ahead, Ordering::Relaxed);
            assert_eq!((agreement.shared(0), agreement.theirs(0)), (shared, ahead));
        }
    }
}
