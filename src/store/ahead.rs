//! What a clock that was ahead wrote is brought back once the clock is right: a moment that lies ahead of now is written
//! as now, and what ends by its beginning ends as much earlier. Nothing is freed by it, and nothing revived.

use std::time::Duration;

use super::line::FAR;
use super::sql::{self, Db, Result};
use super::{Store, guesses, spend};
use crate::base::Millis;

/// What a table has of moments that lie ahead: `$1` is now.
struct Ahead {
    find: &'static str,
    mend: &'static str,
}

macro_rules! ahead {
    ($table:literal, $key:literal, $which:literal, $set:literal) => {
        Ahead {
            find: concat!(
                "SELECT COUNT(*) FROM (SELECT 1 FROM ",
                $table,
                " WHERE ",
                $which,
                " LIMIT 1) AS found"
            ),
            mend: concat!(
                "UPDATE ",
                $table,
                " SET ",
                $set,
                " WHERE (",
                $key,
                ") IN (SELECT ",
                $key,
                " FROM ",
                $table,
                " WHERE ",
                $which,
                " LIMIT 1000)"
            ),
        }
    };
}

/// What holds up somebody, or lets them in, for as long as the clock was ahead.
const SOON: &[Ahead] = &[
    ahead!(
        "attempts",
        "id",
        "expires_at > $1 AND created_at > $1",
        "expires_at = expires_at - (created_at - $1), created_at = $1"
    ),
    ahead!(
        "challenges",
        "id",
        "expires_at > $1 AND sent_at > $1",
        "expires_at = expires_at - (sent_at - $1), way_ends = way_ends - (sent_at - $1),
        code_ends = code_ends - (sent_at - $1), sent_at = $1"
    ),
    // No wish lasts for more than a day.
    ahead!("wishes", "name", "ends_at > $1 + 86400000", "ends_at = $1 + 86400000"),
    ahead!(
        "suspensions",
        "prefix",
        "ends_at > $1 AND since > $1",
        "ends_at = ends_at - (since - $1), since = $1"
    ),
    ahead!(
        "known_devices",
        "id",
        "last_used_at > $1",
        "last_used_at = $1,
        created_at = CASE WHEN created_at > $1 THEN $1 ELSE created_at END"
    ),
    ahead!("lines", "number", "looked_at > $1", "looked_at = $1"),
];

/// What is counted by the moment that all instances have.
const GUESSES: &[Ahead] = &[ahead!(
    "guesses",
    "subject, factor",
    "last_at > $1",
    "last_at = $1, day_start = CASE WHEN day_start > $1 THEN $1 ELSE day_start END,
        month_start = CASE WHEN month_start > $1 THEN $1 ELSE month_start END"
)];

/// What waits to leave, and how long it is good for.
const QUEUES: &[Ahead] = &[
    // Nothing is put off for more than a day here.
    ahead!(
        "outbox",
        "id",
        "state = 'queued' AND (created_at > $1 OR due_at > $1 + 86400000)",
        "due_at = $1,
        expires_at = CASE WHEN created_at > $1 THEN expires_at - (created_at - $1) ELSE expires_at END,
        created_at = CASE WHEN created_at > $1 THEN $1 ELSE created_at END"
    ),
    ahead!(
        "webhook_deliveries",
        "id",
        "state = 'queued' AND (created_at > $1 OR due_at > $1 + 172800000)",
        "due_at = $1,
        created_at = CASE WHEN created_at > $1 THEN $1 ELSE created_at END"
    ),
];

/// What waits to leave, and nothing of how long it is good for: that it leaves too early does no harm.
const DUE: &[Ahead] = &[
    ahead!(
        "outbox",
        "id",
        "state = 'queued' AND due_at > $1 AND (created_at > $1 OR due_at > $1 + 86400000)",
        "due_at = $1"
    ),
    ahead!(
        "webhook_deliveries",
        "id",
        "state = 'queued' AND due_at > $1 AND (created_at > $1 OR due_at > $1 + 172800000)",
        "due_at = $1"
    ),
];

/// What somebody has under way, by the clock that leases go by: none is leased for more than some seconds.
const LEASES: &[Ahead] = &[
    ahead!("outbox", "id", "state = 'queued' AND leased_until > $1 + 600000", "leased_until = 0"),
    ahead!("webhook_deliveries", "id", "state = 'queued' AND leased_until > $1 + 600000", "leased_until = 0"),
];

