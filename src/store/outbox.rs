//! The outbox: messages on their way, written in the transaction of what they tell.

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::{DeviceId, Millis};

/// One message on its way.
#[derive(Clone, Debug, Default, FromRow)]
pub struct Queued {
    /// A random UUID; the message's id for good.
    pub id: String,
    /// The line it waits in: the name of the provider that it goes to first.
    pub lane: String,
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
    /// The hash of the key of the code that it carries; none for a notice.
    pub challenge: Option<String>,
    /// Whether a vendor may put a code of its own in the place of ours.
    pub verifiable: bool,
    /// The device that it goes to, where there is one.
    pub device_id: Option<DeviceId>,
    /// The country of the number (ISO 3166-1), empty for email.
    pub country: String,
    /// The number without its last six digits, empty for email.
    pub prefix: String,
    /// What is remembered of providers: the names of those that are passed over, each with a comma behind, and others
    /// behind a sign.
    pub passed: String,
    /// Who took it and has not reported a delivery yet.
    pub provider: Option<String>,
    /// When its code was typed.
    pub confirmed_at: Option<Millis>,
}

const INSERT: &str = "INSERT INTO outbox (id, lane, channel, kind, payload, state, tries, created_at, due_at,
    expires_at, leased_until, challenge, verifiable, device_id, country, prefix)
    VALUES ($1, $2, $3, $4, $5, 'queued', 0, $6, $6, $7, 0, $8, $9, $10, $11, $12)";
/// The condition stands inside and outside, so that a row is left that somebody else took meanwhile, or tried and
/// put off. A lease that ran out is taken over up to `$5`.
const LEASE: &str = "UPDATE outbox SET leased_until = $3, tries = tries + 1
    WHERE state = 'queued' AND due_at <= $2 AND leased_until <= $5 AND id IN (
        SELECT id FROM outbox WHERE state = 'queued' AND lane = $1 AND due_at <= $2
        AND leased_until <= $5 ORDER BY due_at LIMIT $4)
    RETURNING id, lane, channel, kind, payload, tries, created_at, expires_at, challenge, verifiable, device_id,
        country, prefix, passed, provider, confirmed_at";
/// What another vendor reported before is no report of the one that takes the message now.
const FINISH: &str =
    "UPDATE outbox SET state = $2, payload = CASE WHEN $2 = 'failed' THEN payload ELSE '' END,
    finished_at = $3, provider = COALESCE($4, provider), problem = $5, reference = COALESCE($6, reference),
    receipt = CASE WHEN CAST($4 AS TEXT) IS NULL OR provider = $4 THEN receipt END
    WHERE id = $1 AND state = 'queued' AND tries = COALESCE(CAST($7 AS BIGINT), tries)";
/// A vendor that is passed over already has reported a failure before its answer was noted.
const AWAIT: &str =
    "UPDATE outbox SET due_at = CASE WHEN REPLACE(',' || passed, ',' || $3 || ',', '') = ',' || passed THEN $2 ELSE 0 END,
    leased_until = 0, provider = $3, reference = $4, passed = $5, problem = NULL,
    receipt = CASE WHEN provider = $3 THEN receipt END
    WHERE id = $1 AND state = 'queued' AND tries = $6";
const DELAY: &str =
    "UPDATE outbox SET due_at = $2, leased_until = 0, problem = $3, passed = $4, provider = NULL, receipt = NULL
    WHERE id = $1 AND state = 'queued' AND tries = $5";
const STEP_BACK: &str = "UPDATE outbox SET due_at = $2, leased_until = 0
    WHERE id = $1 AND state = 'queued' AND tries = $3";
const RENEW: &str = "UPDATE outbox SET leased_until = $2
    WHERE id = $1 AND state = 'queued' AND tries = $3 AND leased_until > 0";
const WAITING: &str = "SELECT COUNT(*) FROM outbox WHERE state = 'queued'";
const NEXT_DUE: &str = "SELECT due_at FROM outbox WHERE state = 'queued' AND lane = $1
    AND leased_until <= $2 ORDER BY due_at LIMIT 1";
/// From one lane to the next by the index, however much waits in each; a `DISTINCT` reads all of it.
const LANES: &str = "WITH RECURSIVE lanes (lane) AS (
        SELECT MIN(lane) FROM outbox WHERE state = 'queued'
        UNION ALL
        SELECT (SELECT MIN(lane) FROM outbox WHERE state = 'queued' AND lane > lanes.lane)
        FROM lanes WHERE lanes.lane IS NOT NULL)
    SELECT lane FROM lanes WHERE lane IS NOT NULL";
const MOVE_LANE: &str = "UPDATE outbox SET lane = $2 WHERE state = 'queued' AND lane = $1 AND due_at <= $3";
const DROP_LANE: &str = "DELETE FROM outbox WHERE state = 'queued' AND lane = $1 AND due_at <= $2";
const CONFIRM: &str = "UPDATE outbox SET confirmed_at = $2
    WHERE COALESCE(challenge, id) = $1 AND confirmed_at IS NULL";

