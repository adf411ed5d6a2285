//! Users: an id, a profile, and a number that rises with every change of their credentials.

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::clock::DAY;
use crate::base::{Millis, UserId};

/// One user.
#[derive(Clone, Debug, FromRow)]
pub struct User {
    /// A random UUID; never reused (R100).
    pub id: UserId,
    /// The profile, a JSON object.
    pub profile: String,
    /// Raised whenever a secret or device changes; an attempt begun before that is dead (R7).
    pub credentials: i64,
    /// When the account was made.
    pub created_at: Millis,
    /// When profile or credentials last changed.
    pub updated_at: Millis,
    /// When it last signed in.
    pub signed_in_at: Option<Millis>,
    /// Since when the account may not be used.
    pub disabled_at: Option<Millis>,
    /// The groups that it is in, a JSON list of their names.
    pub group_names: String,
    /// Since when it is deleted and waits for its purge; it is disabled then as well.
    pub deleted_at: Option<Millis>,
}

impl User {
    /// Whether the account was made and waits for the operator to let it in: it was never in use.
    pub fn waits(&self) -> bool {
        self.disabled_at == Some(self.created_at) && self.deleted_at.is_none()
    }
}

/// A user that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// Its id.
    pub id: &'a UserId,
    /// The profile, a JSON object.
    pub profile: &'a str,
    /// The groups that it begins in, a JSON list of their names.
    pub group_names: &'a str,
    /// Whether it may be used at once.
    pub active: bool,
}

impl<'a> New<'a> {
    /// One that may be used at once, in no group.
    pub const fn active(id: &'a UserId, profile: &'a str) -> Self {
        Self { id, profile, group_names: "[]", active: true }
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, profile, credentials, created_at, updated_at, signed_in_at, disabled_at, group_names, ",
            "deleted_at FROM users ",
            $tail
        )
    };
}

const INSERT: &str =
    "INSERT INTO users (id, profile, credentials, created_at, updated_at, group_names, disabled_at)
    VALUES ($1, $2, 1, $3, $3, $4, $5)";
const BY_ID: &str = select!("WHERE id = $1");
const FROM: &str = select!(
    "WHERE id = COALESCE((SELECT id FROM users WHERE id >= $1 ORDER BY id LIMIT 1),
        (SELECT id FROM users ORDER BY id DESC LIMIT 1))"
);
const PAGE: &str = select!("WHERE id > $1 ORDER BY id LIMIT $2");
const CONTAINING: &str = select!("WHERE id > $1 AND LOWER(profile) LIKE $2 ESCAPE '!' ORDER BY id LIMIT $3");
const DELETED: &str = select!("WHERE deleted_at <= $1 ORDER BY deleted_at LIMIT $2");
/// Accounts that nothing confirmed names, or can name again; but for those that were signed in to, and those that the
/// operator has taken something from, who is not done with them. Each is looked at for a week, not for ever. SQLite finds
/// their events by the index beside an expression alone, not beside a column.
const ORPHANS: &str = select!(
    "WHERE created_at < $1 AND created_at > $2 AND deleted_at IS NULL AND signed_in_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM devices WHERE devices.user_id = users.id AND devices.canonical IS NOT NULL
        AND devices.confirmed_at IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM events WHERE COALESCE(events.user_id, events.subject, events.id) = COALESCE(users.id, '')
        AND events.name = 'device.removed' AND events.data LIKE '%operator%') ORDER BY created_at LIMIT $3"
);
const SET_PROFILE: &str = "UPDATE users SET profile = $2, updated_at = $3 WHERE id = $1";
const HOLD: &str = "UPDATE users SET updated_at = $2 WHERE id = $1";
const TOUCH: &str = "UPDATE users SET credentials = credentials + 1, updated_at = $2 WHERE id = $1";
/// One that still waits to be let in may be changed by whoever made it.
const TOUCH_FROM: &str = "UPDATE users SET credentials = credentials + 1, updated_at = $3
    WHERE id = $1 AND credentials = $2
    AND (disabled_at IS NULL OR (disabled_at = created_at AND deleted_at IS NULL))";
const STILL: &str =
    "UPDATE users SET updated_at = $3 WHERE id = $1 AND credentials = $2 AND disabled_at IS NULL";
const DISABLE: &str = "UPDATE users SET disabled_at = $2, credentials = credentials + 1, updated_at = $3
    WHERE id = $1 AND deleted_at IS NULL";
const SET_GROUPS: &str =
    "UPDATE users SET group_names = $2, updated_at = $3 WHERE id = $1 AND deleted_at IS NULL";
const SET_DELETED: &str = "UPDATE users SET deleted_at = $2, disabled_at = COALESCE(disabled_at, $2),
    credentials = credentials + 1, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL";
/// One that was disabled before it was deleted stays so.
const RESTORE: &str =
    "UPDATE users SET disabled_at = CASE WHEN disabled_at = deleted_at THEN NULL ELSE disabled_at END,
    deleted_at = NULL, credentials = credentials + 1, updated_at = $2 WHERE id = $1 AND deleted_at IS NOT NULL";
