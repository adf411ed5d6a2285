//! Events on their way to webhooks, in order for each subject.
//!
//! A delivery waits for every earlier one of the same webhook and subject that is still queued ([`LEASE`] sees to
//! that). One that is put off puts off those behind it too ([`delay`]), and a new one begins where the last one stands,
//! so that a search for what is due does not walk past all that a receiver which is down has not taken.

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::{Millis, UserId};

/// A delivery that was leased.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Leased {
    /// A random UUID.
    pub id: String,
    /// The webhook's name in the settings.
    pub webhook: String,
    /// The event.
    pub event_id: String,
    /// What is kept in order.
    pub subject: String,
    /// Where in that order it stands.
    pub position: i64,
    /// How often it was tried, this time included.
    pub tries: i64,
    /// When it was queued.
    pub created_at: Millis,
}

/// A delivery as lists show it.
#[derive(Clone, Debug, FromRow)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// The webhook's name in the settings.
    pub webhook: String,
    /// The event.
    pub event_id: String,
    /// The event's name, such as `user.created`.
    pub event: String,
    /// Whom the event is about.
    pub user_id: Option<UserId>,
    /// `queued`, `sent` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub tries: i64,
    /// When the event happened.
    pub at: Millis,
    /// When it is tried next, while it is queued.
    pub due_at: Millis,
    /// When it ended.
    pub finished_at: Option<Millis>,
    /// The HTTP status of the last answer.
    pub status: Option<i64>,
    /// Why it was not taken.
    pub problem: Option<String>,
}

/// How a webhook does.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Summary {
    /// The webhook's name in the settings.
    pub webhook: String,
    /// How many wait.
    pub queued: i64,
    /// How many failed and are kept.
    pub failed: i64,
    /// When the oldest that waits was queued.
    pub oldest: Option<Millis>,
    /// Why the last one that was not taken was not.
    pub problem: Option<String>,
}

/// What became of a try.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// The delivery.
    pub id: &'a str,
    /// The try: nothing happens where it was leased again meanwhile.
    pub tries: i64,
    /// The HTTP status of the answer.
    pub status: Option<i64>,
    /// Why it was not taken.
    pub problem: Option<&'a str>,
}

/// What is due and has nothing queued before it. A second instance that waited for the first one's lock finds the row
/// leased by then, since the condition stands outside too.
macro_rules! due {
    ($head:literal, $tail:literal) => {
        concat!(
            $head,
            "SELECT d.id FROM webhook_deliveries d WHERE d.state = 'queued' AND d.webhook = $1 AND d.due_at <= $2
            AND d.leased_until <= $3 AND NOT EXISTS (SELECT 1 FROM webhook_deliveries e WHERE e.state = 'queued'
                AND e.webhook = $1 AND e.subject = d.subject AND e.position < d.position)
            ORDER BY d.due_at LIMIT ",
            $tail
        )
    };
}

const DUE: &str = due!("", "1");
const LEASE: &str = due!(
    "UPDATE webhook_deliveries SET leased_until = $4, tries = tries + 1
    WHERE state = 'queued' AND due_at <= $2 AND leased_until <= $3 AND id IN (",
    "$5) RETURNING id, webhook, event_id, subject, position, tries, created_at"
);
const FINISH: &str = "UPDATE webhook_deliveries SET state = $2, finished_at = $3, status = $4, problem = $5
    WHERE id = $1 AND state = 'queued' AND tries = $6";
const DELAY: &str = "UPDATE webhook_deliveries SET due_at = $2, leased_until = 0, status = $3, problem = $4
    WHERE id = $1 AND state = 'queued' AND tries = $5";
const RENEW: &str = "UPDATE webhook_deliveries SET leased_until = $2
    WHERE id = $1 AND state = 'queued' AND tries = $3 AND leased_until > 0";
const PUT_OFF: &str = "UPDATE webhook_deliveries SET due_at = $4 WHERE state = 'queued' AND webhook = $1
    AND subject = $2 AND position > $3 AND due_at < $4";
/// From one webhook to the next by the index, however much waits in each.
const WAITING: &str = "WITH RECURSIVE waiting (webhook) AS (
        SELECT MIN(webhook) FROM webhook_deliveries WHERE state = 'queued'
        UNION ALL
        SELECT (SELECT MIN(webhook) FROM webhook_deliveries WHERE state = 'queued' AND webhook > waiting.webhook)
        FROM waiting WHERE waiting.webhook IS NOT NULL)
    SELECT webhook FROM waiting WHERE webhook IS NOT NULL";
