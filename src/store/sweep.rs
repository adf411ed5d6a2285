//! What is over is deleted, a thousand rows at a time so that nobody waits for it.

use super::known_devices;
use super::sql::{self, Db, Result};
use crate::base::Millis;

/// One table's rows that are over: `$1` is the moment before which they ended.
struct Over {
    table: &'static str,
    /// How long a row stays after its end.
    keep: Millis,
    sql: &'static str,
}

macro_rules! over {
    ($table:literal, $key:literal, $ended:literal, $keep:expr) => {
        Over {
            table: $table,
            keep: $keep,
            sql: concat!(
                "DELETE FROM ",
                $table,
                " WHERE ",
                $ended,
                " < $1 AND ",
                $key,
                " IN (SELECT ",
                $key,
                " FROM ",
                $table,
                " WHERE ",
                $ended,
                " < $1 LIMIT 1000)"
            ),
        }
    };
}

use crate::base::clock::{DAY, HOUR};

const OVER: &[Over] = &[
    // Sign-ins that passed a secret wait a day for their owner to be told.
    over!(
        "attempts",
        "id",
        "(passed = '[]' OR purpose <> 'signin' OR user_id IS NULL OR expires_at + 86400000 < $1) AND expires_at",
        0
    ),
    over!("challenges", "id", "(way_ends IS NULL OR way_ends < $1) AND expires_at", HOUR),
    over!("sessions", "id", "expires_at", 0),
    over!("outbox", "id", "finished_at", 7 * DAY),
    over!("webhook_deliveries", "id", "state = 'sent' AND finished_at", 7 * DAY),
    over!("webhook_deliveries", "id", "state = 'failed' AND finished_at", 30 * DAY),
    over!("device_changes", "id", "at", UNDO + 2 * HOUR),
    over!("guesses", "subject", "last_at", 31 * DAY),
    over!("guess_days", "day", "day * 86400000", 31 * DAY),
    over!("known_devices", "id", "last_used_at", known_devices::UNUSED),
    over!("spend", "scope", "since", 31 * DAY),
    over!("suspensions", "prefix", "ends_at", DAY),
    over!("wishes", "name", "ends_at", 0),
];

/// Claims that nobody confirmed within a day (R120).
const CLAIMS: &str = "DELETE FROM devices WHERE id IN (SELECT id FROM devices
    WHERE confirmed_at IS NULL AND created_at < $1 LIMIT 1000)";

/// Devices that were removed or replaced, once the change cannot be taken back any more (R125).
const HIDDEN: &str =
    "DELETE FROM devices WHERE id IN (SELECT id FROM devices WHERE hidden_at < $1 LIMIT 1000)";
/// How long a change of devices can be taken back, in milliseconds; a device younger than that vouches for no older
/// one.
pub const UNDO: Millis = 3 * DAY;

/// The rows of a batch.
pub const BATCH: u64 = 1_000;

/// Deletes one batch from every table; gives how many rows went, with the tables' names.
pub async fn once(db: &mut impl Db, now: Millis) -> Result<Vec<(&'static str, u64)>> {
    let mut gone = Vec::new();
    for over in OVER {
        gone.push((over.table, sql::run(db, over.sql, (now - over.keep,)).await?));
    }
    gone.push(("devices", sql::run(db, HIDDEN, (now - UNDO,)).await?));
    gone.push(("devices", sql::run(db, CLAIMS, (now - DAY,)).await?));
    Ok(gone)
}
