//! What readers of addresses want for a while.

use super::sql::{self, Changed, Db, Result};
use crate::base::Millis;

const OVER: &str = "DELETE FROM wishes WHERE name = $1 AND ends_at <= $2";
const OF: &str = "SELECT ends_at FROM wishes WHERE name = $1";
const HOLDS: &str = "SELECT ends_at FROM wishes WHERE name = $1 AND ends_at > $2";
const MAKE: &str = "INSERT INTO wishes (name, ends_at) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET ends_at = excluded.ends_at";
const END: &str = "DELETE FROM wishes WHERE name = $1";
const TAKE: &str = "DELETE FROM wishes WHERE name = $1 AND ends_at > $2";

/// Whether a wish holds at `now`.
pub async fn holds(db: &mut impl Db, name: &str, now: Millis) -> Result<bool> {
    Ok(sql::scalar::<Millis>(db, HOLDS, (name, now)).await?.is_some())
}

/// When a wish ends, over or not; nothing where there is none.
pub async fn of(db: &mut impl Db, name: &str) -> Result<Option<Millis>> {
    sql::scalar(db, OF, (name,)).await
}

/// Ends a wish that is over at `now`: it is not granted when the clock goes back.
pub async fn over(db: &mut impl Db, name: &str, now: Millis) -> Result<u64> {
    sql::run(db, OVER, (name, now)).await
}

/// Makes a wish, or lets it last until `ends_at`.
pub async fn make(db: &mut impl Db, name: &str, ends_at: Millis) -> Result<u64> {
    sql::run(db, MAKE, (name, ends_at)).await
}

/// Grants a wish that holds at `now`, once: yes for the one who was first.
pub async fn take(db: &mut impl Db, name: &str, now: Millis) -> Result<Changed> {
    sql::change(db, TAKE, (name, now)).await
}

/// Ends a wish.
pub async fn end(db: &mut impl Db, name: &str) -> Result<u64> {
    sql::run(db, END, (name,)).await
}
