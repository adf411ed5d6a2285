//! Secrets that belong to a user: the password, kinds of an own program, and recovery codes.

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::{Millis, UserId};

/// The password's kind.
pub const PASSWORD: &str = "password";
/// A recovery code's kind.
pub const RECOVERY: &str = "recovery";

/// One secret.
#[derive(Clone, Debug, FromRow)]
pub struct Secret {
    /// A random UUID.
    pub id: String,
    /// `password`, `recovery`, or the name of an own kind.
    pub kind: String,
    /// A keyed hash for a recovery code, a PHC string for all others.
    pub hash: String,
    /// When it was set.
    pub created_at: Millis,
    /// The one device that had proven the account when a recovery set it; none where more is behind it.
    pub set_by: Option<String>,
}

/// Nobody has a password made up, as long as one is.
const OF_USER: &str = "SELECT id, kind, hash, created_at, set_by FROM secrets WHERE user_id = $1";
const HASH_OF: &str = "SELECT hash FROM secrets WHERE user_id = $1 AND kind = $2";
const INSERT: &str = "INSERT INTO secrets (id, user_id, kind, hash, created_at) VALUES ($1, $2, $3, $4, $5)";
const SET: &str =
    "INSERT INTO secrets (id, user_id, kind, hash, created_at, set_by) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (user_id, kind) WHERE kind <> 'recovery'
    DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at, set_by = excluded.set_by";
const CHANGE: &str = "INSERT INTO secrets (id, user_id, kind, hash, created_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (user_id, kind) WHERE kind <> 'recovery' DO UPDATE SET hash = excluded.hash";
const TRUST: &str = "UPDATE secrets SET set_by = NULL WHERE user_id = $1 AND set_by IS NOT NULL";
const REHASH: &str = "UPDATE secrets SET hash = $4 WHERE user_id = $1 AND kind = $2 AND hash = $3";
const SPEND: &str = "DELETE FROM secrets WHERE user_id = $1 AND kind = 'recovery' AND hash = $2";
const DROP_KIND: &str = "DELETE FROM secrets WHERE user_id = $1 AND kind = $2";
const DROP_ALL: &str = "DELETE FROM secrets WHERE user_id = $1";
const DROP_YOUNG: &str = "DELETE FROM secrets WHERE user_id = $1 AND kind = $2 AND created_at > $3";
const COUNT: &str = "SELECT COUNT(*) FROM secrets WHERE user_id = $1 AND kind = $2";

/// All secrets of a user.
pub async fn of_user(db: &mut impl Db, user_id: &UserId) -> Result<Vec<Secret>> {
    sql::all(db, OF_USER, (user_id,)).await
}

/// The hash of the one secret of a kind; not for recovery codes, of which there are several.
pub async fn hash(db: &mut impl Db, user_id: &UserId, kind: &str) -> Result<Option<String>> {
    sql::scalar(db, HASH_OF, (user_id, kind)).await
}

/// Adds a secret.
pub async fn insert(
    db: &mut impl Db,
    id: &str,
    user_id: &UserId,
    kind: &str,
    hash: &str,
    now: Millis,
) -> Result<()> {
    sql::run(db, INSERT, (id, user_id, kind, hash, now)).await.map(drop)
}

/// Sets the one secret of a kind; not for recovery codes. `set_by` is the one device that had proven the account, where
/// nothing else did.
pub async fn set(
    db: &mut impl Db,
    id: &str,
    user_id: &UserId,
    kind: &str,
    hash: &str,
    now: Millis,
    set_by: Option<&str>,
) -> Result<()> {
    sql::run(db, SET, (id, user_id, kind, hash, now, set_by)).await.map(drop)
}

/// Changes the one secret of a kind, or sets the first, for somebody who is inside of the account. What stood behind
/// the one before stands behind this one.
pub async fn change(
    db: &mut impl Db,
    id: &str,
    user_id: &UserId,
    kind: &str,
    hash: &str,
    now: Millis,
) -> Result<()> {
    sql::run(db, CHANGE, (id, user_id, kind, hash, now)).await.map(drop)
}

/// Says that more than one device stands behind the secrets of a user.
pub async fn trust(db: &mut impl Db, user_id: &UserId) -> Result<u64> {
    sql::run(db, TRUST, (user_id,)).await
}

/// Drops every secret of a user, recovery codes too.
pub async fn drop_all(db: &mut impl Db, user_id: &UserId) -> Result<u64> {
    sql::run(db, DROP_ALL, (user_id,)).await
}

/// Drops the secrets of a kind that were made after a moment.
pub async fn drop_young(db: &mut impl Db, user_id: &UserId, kind: &str, since: Millis) -> Result<u64> {
    sql::run(db, DROP_YOUNG, (user_id, kind, since)).await
}

/// Replaces a secret's hash by one of newer parameters, unless the secret changed meanwhile (R63).
pub async fn rehash(db: &mut impl Db, user_id: &UserId, kind: &str, old: &str, new: &str) -> Result<Changed> {
    sql::change(db, REHASH, (user_id, kind, old, new)).await
}

/// Spends a recovery code; yes for the one who was first (R72).
pub async fn spend_recovery(db: &mut impl Db, user_id: &UserId, hash: &str) -> Result<Changed> {
    sql::change(db, SPEND, (user_id, hash)).await
}

/// Drops all secrets of a kind.
pub async fn drop_kind(db: &mut impl Db, user_id: &UserId, kind: &str) -> Result<u64> {
    sql::run(db, DROP_KIND, (user_id, kind)).await
}

/// How many secrets of a kind there are.
pub async fn count(db: &mut impl Db, user_id: &UserId, kind: &str) -> Result<i64> {
    Ok(sql::scalar(db, COUNT, (user_id, kind)).await?.unwrap_or(0))
}
