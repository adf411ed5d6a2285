//! What became of messages: vendors' receipts, lists for the operator, dead letters sent again.

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::{DeviceId, Millis, UserId};

/// A message as lists show it; what it says is not in it.
#[derive(Clone, Debug, FromRow)]
pub struct Delivery {
    /// The message's id.
    pub id: String,
    /// How it leaves.
    pub channel: String,
    /// What it says, a stable name.
    pub kind: String,
    /// `queued`, `sent`, `expired` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub tries: i64,
    /// When it was written.
    pub created_at: Millis,
    /// When it is tried next, while it is queued.
    pub due_at: Millis,
    /// When it ended.
    pub finished_at: Option<Millis>,
    /// The device that it goes to, where there is one.
    pub device_id: Option<DeviceId>,
    /// The country of the number, empty for email.
    pub country: String,
    /// Who took it.
    pub provider: Option<String>,
    /// The vendor's own name for it.
    pub reference: Option<String>,
    /// What the vendor reported.
    pub receipt: Option<String>,
    /// Why it was not sent.
    pub problem: Option<String>,
}

/// How many codes of a provider to a country were sent, reported as delivered, and typed.
#[derive(Clone, Debug, FromRow)]
pub struct Conversion {
    /// Who took them.
    pub provider: String,
    /// How they left.
    pub channel: String,
    /// The country of the numbers, empty for email.
    pub country: String,
    /// How many were sent.
    pub sent: i64,
    /// How many the vendor reported as delivered.
    pub delivered: i64,
    /// How many were typed; counted for phones alone.
    pub confirmed: i64,
}

/// The row that a receipt was noted on.
#[derive(Clone, Debug, FromRow)]
pub struct NewEvent {
    /// The message's id.
    pub id: String,
    /// Its state.
    pub state: String,
    /// The device that it went to.
    pub device_id: Option<DeviceId>,
    /// Whose device that is.
    pub user_id: Option<UserId>,
    /// How it left.
    pub channel: String,
    /// What it says, a stable name.
    pub kind: String,
}

/// A report that comes late, after a final one or after another provider took over, changes nothing; nor does one that
/// says again that a message is under way.
macro_rules! note {
    ($which:literal) => {
        concat!(
            "UPDATE outbox SET receipt = $3, receipt_at = $4 WHERE ",
            $which,
            " AND (receipt IS NULL OR receipt = 'underway' AND $3 <> 'underway')
            RETURNING id, state, device_id, channel, kind,
            (SELECT devices.user_id FROM devices WHERE devices.id = outbox.device_id) AS user_id"
        )
    };
}

/// While nobody is known to have taken a message, only a report that ends it is taken.
const NOTE_BY_ID: &str =
    note!("id = $1 AND (provider = $2 OR provider IS NULL AND $3 IN ('delivered', 'unreachable'))");
const NOTE_BY_REFERENCE: &str = note!("reference = $1 AND provider = $2");
/// A message that is leased is on its way to another provider already.
const FAIL_OVER: &str = "UPDATE outbox SET due_at = $3, leased_until = 0, problem = $4, receipt = NULL,
    passed = passed || provider || ',', provider = NULL
    WHERE id = $1 AND provider = $2 AND state = 'queued' AND leased_until <= $3";
const PASS_OVER: &str = "UPDATE outbox SET passed = passed || $2 || ',' WHERE id = $1 AND provider IS NULL
    AND state = 'queued' AND REPLACE(',' || passed, ',' || $2 || ',', '') = ',' || passed";
/// The newest first.
macro_rules! list {
    ($which:literal) => {
        concat!(
            "SELECT id, channel, kind, state, tries, created_at, due_at, finished_at, device_id, country, provider,
            reference, receipt, problem FROM outbox WHERE ",
            $which,
            " AND channel <> 'none' ORDER BY created_at DESC, id LIMIT $1"
        )
    };
}

const LIST: &str = list!("($2 = '' OR state = $2)");
/// By the index of those that failed, which a parameter would not find.
const LIST_FAILED: &str = list!("state = 'failed'");
const BY_ID: &str =
    "SELECT id, channel, kind, state, tries, created_at, due_at, finished_at, device_id, country,
    provider, reference, receipt, problem FROM outbox WHERE id = $1";
const AGAIN: &str =
    "UPDATE outbox SET state = 'queued', tries = 0, due_at = $2, leased_until = 0, passed = '',
    provider = NULL, problem = NULL, finished_at = NULL, receipt = NULL, receipt_at = NULL,
    expires_at = CASE WHEN challenge IS NULL THEN $3 ELSE expires_at END
    WHERE id = $1 AND state = 'failed' AND payload <> '' AND (challenge IS NULL OR expires_at > $2 AND EXISTS (
        SELECT 1 FROM challenges WHERE key_hash = outbox.challenge AND spent_at IS NULL))";
const CONVERSIONS: &str = "SELECT COALESCE(provider, '') AS provider, channel, country, COUNT(*) AS sent,
    COUNT(CASE WHEN receipt = 'delivered' THEN 1 END) AS delivered, COUNT(confirmed_at) AS confirmed
    FROM outbox WHERE state = 'sent' AND challenge IS NOT NULL AND finished_at >= $1
    GROUP BY provider, channel, country ORDER BY channel, country, provider";

/// Notes what `provider` reported of the message that we call `id`.
pub async fn note_by_id(
    db: &mut impl Db,
    id: &str,
    provider: &str,
    receipt: &str,
    now: Millis,
) -> Result<Option<NewEvent>> {
    sql::first(db, NOTE_BY_ID, (id, provider, receipt, now)).await
}

/// Notes what `provider` reported of the message that it calls `reference`.
pub async fn note_by_reference(
    db: &mut impl Db,
    reference: &str,
    provider: &str,
    receipt: &str,
    now: Millis,
) -> Result<Option<NewEvent>> {
    sql::first(db, NOTE_BY_REFERENCE, (reference, provider, receipt, now)).await
}

/// The provider that took a message reported that it did not arrive: the next one takes over. 0 where that happens
/// already.
pub async fn fail_over(
    db: &mut impl Db,
    id: &str,
    provider: &str,
    problem: &str,
    now: Millis,
) -> Result<u64> {
    sql::run(db, FAIL_OVER, (id, provider, now, problem)).await
}

/// The same, before it is noted who took it.
pub async fn pass_over(db: &mut impl Db, id: &str, provider: &str) -> Result<u64> {
    sql::run(db, PASS_OVER, (id, provider)).await
}

/// The last messages, the newest first; `state` narrows them unless it is empty.
pub async fn list(db: &mut impl Db, state: &str, limit: i64) -> Result<Vec<Delivery>> {
    match state {
        "failed" => sql::all(db, LIST_FAILED, (limit,)).await,
        _ => sql::all(db, LIST, (limit, state)).await,
    }
}

/// One message.
pub async fn by_id(db: &mut impl Db, id: &str) -> Result<Option<Delivery>> {
    sql::first(db, BY_ID, (id,)).await
}

/// Queues a message that failed once more; a notice lives until `until`. [`Changed::No`] where it did not fail, or its code
/// has ended.
pub async fn again(db: &mut impl Db, id: &str, now: Millis, until: Millis) -> Result<Changed> {
    sql::change(db, AGAIN, (id, now, until)).await
}

/// Codes sent since `since`, by provider, channel and country.
pub async fn conversions(db: &mut impl Db, since: Millis) -> Result<Vec<Conversion>> {
    sql::all(db, CONVERSIONS, (since,)).await
}