const SIGN_IN: &str =
    "UPDATE users SET signed_in_at = $3 WHERE id = $1 AND credentials = $2 AND disabled_at IS NULL";
const DELETE: &str = "DELETE FROM users WHERE id = $1";

/// Makes a user.
pub async fn insert(db: &mut impl Db, new: &New<'_>, now: Millis) -> Result<()> {
    let disabled = (!new.active).then_some(now);
    sql::run(db, INSERT, (new.id, new.profile, now, new.group_names, disabled)).await.map(drop)
}

/// The user of that id.
pub async fn by_id(db: &mut impl Db, id: &UserId) -> Result<Option<User>> {
    sql::first(db, BY_ID, (id,)).await
}

/// The first user whose id is that or after it; the last of all where there is none.
pub async fn first_from(db: &mut impl Db, id: &UserId) -> Result<Option<User>> {
    sql::first(db, FROM, (id,)).await
}

/// Users in the order of their ids, after `after` (empty: from the beginning).
pub async fn page(db: &mut impl Db, after: &str, limit: i64) -> Result<Vec<User>> {
    sql::all(db, PAGE, (after, limit)).await
}

/// Users with `text` perhaps somewhere in the profile as it is stored, in the order of their ids. Names of fields count
/// too, and every sign beyond ASCII is taken for any other: the databases do not agree on its capitals.
pub async fn containing(db: &mut impl Db, after: &str, text: &str, limit: i64) -> Result<Vec<User>> {
    let lower = text.chars().flat_map(char::to_lowercase).map(|c| c.to_string());
    let signs = lower.map(|c| if c.is_ascii() { sql::literal(&c) } else { "_".to_owned() });
    let pattern = format!("%{}%", signs.collect::<String>());
    sql::all(db, CONTAINING, (after, pattern, limit)).await
}

/// Keeps the row of a user to this transaction until it ends: what is read of it then is what will be written over.
pub async fn hold(db: &mut impl Db, id: &UserId, now: Millis) -> Result<Changed> {
    sql::change(db, HOLD, (id, now)).await
}

/// Replaces the profile.
pub async fn set_profile(db: &mut impl Db, id: &UserId, profile: &str, now: Millis) -> Result<u64> {
    sql::run(db, SET_PROFILE, (id, profile, now)).await
}

/// Says that a credential changed: attempts under way die.
pub async fn touch(db: &mut impl Db, id: &UserId, now: Millis) -> Result<Changed> {
    sql::change(db, TOUCH, (id, now)).await
}

/// The same, unless a credential changed or the account was disabled since `credentials` was read: of two
/// changes that were thought out at the same state only one is made (R7).
pub async fn touch_from(db: &mut impl Db, id: &UserId, credentials: i64, now: Millis) -> Result<Changed> {
    sql::change(db, TOUCH_FROM, (id, credentials, now)).await
}

/// [`Changed::Yes`] where no credential changed and the account was not disabled since `credentials` was read; none can
/// until the transaction ends.
pub async fn still(db: &mut impl Db, id: &UserId, credentials: i64, now: Millis) -> Result<Changed> {
    sql::change(db, STILL, (id, credentials, now)).await
}

/// Notes a sign-in, unless a credential changed or the account was disabled since `credentials` was read.
/// It locks the row, so that a change of the password cannot miss the session that follows (R7, R83).
pub async fn sign_in(db: &mut impl Db, id: &UserId, credentials: i64, now: Millis) -> Result<Changed> {
    sql::change(db, SIGN_IN, (id, credentials, now)).await
}

/// Disables (`since` is a moment) or enables (`None`) an account.
pub async fn set_disabled(
    db: &mut impl Db,
    id: &UserId,
    since: Option<Millis>,
    now: Millis,
) -> Result<Changed> {
    sql::change(db, DISABLE, (id, since, now)).await
}

/// Puts a user into these groups, a JSON list of names, and no others.
pub async fn set_groups(db: &mut impl Db, id: &UserId, groups: &str, now: Millis) -> Result<Changed> {
    sql::change(db, SET_GROUPS, (id, groups, now)).await
}

/// Marks a user as deleted, and disables them; no where they are deleted already.
pub async fn set_deleted(db: &mut impl Db, id: &UserId, now: Millis) -> Result<Changed> {
    sql::change(db, SET_DELETED, (id, now)).await
}

/// Brings a deleted user back; no where they are not deleted.
pub async fn restore(db: &mut impl Db, id: &UserId, now: Millis) -> Result<Changed> {
    sql::change(db, RESTORE, (id, now)).await
}

/// Users that were deleted at `before` or earlier.
pub async fn deleted_before(db: &mut impl Db, before: Millis, limit: i64) -> Result<Vec<User>> {
    sql::all(db, DELETED, (before, limit)).await
}

/// Users made before `before`, and not more than a week earlier, that nothing confirmed names.
pub async fn orphans(db: &mut impl Db, before: Millis, limit: i64) -> Result<Vec<User>> {
    sql::all(db, ORPHANS, (before, before - 7 * DAY, limit)).await
}

/// Deletes a user with everything that is theirs.
pub async fn delete(db: &mut impl Db, id: &UserId) -> Result<Changed> {
    sql::change(db, DELETE, (id,)).await
}
