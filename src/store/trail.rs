//! The audit trail: events as an operator reads them, and how long they are kept.

use super::events::Row;
use super::facts;
use super::sql::{self, Db, Result};
use crate::base::{Millis, UserId};

/// Which events are wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The user that they are about; none: whoever.
    pub user: Option<UserId>,
    /// The name as SQL's `LIKE` has it: `%` for any, `user.%` for a family.
    pub name: String,
    /// Only those that happened since.
    pub since: Millis,
    /// Only those that happened before.
    pub until: Millis,
}

/// Where an event stands among all.
pub type Place<'a> = (i64, &'a str);

/// A position is at least its moment in microseconds, so that `since` also bounds what the index has to show.
macro_rules! select {
    ($user:literal, $tail:literal) => {
        concat!(
            "SELECT id, position, at, name, user_id, session_id, network, request, data, personal FROM events WHERE ",
            $user,
            " AND name LIKE $2 AND at >= $3 AND position >= $3 * 1000 AND at < $4 ",
            $tail
        )
    };
}

const AFTER: &str = select!(
    "CAST($1 AS TEXT) IS NULL",
    "AND (position > $5 OR position = $5 AND id > $6) ORDER BY position, id LIMIT $7"
);
const AFTER_OF_USER: &str = select!(
    "COALESCE(user_id, subject, id) = $1",
    "AND (position > $5 OR position = $5 AND id > $6) ORDER BY position, id LIMIT $7"
);
const LATEST: &str = select!("CAST($1 AS TEXT) IS NULL", "ORDER BY position DESC, id DESC LIMIT $5");
const LATEST_OF_USER: &str =
    select!("COALESCE(user_id, subject, id) = $1", "ORDER BY position DESC, id DESC LIMIT $5");
const BY_ID: &str = "SELECT id, position, at, name, user_id, session_id, network, request, data, personal
    FROM events WHERE id = $1";
/// An event that a webhook still has to be told of stays.
const SWEEP: &str = "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE position < $1
    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries
        WHERE webhook_deliveries.event_id = events.id AND webhook_deliveries.state = 'queued')
    ORDER BY position LIMIT 1000)";

const SWEEP_AHEAD: &str =
    "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE position > $2 AND at < $1
    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries
        WHERE webhook_deliveries.event_id = events.id AND webhook_deliveries.state = 'queued')
    ORDER BY position LIMIT 1000)";

/// Up to where events were looked at for those that are about nobody, so that each is looked at once.
const OF_NOBODY: &str = "events of nobody went up to";
const NEXT: &str = "SELECT position FROM
    (SELECT position FROM events WHERE position > $1 AND position < $2 ORDER BY position LIMIT 1000) AS next
    ORDER BY position DESC LIMIT 1";
/// Somebody who was made, or deleted, has an event that says so; whoever only began to sign up has none. SQLite finds an
/// expression by its index beside another expression alone, not beside a column.
const SWEEP_OF_NOBODY: &str = "DELETE FROM events WHERE position > $1 AND position <= $2
    AND (user_id IS NULL OR NOT EXISTS (SELECT 1 FROM users WHERE users.id = events.user_id)
        AND NOT EXISTS (SELECT 1 FROM events AS made
            WHERE COALESCE(made.user_id, made.subject, made.id) = COALESCE(events.user_id, events.subject, events.id)
            AND made.name LIKE 'user.%'))
    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries
        WHERE webhook_deliveries.event_id = events.id AND webhook_deliveries.state = 'queued')";

/// The first `limit` that are wanted behind a place, oldest first.
pub async fn after(db: &mut impl Db, wanted: &Wanted, place: Place<'_>, limit: i64) -> Result<Vec<Row>> {
    let text = if wanted.user.is_some() { AFTER_OF_USER } else { AFTER };
    let Wanted { user, name, since, until } = wanted;
    let (position, id) = place;
    sql::all(db, text, (user.as_deref(), name.as_str(), *since, *until, position, id, limit)).await
}

/// The last `limit` that are wanted, oldest first.
pub async fn latest(db: &mut impl Db, wanted: &Wanted, limit: i64) -> Result<Vec<Row>> {
    let text = if wanted.user.is_some() { LATEST_OF_USER } else { LATEST };
    let Wanted { user, name, since, until } = wanted;
    let mut found: Vec<Row> =
        sql::all(db, text, (user.as_deref(), name.as_str(), *since, *until, limit)).await?;
    found.reverse();
    Ok(found)
}

/// The event of that id.
pub async fn by_id(db: &mut impl Db, id: &str) -> Result<Option<Row>> {
    sql::first(db, BY_ID, (id,)).await
}

/// Deletes up to a thousand events that happened before `before`, the oldest first; none that a webhook still has to be
/// told of.
pub async fn sweep(db: &mut impl Db, before: Millis) -> Result<u64> {
    sql::run(db, SWEEP, (before.saturating_mul(1_000),)).await
}

/// The same of events that stand ahead of `now`, because a clock was ahead when they were told or when one before them
/// was.
pub async fn sweep_ahead(db: &mut impl Db, before: Millis, now: Millis) -> Result<u64> {
    sql::run(db, SWEEP_AHEAD, (before, now.saturating_mul(1_000))).await
}

/// Deletes what is about nobody (no user, or one that was never made) of the next thousand events that happened before
/// `before`; gives how many went, and whether there may be more.
pub async fn sweep_nobody(db: &mut impl Db, before: Millis) -> Result<(u64, bool)> {
    let from = facts::get(db, OF_NOBODY).await?;
    let from: i64 = from.and_then(|position| position.parse().ok()).unwrap_or(0);
    let next: Option<i64> = sql::scalar(db, NEXT, (from, before.saturating_mul(1_000))).await?;
    let Some(to) = next else { return Ok((0, false)) };
    let gone = sql::run(db, SWEEP_OF_NOBODY, (from, to)).await?;
    facts::put(db, OF_NOBODY, &to.to_string()).await?;
    Ok((gone, true))
}
