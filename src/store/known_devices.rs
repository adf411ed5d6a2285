//! Known devices: a credential given at the first sign-in, so that an attacker elsewhere cannot slow
//! the owner (R35, R66).

use super::sql::{self, Db, Result};
use crate::base::Millis;
use crate::base::clock::DAY;

const INSERT: &str =
    "INSERT INTO known_devices (id, user_id, hash, created_at, last_used_at) VALUES ($1, $2, $3, $4, $4)";
const FIND: &str = "SELECT id FROM known_devices WHERE hash = $1 AND user_id = $2";
const USED: &str = "UPDATE known_devices SET last_used_at = $2 WHERE id = $1";
const BOUND: &str = "DELETE FROM known_devices WHERE user_id = $1 AND id <> $2 AND id NOT IN
    (SELECT id FROM known_devices WHERE user_id = $1 AND id <> $2 ORDER BY last_used_at DESC, id LIMIT $3)";
const FORGET: &str = "DELETE FROM known_devices WHERE user_id = $1";
const FORGET_OTHERS: &str = "DELETE FROM known_devices WHERE user_id = $1 AND id NOT IN
    (SELECT known_device FROM sessions WHERE id = $2 AND user_id = $1 AND known_device IS NOT NULL)";
const FORGET_ONE: &str = "DELETE FROM known_devices WHERE user_id = $1 AND id = $2 AND id NOT IN
    (SELECT known_device FROM sessions WHERE id = $3 AND user_id = $1 AND known_device IS NOT NULL)";

/// How many devices of a user are known. Another one takes the place of the one that was used least lately.
pub const MOST: i64 = 50;
/// How long a device that nobody signs in with is known, in milliseconds.
pub const UNUSED: Millis = 180 * DAY;

/// Remembers a device by the hash of its credential; where the user has more than [`MOST`] then, those go that were
/// used least lately.
pub async fn insert(db: &mut impl Db, id: &str, user_id: &str, hash: &str, now: Millis) -> Result<()> {
    sql::run(db, INSERT, (id, user_id, hash, now)).await?;
    sql::run(db, BOUND, (user_id, id, MOST - 1)).await.map(drop)
}

/// The id of the user's device with that credential.
pub async fn find(db: &mut impl Db, hash: &str, user_id: &str) -> Result<Option<String>> {
    sql::scalar(db, FIND, (hash, user_id)).await
}

/// Notes its use.
pub async fn used(db: &mut impl Db, id: &str, now: Millis) -> Result<u64> {
    sql::run(db, USED, (id, now)).await
}

/// Forgets all known devices of a user.
pub async fn forget(db: &mut impl Db, user_id: &str) -> Result<u64> {
    sql::run(db, FORGET, (user_id,)).await
}

/// Forgets the known devices of a user but the one that their `session` was opened at.
pub async fn forget_others(db: &mut impl Db, user_id: &str, session: &str) -> Result<u64> {
    sql::run(db, FORGET_OTHERS, (user_id, session)).await
}

/// Forgets a known device of a user, unless it is the one that their session `stays` was opened at.
pub async fn forget_one(db: &mut impl Db, user_id: &str, id: &str, stays: &str) -> Result<u64> {
    sql::run(db, FORGET_ONE, (user_id, id, stays)).await
}
