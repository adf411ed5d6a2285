//! What kinds of lines numbers are, as a lookup said. A number stands here as its keyed hash.

use super::sql::{self, Db, Result};
use crate::base::Millis;

const OF: &str = "SELECT line_type FROM lines WHERE number = $1 AND looked_at > $2";
const KEEP: &str = "INSERT INTO lines (number, line_type, looked_at) VALUES ($1, $2, $3)
    ON CONFLICT (number) DO UPDATE SET line_type = excluded.line_type, looked_at = excluded.looked_at";
const FORGET: &str = "DELETE FROM lines WHERE looked_at <= $1 AND number IN
    (SELECT number FROM lines WHERE looked_at <= $1 LIMIT 1000)";

/// What was said of a number after `since`.
pub async fn of(db: &mut impl Db, number: &str, since: Millis) -> Result<Option<String>> {
    sql::scalar(db, OF, (number, since)).await
}

/// Keeps what was said.
pub async fn keep(db: &mut impl Db, number: &str, line_type: &str, now: Millis) -> Result<()> {
    sql::run(db, KEEP, (number, line_type, now)).await.map(drop)
}

/// Forgets up to a thousand of what was said until `until`.
pub async fn forget(db: &mut impl Db, until: Millis) -> Result<u64> {
    sql::run(db, FORGET, (until,)).await
}
