//! How many codes to the numbers of a prefix were typed, and prefixes that are sent none for a while (R47).

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::Millis;

/// A suspension, over or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Suspension {
    /// When it began.
    pub since: Millis,
    /// When it ends.
    pub ends_at: Millis,
}

/// Codes that were sent, and how many of them were typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Conversion {
    /// Sent, and typed or over.
    pub sent: i64,
    /// Typed.
    pub typed: i64,
}

const OF: &str = "SELECT since, ends_at FROM suspensions WHERE prefix = $1";
const BEGIN: &str = "INSERT INTO suspensions (prefix, since, ends_at) VALUES ($1, $2, $3)
    ON CONFLICT (prefix) DO UPDATE SET since = excluded.since, ends_at = excluded.ends_at
    WHERE suspensions.ends_at <= excluded.since";
/// A code that is still good may be typed yet, and counts for neither.
const CONVERSION: &str = "SELECT COUNT(*) AS sent, COUNT(confirmed_at) AS typed FROM outbox
    WHERE prefix = $1 AND prefix <> '' AND finished_at > $2 AND state = 'sent' AND challenge IS NOT NULL
    AND (confirmed_at IS NOT NULL OR expires_at <= $3)";

/// The last suspension of a prefix.
pub async fn of(db: &mut impl Db, prefix: &str) -> Result<Option<Suspension>> {
    sql::first(db, OF, (prefix,)).await
}

/// Suspends a prefix; no where somebody else did already.
pub async fn begin(db: &mut impl Db, prefix: &str, now: Millis, ends_at: Millis) -> Result<Changed> {
    sql::change(db, BEGIN, (prefix, now, ends_at)).await
}

/// The codes that left for a prefix after `since`.
pub async fn conversion(db: &mut impl Db, prefix: &str, since: Millis, now: Millis) -> Result<Conversion> {
    Ok(sql::first(db, CONVERSION, (prefix, since, now)).await?.unwrap_or_default())
}