/// Queues a message.
pub async fn insert(db: &mut impl Db, q: &Queued) -> Result<()> {
    let row = (
        q.id.as_str(),
        q.lane.as_str(),
        q.channel.as_str(),
        q.kind.as_str(),
        q.payload.as_str(),
        q.created_at,
        q.expires_at,
        q.challenge.as_deref(),
        q.verifiable,
        q.device_id.as_deref(),
        q.country.as_str(),
        q.prefix.as_str(),
    );
    sql::run(db, INSERT, row).await.map(drop)
}

/// Leases up to `limit` messages of a lane that are due `now` until `until`; those too that somebody leased up to `over`.
pub async fn lease(
    db: &mut impl Db,
    lane: &str,
    (now, over): (Millis, Millis),
    until: Millis,
    limit: i64,
) -> Result<Vec<Queued>> {
    sql::all(db, LEASE, (lane, now, until, limit, over)).await
}

/// How a message ended.
#[derive(Debug, Default)]
pub struct End<'a> {
    /// `sent`, `expired` or `failed`.
    pub state: &'a str,
    /// Who took it.
    pub provider: Option<&'a str>,
    /// The vendor's own name for it.
    pub reference: Option<&'a str>,
    /// Why it was not sent.
    pub problem: Option<&'a str>,
    /// The try that ends it: nothing happens where it was leased again meanwhile.
    pub tries: Option<i64>,
}

/// Ends a message and empties its payload; one that failed keeps it, sealed, so that it can be sent again.
pub async fn finish(db: &mut impl Db, id: &str, end: &End<'_>, now: Millis) -> Result<Changed> {
    sql::change(db, FINISH, (id, end.state, now, end.provider, end.problem, end.reference, end.tries)).await
}

/// A vendor took a message and has until `due_at` to report its delivery. [`Changed::No`] where it was leased again meanwhile.
pub async fn await_receipt(
    db: &mut impl Db,
    (id, tries): (&str, i64),
    due_at: Millis,
    (provider, reference): (&str, Option<&str>),
    passed: &str,
) -> Result<Changed> {
    sql::change(db, AWAIT, (id, due_at, provider, reference, passed, tries)).await
}

/// Puts a message off until `due_at`; `passed` is what it remembers of providers from now on. 0 where it was
/// leased again meanwhile.
pub async fn delay(
    db: &mut impl Db,
    (id, tries): (&str, i64),
    due_at: Millis,
    problem: &str,
    passed: &str,
) -> Result<u64> {
    sql::run(db, DELAY, (id, due_at, problem, passed, tries)).await
}

/// Puts a message that nobody was asked for off until `due_at`. 0 where it was leased again meanwhile.
pub async fn step_back(db: &mut impl Db, (id, tries): (&str, i64), due_at: Millis) -> Result<u64> {
    sql::run(db, STEP_BACK, (id, due_at, tries)).await
}

/// Leases a message that is still under way until `until`. 0 where it was leased again meanwhile, or is done.
pub async fn renew(db: &mut impl Db, (id, tries): (&str, i64), until: Millis) -> Result<u64> {
    sql::run(db, RENEW, (id, until, tries)).await
}

/// How many messages wait.
pub async fn waiting(db: &mut impl Db) -> Result<i64> {
    Ok(sql::scalar(db, WAITING, ()).await?.unwrap_or(0))
}

/// When the next message of a lane is due that nobody has leased, or somebody up to `over`.
pub async fn next_due(db: &mut impl Db, lane: &str, over: Millis) -> Result<Option<Millis>> {
    sql::scalar(db, NEXT_DUE, (lane, over)).await
}

/// The lanes that messages wait in.
pub async fn lanes(db: &mut impl Db) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = sql::all(db, LANES, ()).await?;
    Ok(rows.into_iter().map(|(lane,)| lane).collect())
}

/// Moves what was due in one lane until `due` to another.
pub async fn move_lane(db: &mut impl Db, from: &str, to: &str, due: Millis) -> Result<u64> {
    sql::run(db, MOVE_LANE, (from, to, due)).await
}

/// Drops what is due in a lane.
pub async fn drop_lane(db: &mut impl Db, lane: &str, now: Millis) -> Result<u64> {
    sql::run(db, DROP_LANE, (lane, now)).await
}

/// Notes that the code of a message was typed, for the conversion of its prefix (R47).
pub async fn confirm(db: &mut impl Db, challenge: &str, now: Millis) -> Result<u64> {
    sql::run(db, CONFIRM, (challenge, now)).await
}

const FORGET_DEVICE: &str =
    "UPDATE outbox SET payload = '', prefix = '' WHERE device_id = $1 AND state = 'failed'";

/// Empties the messages to a device that were given up (R146); those on their way empty themselves.
pub async fn forget_device(db: &mut impl Db, device: &DeviceId) -> Result<u64> {
    sql::run(db, FORGET_DEVICE, (device,)).await
}
