//! The keys that sign access tokens.

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::Millis;

/// One signing key.
#[derive(Clone, Debug, FromRow)]
pub struct SigningKey {
    /// Its thumbprint (RFC 7638), `kid` in the tokens.
    pub id: String,
    /// `ES256` or `EdDSA`.
    pub algorithm: String,
    /// The private key, PKCS #8, sealed.
    pub private_key: String,
    /// The public key as a JWK.
    pub public_jwk: String,
    /// When it was made.
    pub created_at: Millis,
    /// From when on it signs.
    pub active_at: Millis,
    /// When it leaves the JWKS.
    pub retired_at: Option<Millis>,
}

const ALL: &str =
    "SELECT id, algorithm, private_key, public_jwk, created_at, active_at, retired_at FROM signing_keys
    WHERE retired_at IS NULL OR retired_at > $1 ORDER BY active_at, id";
const INSERT: &str =
    "INSERT INTO signing_keys (id, algorithm, private_key, public_jwk, created_at, active_at)
    VALUES ($1, $2, $3, $4, $5, $6)";
const RETIRE: &str = "UPDATE signing_keys SET retired_at = $2 WHERE id = $1";
/// One that is to leave later than it has to was replaced by a clock that was ahead.
const RETIRE_OLDER: &str = "UPDATE signing_keys SET retired_at = $2
    WHERE id <> $1 AND active_at < $3 AND (retired_at IS NULL OR retired_at > $2)";
const DELETE: &str = "DELETE FROM signing_keys WHERE id = $1";

/// All keys that verifiers may still need, the oldest first.
pub async fn all(db: &mut impl Db, now: Millis) -> Result<Vec<SigningKey>> {
    sql::all(db, ALL, (now,)).await
}

/// Adds a key.
pub async fn insert(db: &mut impl Db, k: &SigningKey) -> Result<()> {
    let row = (
        k.id.as_str(),
        k.algorithm.as_str(),
        k.private_key.as_str(),
        k.public_jwk.as_str(),
        k.created_at,
        k.active_at,
    );
    sql::run(db, INSERT, row).await.map(drop)
}

/// Says when a key leaves the JWKS.
pub async fn retire(db: &mut impl Db, id: &str, at: Millis) -> Result<Changed> {
    sql::change(db, RETIRE, (id, at)).await
}

/// Says when every key older than the newest leaves the JWKS (R88).
pub async fn retire_older(db: &mut impl Db, newest: &SigningKey, at: Millis) -> Result<u64> {
    sql::run(db, RETIRE_OLDER, (newest.id.as_str(), at, newest.active_at)).await
}

/// Removes a key at once: its tokens die with it (R89).
pub async fn delete(db: &mut impl Db, id: &str) -> Result<Changed> {
    sql::change(db, DELETE, (id,)).await
}
