//! Single facts about the installation, by name.

use super::sql::{self, Db, Result};

const GET: &str = "SELECT value FROM facts WHERE name = $1";
const PUT_NEW: &str = "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
const HOLD: &str = "UPDATE facts SET value = value WHERE name = $1 RETURNING value";
const PUT: &str = "INSERT INTO facts (name, value) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// The fact of that name.
pub async fn get(db: &mut impl Db, name: &str) -> Result<Option<String>> {
    sql::scalar(db, GET, (name,)).await
}

/// Sets a fact that is not there yet.
pub async fn put_new(db: &mut impl Db, name: &str, value: &str) -> Result<u64> {
    sql::run(db, PUT_NEW, (name, value)).await
}

/// The fact of that name, which nobody else changes until the transaction ends.
pub async fn hold(db: &mut impl Db, name: &str) -> Result<Option<String>> {
    sql::scalar(db, HOLD, (name,)).await
}

/// Sets a fact, whatever it was.
pub async fn put(db: &mut impl Db, name: &str, value: &str) -> Result<u64> {
    sql::run(db, PUT, (name, value)).await
}
