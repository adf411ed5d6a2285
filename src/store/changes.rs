//! Changes of an account's devices, kept with what there was before for as long as they can be taken back (R125).

use sqlx::FromRow;

use super::sql::{self, Db, Result};
use crate::base::{Millis, UserId};

/// One change.
#[derive(Clone, Debug, FromRow)]
pub struct Change {
    /// A random UUID.
    pub id: String,
    /// Whose devices changed.
    pub user_id: UserId,
    /// When.
    pub at: Millis,
    /// The confirmed devices before it, as JSON.
    pub devices: String,
}

const INSERT: &str = "INSERT INTO device_changes (id, user_id, at, devices) VALUES ($1, $2, $3, $4)";
const BY_ID: &str = "SELECT id, user_id, at, devices FROM device_changes WHERE id = $1";
const OF_USER: &str =
    "SELECT id, user_id, at, devices FROM device_changes WHERE user_id = $1 ORDER BY at, id";
const DROP_SINCE: &str = "DELETE FROM device_changes WHERE user_id = $1 AND at >= $2";
const DROP_ALL: &str = "DELETE FROM device_changes WHERE user_id = $1";

/// Notes a change.
pub async fn insert(db: &mut impl Db, change: &Change) -> Result<()> {
    let row = (change.id.as_str(), change.user_id.as_str(), change.at, change.devices.as_str());
    sql::run(db, INSERT, row).await.map(drop)
}

/// The change of that id.
pub async fn by_id(db: &mut impl Db, id: &str) -> Result<Option<Change>> {
    sql::first(db, BY_ID, (id,)).await
}

/// The changes of a user that are kept, oldest first.
pub async fn of_user(db: &mut impl Db, user_id: &UserId) -> Result<Vec<Change>> {
    sql::all(db, OF_USER, (user_id,)).await
}

/// Drops the changes of a user from a moment on: they are taken back.
pub async fn drop_since(db: &mut impl Db, user_id: &UserId, at: Millis) -> Result<u64> {
    sql::run(db, DROP_SINCE, (user_id, at)).await
}

/// Drops every change of a user: none can be taken back any more.
pub async fn drop_all(db: &mut impl Db, user_id: &UserId) -> Result<u64> {
    sql::run(db, DROP_ALL, (user_id,)).await
}
