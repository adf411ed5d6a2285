//! The outbox: messages on their way, written in the transaction of what they tell.

use sqlx::FromRow;

use super::sql::{self, Db, Result};
use crate::base::Millis;

/// One message on its way.
#[derive(Clone, Debug, FromRow)]
pub struct Queued {
    /// A random UUID; the message's id for good.
    pub id: String,
    /// How it leaves: `email`, `sms`, …; `none` for a message to nobody.
    pub channel: String,
    /// What it says, a stable name.
    pub kind: String,
    /// The message, sealed.
    pub payload: String,
    /// How often it was tried.
    pub tries: i64,
    /// When it was written.
    pub created_at: Millis,
    /// When the secret in it ends; it is not sent later than that (R136).
    pub expires_at: Millis,
}

const INSERT: &str = "INSERT INTO outbox (id, channel, kind, payload, state, tries, created_at, due_at, expires_at, leased_until)
    VALUES ($1, $2, $3, $4, 'queued', 0, $5, $5, $6, 0)";
/// The condition stands inside and outside, so that a row is left that somebody else took meanwhile, or tried and
/// put off.
const LEASE: &str = "UPDATE outbox SET leased_until = $2, tries = tries + 1
    WHERE state = 'queued' AND due_at <= $1 AND leased_until <= $1 AND id IN (
        SELECT id FROM outbox WHERE state = 'queued' AND due_at <= $1 AND leased_until <= $1
        ORDER BY due_at, id LIMIT $3)
    RETURNING id, channel, kind, payload, tries, created_at, expires_at";
const FINISH: &str =
    "UPDATE outbox SET state = $2, payload = '', finished_at = $3, provider = $4, problem = $5
    WHERE id = $1 AND state = 'queued'";
const DELAY: &str =
    "UPDATE outbox SET due_at = $2, leased_until = 0, problem = $3 WHERE id = $1 AND state = 'queued'";
const WAITING: &str = "SELECT COUNT(*) FROM outbox WHERE state = 'queued'";
const NEXT_DUE: &str = "SELECT MIN(due_at) FROM outbox WHERE state = 'queued' AND leased_until <= $1";

/// Queues a message.
pub async fn insert(db: &mut impl Db, q: &Queued) -> Result<()> {
    let row =
        (q.id.as_str(), q.channel.as_str(), q.kind.as_str(), q.payload.as_str(), q.created_at, q.expires_at);
    sql::run(db, INSERT, row).await.map(drop)
}

/// Leases up to `limit` due messages until `until`.
pub async fn lease(db: &mut impl Db, now: Millis, until: Millis, limit: i64) -> Result<Vec<Queued>> {
    sql::all(db, LEASE, (now, until, limit)).await
}

/// How a message ended.
#[derive(Debug)]
pub struct End<'a> {
    /// `sent`, `expired` or `failed`.
    pub state: &'a str,
    /// Who took it.
    pub provider: Option<&'a str>,
    /// Why it was not sent.
    pub problem: Option<&'a str>,
}

/// Ends a message and empties its payload.
pub async fn finish(db: &mut impl Db, id: &str, end: &End<'_>, now: Millis) -> Result<u64> {
    sql::run(db, FINISH, (id, end.state, now, end.provider, end.problem)).await
}

/// Puts a message off until `due_at`.
pub async fn delay(db: &mut impl Db, id: &str, due_at: Millis, problem: &str) -> Result<u64> {
    sql::run(db, DELAY, (id, due_at, problem)).await
}

/// How many messages wait.
pub async fn waiting(db: &mut impl Db) -> Result<i64> {
    Ok(sql::scalar(db, WAITING, ()).await?.unwrap_or(0))
}

/// When the next message that nobody has leased is due.
pub async fn next_due(db: &mut impl Db, now: Millis) -> Result<Option<Millis>> {
    Ok(sql::scalar::<Option<Millis>>(db, NEXT_DUE, (now,)).await?.flatten())
}
