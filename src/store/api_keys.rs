//! API keys of backends: hashed, with scopes.

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::Millis;

/// One API key.
#[derive(Clone, Debug, FromRow)]
pub struct ApiKey {
    /// A random UUID, to end it by.
    pub id: String,
    /// What the operator calls it.
    pub name: String,
    /// What it may do, space separated.
    pub scopes: String,
    /// When it was made.
    pub created_at: Millis,
    /// Since when it is ended.
    pub ended_at: Option<Millis>,
}

const INSERT: &str = "INSERT INTO api_keys (id, name, hash, scopes, created_at) VALUES ($1, $2, $3, $4, $5)";
const LIVE: &str =
    "SELECT id, name, scopes, created_at, ended_at FROM api_keys WHERE hash = $1 AND ended_at IS NULL";
const ALL: &str = "SELECT id, name, scopes, created_at, ended_at FROM api_keys ORDER BY created_at, id";
const END: &str = "UPDATE api_keys SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";

/// Adds a key by the SHA-256 of its secret.
pub async fn insert(
    db: &mut impl Db,
    id: &str,
    name: &str,
    hash: &str,
    scopes: &str,
    now: Millis,
) -> Result<()> {
    sql::run(db, INSERT, (id, name, hash, scopes, now)).await.map(drop)
}

/// The live key with that hash.
pub async fn live(db: &mut impl Db, hash: &str) -> Result<Option<ApiKey>> {
    sql::first(db, LIVE, (hash,)).await
}

/// All keys, ended ones too.
pub async fn all(db: &mut impl Db) -> Result<Vec<ApiKey>> {
    sql::all(db, ALL, ()).await
}

/// Ends a key.
pub async fn end(db: &mut impl Db, id: &str, now: Millis) -> Result<Changed> {
    sql::change(db, END, (id, now)).await
}
