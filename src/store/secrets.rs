//! Secrets that belong to a user: the password, kinds of an own program, and recovery codes.

use sqlx::FromRow;

use super::sql::{self, Db, Result};
use crate::base::Millis;

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
}

const OF_USER: &str = "SELECT id, kind, hash FROM secrets WHERE user_id = $1";
const HASH_OF: &str = "SELECT hash FROM secrets WHERE user_id = $1 AND kind = $2";
const INSERT: &str = "INSERT INTO secrets (id, user_id, kind, hash, created_at) VALUES ($1, $2, $3, $4, $5)";
const SET: &str = "INSERT INTO secrets (id, user_id, kind, hash, created_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (user_id, kind) WHERE kind <> 'recovery'
    DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at";
const REHASH: &str = "UPDATE secrets SET hash = $4 WHERE user_id = $1 AND kind = $2 AND hash = $3";
const SPEND: &str = "DELETE FROM secrets WHERE user_id = $1 AND kind = 'recovery' AND hash = $2";
const DROP_KIND: &str = "DELETE FROM secrets WHERE user_id = $1 AND kind = $2";
const COUNT: &str = "SELECT COUNT(*) FROM secrets WHERE user_id = $1 AND kind = $2";

/// All secrets of a user.
pub async fn of_user(db: &mut impl Db, user_id: &str) -> Result<Vec<Secret>> {
    sql::all(db, OF_USER, (user_id,)).await
}

/// The hash of the one secret of a kind; not for recovery codes, of which there are several.
pub async fn hash(db: &mut impl Db, user_id: &str, kind: &str) -> Result<Option<String>> {
    sql::scalar(db, HASH_OF, (user_id, kind)).await
}

/// Adds a secret.
pub async fn insert(
    db: &mut impl Db,
    id: &str,
    user_id: &str,
    kind: &str,
    hash: &str,
    now: Millis,
) -> Result<()> {
    sql::run(db, INSERT, (id, user_id, kind, hash, now)).await.map(drop)
}

/// Sets the one secret of a kind; not for recovery codes.
pub async fn set(
    db: &mut impl Db,
    id: &str,
    user_id: &str,
    kind: &str,
    hash: &str,
    now: Millis,
) -> Result<()> {
    sql::run(db, SET, (id, user_id, kind, hash, now)).await.map(drop)
}

/// Replaces a secret's hash by one of newer parameters, unless the secret changed meanwhile (R63).
pub async fn rehash(db: &mut impl Db, user_id: &str, kind: &str, old: &str, new: &str) -> Result<u64> {
    sql::run(db, REHASH, (user_id, kind, old, new)).await
}

/// Spends a recovery code; 1 for the one who was first (R72).
pub async fn spend_recovery(db: &mut impl Db, user_id: &str, hash: &str) -> Result<u64> {
    sql::run(db, SPEND, (user_id, hash)).await
}

/// Drops all secrets of a kind.
pub async fn drop_kind(db: &mut impl Db, user_id: &str, kind: &str) -> Result<u64> {
    sql::run(db, DROP_KIND, (user_id, kind)).await
}

/// How many secrets of a kind there are.
pub async fn count(db: &mut impl Db, user_id: &str, kind: &str) -> Result<i64> {
    Ok(sql::scalar(db, COUNT, (user_id, kind)).await?.unwrap_or(0))
}
