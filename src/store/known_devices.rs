//! Known devices: a credential given at the first sign-in, so that an attacker elsewhere cannot slow
//! the owner (R35, R66).

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::clock::DAY;
use crate::base::{KnownDeviceId, Millis, SessionId, UserId};

const INSERT: &str = "INSERT INTO known_devices (id, user_id, hash, shown, created_at, last_used_at)
    VALUES ($1, $2, $3, $4, $5, $5)";
const FIND: &str = "SELECT id, shown FROM known_devices WHERE hash = $1 AND user_id = $2";
const OF_SESSION: &str = "SELECT k.id, k.shown FROM sessions s JOIN known_devices k ON k.id = s.known_device
    WHERE s.id = $1";
const USED: &str = "UPDATE known_devices SET shown = $2, last_used_at = $3 WHERE id = $1";
const NOTE: &str = "UPDATE known_devices SET shown = $2 WHERE id = $1";
/// Those stay at which more was shown: whoever has a part of what an account asks for pushes nobody out who has all.
const BOUND: &str = "DELETE FROM known_devices WHERE user_id = $1 AND id <> $2 AND id NOT IN
    (SELECT id FROM known_devices WHERE user_id = $1 AND id <> $2
        ORDER BY LENGTH(shown) - LENGTH(REPLACE(shown, ' ', '')) DESC, last_used_at DESC, id LIMIT $3)";
const FORGET: &str = "DELETE FROM known_devices WHERE user_id = $1";
const FORGET_OTHERS: &str = "DELETE FROM known_devices WHERE user_id = $1 AND id NOT IN
    (SELECT known_device FROM sessions WHERE id = $2 AND user_id = $1 AND known_device IS NOT NULL)";
const FORGET_ONE: &str = "DELETE FROM known_devices WHERE user_id = $1 AND id = $2 AND id NOT IN
    (SELECT known_device FROM sessions WHERE id = $3 AND user_id = $1 AND known_device IS NOT NULL)";

/// A known device, as it is looked up.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct KnownDevice {
    /// A random UUID.
    pub id: KnownDeviceId,
    /// What was shown at it: secrets that a person chose by their names, devices by their ids, a space behind each.
    pub shown: String,
}

/// How many devices of a user are known. Another one takes the place of the one at which least was shown, of several the
/// one that was used least lately.
pub const MOST: i64 = 50;
/// How long a device that nobody signs in with is known, in milliseconds.
pub const UNUSED: Millis = 180 * DAY;

/// Remembers a device by the hash of its credential, and what was shown at it; where the user has more than [`MOST`]
/// then, those go at which less was shown.
pub async fn insert(
    db: &mut impl Db,
    id: &KnownDeviceId,
    user_id: &UserId,
    hash: &str,
    shown: &str,
    now: Millis,
) -> Result<()> {
    sql::run(db, INSERT, (id, user_id, hash, shown, now)).await?;
    sql::run(db, BOUND, (user_id, id, MOST - 1)).await.map(drop)
}

/// The user's device with that credential.
pub async fn find(db: &mut impl Db, hash: &str, user_id: &UserId) -> Result<Option<KnownDevice>> {
    sql::first(db, FIND, (hash, user_id)).await
}

/// The known device that a session was opened at.
pub async fn of_session(db: &mut impl Db, session: &SessionId) -> Result<Option<KnownDevice>> {
    sql::first(db, OF_SESSION, (session,)).await
}

/// Notes its use, and all that was shown at it.
pub async fn used(db: &mut impl Db, id: &KnownDeviceId, shown: &str, now: Millis) -> Result<Changed> {
    sql::change(db, USED, (id, shown, now)).await
}

/// Notes all that was shown at it.
pub async fn note(db: &mut impl Db, id: &KnownDeviceId, shown: &str) -> Result<u64> {
    sql::run(db, NOTE, (id, shown)).await
}

/// Forgets all known devices of a user.
pub async fn forget(db: &mut impl Db, user_id: &UserId) -> Result<u64> {
    sql::run(db, FORGET, (user_id,)).await
}

/// Forgets the known devices of a user but the one that their `session` was opened at.
pub async fn forget_others(db: &mut impl Db, user_id: &UserId, session: &SessionId) -> Result<u64> {
    sql::run(db, FORGET_OTHERS, (user_id, session)).await
}

/// Forgets a known device of a user, unless it is the one that their session `stays` was opened at.
pub async fn forget_one(
    db: &mut impl Db,
    user_id: &UserId,
    id: &KnownDeviceId,
    stays: &SessionId,
) -> Result<u64> {
    sql::run(db, FORGET_ONE, (user_id, id, stays)).await
}