/// What lasts: it is left alone until the clock is believed.
const LATE: &[Ahead] = &[
    ahead!(
        "sessions",
        "id",
        "created_at > $1 OR rotated_at > $1 OR auth_time > $1",
        "expires_at = CASE WHEN created_at > $1 THEN expires_at - (created_at - $1) ELSE expires_at END,
        rotated_at = CASE WHEN rotated_at > $1 THEN $1 ELSE rotated_at END,
        auth_time = CASE WHEN auth_time > $1 THEN $1 ELSE auth_time END,
        created_at = CASE WHEN created_at > $1 THEN $1 ELSE created_at END"
    ),
    ahead!(
        "users",
        "id",
        "created_at > $1 OR updated_at > $1 OR signed_in_at > $1 OR disabled_at > $1 OR deleted_at > $1",
        "created_at = CASE WHEN created_at > $1 THEN $1 ELSE created_at END,
        updated_at = CASE WHEN updated_at > $1 THEN $1 ELSE updated_at END,
        signed_in_at = CASE WHEN signed_in_at > $1 THEN $1 ELSE signed_in_at END,
        disabled_at = CASE WHEN disabled_at > $1 THEN $1 ELSE disabled_at END,
        deleted_at = CASE WHEN deleted_at > $1 THEN $1 ELSE deleted_at END"
    ),
    ahead!(
        "devices",
        "id",
        "created_at > $1 OR confirmed_at > $1 OR proven_at > $1 OR last_used_at > $1 OR hidden_at > $1
            OR failing_since > $1",
        "created_at = CASE WHEN created_at > $1 THEN $1 ELSE created_at END,
        confirmed_at = CASE WHEN confirmed_at > $1 THEN $1 ELSE confirmed_at END,
        proven_at = CASE WHEN proven_at > $1 THEN $1 ELSE proven_at END,
        last_used_at = CASE WHEN last_used_at > $1 THEN $1 ELSE last_used_at END,
        hidden_at = CASE WHEN hidden_at > $1 THEN $1 ELSE hidden_at END,
        failing_since = CASE WHEN failing_since > $1 THEN $1 ELSE failing_since END"
    ),
    ahead!("secrets", "id", "created_at > $1", "created_at = $1"),
    // The one that is to sign comes behind those that it replaced.
    ahead!(
        "signing_keys",
        "id",
        "created_at > $1",
        "active_at = CASE WHEN retired_at IS NULL THEN active_at - (created_at - $1) ELSE $1 - 1 END,
        created_at = $1"
    ),
    ahead!("device_changes", "id", "at > $1", "at = $1"),
];

/// How many batches are brought back at most at a time.
const BATCHES: usize = 100;
/// How long a batch may take.
const LONG: Duration = Duration::from_secs(60);

/// Frees what is leased for longer than anything can be; gives how many rows that were. For
/// [`super::agreement::Agreement::last_lease`].
pub async fn leased(store: &Store, last: Millis) -> Result<u64> {
    all(store, LEASES, last).await
}

/// Brings back when it leaves what waits to; gives how many rows that were. For any clock.
pub async fn due(store: &Store, now: Millis) -> Result<u64> {
    all(store, DUE, now).await
}

/// Brings back what waits to leave; gives how many rows that were. For a clock that is believed.
pub async fn queues(store: &Store, now: Millis) -> Result<u64> {
    all(store, QUEUES, now).await
}

/// Brings back what bars somebody or lets them in, but for guesses; gives how many rows that were. For a clock that agrees
/// with another while none was set lately, or has been steady for long.
pub async fn soon(store: &Store, now: Millis) -> Result<u64> {
    let mut rows = all(store, SOON, now).await?;
    if spend::is_ahead(&mut store.read().await?, now).await? {
        let mut tx = store.begin().await?;
        rows += spend::fold(&mut tx, now).await?;
        tx.commit().await?;
    }
    Ok(rows)
}

/// Brings back guesses; gives how many rows that were. For the moment by which all instances count them, where that has been
/// steady for long: what is brought back by one that is behind is free once it is right.
pub async fn counted(store: &Store, now: Millis) -> Result<u64> {
    let mut rows = all(store, GUESSES, now).await?;
    if guesses::is_day_ahead(&mut store.read().await?, now).await? {
        let mut tx = store.begin().await?;
        rows += guesses::fold_days(&mut tx, now).await?;
        tx.commit().await?;
    }
    Ok(rows)
}

/// Brings back what lasts; gives how many rows that were. For a clock that has been steady for long.
pub async fn late(store: &Store, now: Millis) -> Result<u64> {
    all(store, LATE, now).await
}

/// Those behind a table that could not be had are brought back all the same; then it is told.
async fn all(store: &Store, tables: &[Ahead], now: Millis) -> Result<u64> {
    let (mut rows, mut failed) = (0, None);
    for table in tables {
        match whole(store, table, now).await {
            Ok(brought) => rows += brought,
            Err(error) if error.is_of_the_whole() => return Err(error),
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(rows), Err)
}

async fn whole(store: &Store, table: &Ahead, now: Millis) -> Result<u64> {
    let mut rows = 0;
    for _ in 0..BATCHES {
        let brought = batch(store, table, now).await?;
        rows += brought;
        if brought == 0 {
            break;
        }
    }
    Ok(rows)
}

/// Looks first: there is hardly ever anything, and nobody's writing is to wait for that.
async fn batch(store: &Store, table: &Ahead, now: Millis) -> Result<u64> {
    // What another instance, or a request meanwhile, wrote by a clock that is a little ahead is no matter.
    let far = now + FAR;
    if store.name() == "sqlite" && !is_found(&mut store.read().await?, table, far).await? {
        return Ok(0);
    }
    let mut tx = store.begin_within(LONG).await?;
    if !is_found(&mut tx, table, far).await? {
        return Ok(0);
    }
    tx.give_way().await?;
    let rows = sql::run(&mut tx, table.mend, (now,)).await?;
    tx.commit().await?;
    Ok(rows)
}

async fn is_found(db: &mut impl Db, table: &Ahead, now: Millis) -> Result<bool> {
    Ok(sql::scalar::<i64>(db, table.find, (now,)).await?.unwrap_or(0) > 0)
}