const END: &str = "UPDATE webhook_deliveries SET state = 'failed', finished_at = $3, problem = $4
    WHERE state = 'queued' AND webhook = $1 AND due_at <= $2 AND leased_until <= $3 AND id IN (
        SELECT id FROM webhook_deliveries WHERE state = 'queued' AND webhook = $1 AND due_at <= $2
        AND leased_until <= $3 LIMIT 1000)";
const COUNT: &str = "SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'queued' AND webhook = $1";
const SUMMARY: &str = "SELECT d.webhook, COUNT(CASE WHEN d.state = 'queued' THEN 1 END) AS queued,
    COUNT(CASE WHEN d.state = 'failed' THEN 1 END) AS failed,
    MIN(CASE WHEN d.state = 'queued' THEN d.created_at END) AS oldest,
    (SELECT p.problem FROM webhook_deliveries p WHERE p.webhook = d.webhook AND p.problem IS NOT NULL
        ORDER BY COALESCE(p.finished_at, p.due_at) DESC LIMIT 1) AS problem
    FROM webhook_deliveries d GROUP BY d.webhook ORDER BY d.webhook";
const LIST: &str =
    "SELECT d.id, d.webhook, d.event_id, e.name AS event, e.user_id, d.state, d.tries, e.at, d.due_at,
    d.finished_at, d.status, d.problem FROM webhook_deliveries d JOIN events e ON e.id = d.event_id
    WHERE ($1 = '' OR d.webhook = $1) AND ($2 = '' OR d.state = $2) AND ($3 = '' OR d.subject = $3)
    ORDER BY d.position DESC, d.id LIMIT $4";
/// Queued anew, as if nobody had tried.
macro_rules! again {
    ($which:literal) => {
        concat!(
            "UPDATE webhook_deliveries SET state = 'queued', tries = 0, created_at = $2, due_at = $2,
            leased_until = 0, finished_at = NULL, status = NULL, problem = NULL WHERE state <> 'queued' AND ",
            $which
        )
    };
}

const AGAIN: &str = again!("id = $1");
const FAILED_AGAIN: &str = again!("state = 'failed' AND webhook = $1");
const EVENT_AGAIN: &str = again!("webhook = $1 AND event_id = $3");
const ADD: &str = "INSERT INTO webhook_deliveries (id, webhook, event_id, subject, position, state, tries,
    created_at, due_at, leased_until)
    SELECT $1, $2, id, COALESCE(user_id, id), position, 'queued', 0, $4, $4, 0 FROM events WHERE id = $3
    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook = $2 AND d.event_id = $3)";
const SINCE: &str =
    "SELECT id, name, position, at FROM events WHERE position > $1 OR position = $1 AND id > $3
    ORDER BY position, id LIMIT $2";

/// Whether something of a webhook is due `now` that nobody has leased, or somebody up to `over`.
pub async fn is_due(db: &mut impl Db, webhook: &str, (now, over): (Millis, Millis)) -> Result<bool> {
    Ok(sql::scalar::<String>(db, DUE, (webhook, now, over)).await?.is_some())
}

/// Leases up to `limit` deliveries of a webhook until `until`: the first of each subject alone, and those too that
/// somebody leased up to `over`.
pub async fn lease(
    db: &mut impl Db,
    webhook: &str,
    (now, over): (Millis, Millis),
    until: Millis,
    limit: i64,
) -> Result<Vec<Leased>> {
    sql::all(db, LEASE, (webhook, now, over, until, limit)).await
}

