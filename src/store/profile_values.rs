//! Values of profile fields that only one user may have, as keyed hashes.

use super::sql::{self, Db, Result};
use crate::base::UserId;

const CLAIM: &str = "INSERT INTO profile_values (field, value, user_id) VALUES ($1, $2, $3)";
const RELEASE: &str = "DELETE FROM profile_values WHERE field = $1 AND user_id = $2";
const OWNER: &str = "SELECT user_id FROM profile_values WHERE field = $1 AND value = $2";

/// Makes a value its user's alone.
///
/// # Errors
/// [`super::StoreError::Taken`] where somebody has it.
pub async fn claim(db: &mut impl Db, field: &str, value: &str, user_id: &UserId) -> Result<()> {
    sql::run(db, CLAIM, (field, value, user_id)).await.map(drop)
}

/// Gives up what a user has in a field.
pub async fn release(db: &mut impl Db, field: &str, user_id: &UserId) -> Result<u64> {
    sql::run(db, RELEASE, (field, user_id)).await
}

/// Who has a value.
pub async fn owner(db: &mut impl Db, field: &str, value: &str) -> Result<Option<String>> {
    sql::scalar(db, OWNER, (field, value)).await
}