/// Ends a delivery; `state` is `sent` or `failed`. [`Changed::No`] where it was leased again meanwhile.
pub async fn finish(db: &mut impl Db, tried: &Tried<'_>, state: &str, now: Millis) -> Result<Changed> {
    sql::change(db, FINISH, (tried.id, state, now, tried.status, tried.problem, tried.tries)).await
}

/// Puts a delivery off until `due_at`. [`Changed::No`] where it was leased again meanwhile.
pub async fn delay(db: &mut impl Db, tried: &Tried<'_>, due_at: Millis) -> Result<Changed> {
    sql::change(db, DELAY, (tried.id, due_at, tried.status, tried.problem, tried.tries)).await
}

/// Leases a delivery that is still under way until `until`. 0 where it was leased again meanwhile, or is done.
pub async fn renew(db: &mut impl Db, leased: &Leased, until: Millis) -> Result<u64> {
    sql::run(db, RENEW, (leased.id.as_str(), until, leased.tries)).await
}

/// Puts off until `due_at` whatever waits behind a delivery.
pub async fn put_off(db: &mut impl Db, leased: &Leased, due_at: Millis) -> Result<u64> {
    let row = (leased.webhook.as_str(), leased.subject.as_str(), leased.position, due_at);
    sql::run(db, PUT_OFF, row).await
}

/// The webhooks that something waits for.
pub async fn waiting(db: &mut impl Db) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = sql::all(db, WAITING, ()).await?;
    Ok(rows.into_iter().map(|(webhook,)| webhook).collect())
}

/// How many deliveries wait for a webhook.
pub async fn count(db: &mut impl Db, webhook: &str) -> Result<i64> {
    Ok(sql::scalar(db, COUNT, (webhook,)).await?.unwrap_or(0))
}

/// Ends, as failed, a thousand of what was due for a webhook until `due` and nobody leases.
pub async fn end(db: &mut impl Db, webhook: &str, due: Millis, now: Millis, problem: &str) -> Result<u64> {
    sql::run(db, END, (webhook, due, now, problem)).await
}

/// How each webhook does that there are deliveries of.
pub async fn summary(db: &mut impl Db) -> Result<Vec<Summary>> {
    sql::all(db, SUMMARY, ()).await
}

/// The last deliveries, the newest event first; webhook, state and user narrow them unless they are empty.
pub async fn list(
    db: &mut impl Db,
    webhook: &str,
    state: &str,
    user: &str,
    limit: i64,
) -> Result<Vec<Listed>> {
    sql::all(db, LIST, (webhook, state, user, limit)).await
}

/// Queues a delivery that ended once more. [`Changed::No`] where there is none, or it is queued.
pub async fn again(db: &mut impl Db, id: &str, now: Millis) -> Result<Changed> {
    sql::change(db, AGAIN, (id, now)).await
}

/// Queues all failed ones of a webhook once more.
pub async fn failed_again(db: &mut impl Db, webhook: &str, now: Millis) -> Result<u64> {
    sql::run(db, FAILED_AGAIN, (webhook, now)).await
}

/// Queues an event for a webhook, whether it was told before or not; `id` is for a delivery that there was none of.
/// 0 where it is queued.
pub async fn tell(db: &mut impl Db, id: &str, webhook: &str, event: &str, now: Millis) -> Result<u64> {
    let again = sql::run(db, EVENT_AGAIN, (webhook, now, event)).await?;
    if again > 0 { Ok(again) } else { sql::run(db, ADD, (id, webhook, event, now)).await }
}

/// What a replay needs to know of an event.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Happened {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its position.
    pub position: i64,
    /// When it happened.
    pub at: Millis,
}

/// Events behind a position and id, in their order.
pub async fn since(db: &mut impl Db, (position, id): (i64, &str), limit: i64) -> Result<Vec<Happened>> {
    sql::all(db, SINCE, (position, limit, id)).await
}
