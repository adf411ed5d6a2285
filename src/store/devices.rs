//! Devices: what names a user, reaches them, or is held by them.

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::{DeviceId, Millis, SessionId, UserId};

/// One device.
#[derive(Clone, Debug, FromRow)]
pub struct Device {
    /// A random UUID.
    pub id: DeviceId,
    /// Whose it is.
    pub user_id: UserId,
    /// Its kind, a name of the device registry.
    pub kind: String,
    /// The unique form of its address; none for an authenticator or a card.
    pub canonical: Option<String>,
    /// The form that messages go to.
    pub delivery: Option<String>,
    /// What its owner calls it.
    pub label: String,
    /// The first of its kind to be used.
    pub is_primary: bool,
    /// The authenticator's sealed seed, or the hash of the card's hardcode.
    pub secret: Option<String>,
    /// The last time step that an authenticator's code was accepted for (R69).
    pub last_step: Option<i64>,
    /// When it was added.
    pub created_at: Millis,
    /// Since when it counts as confirmed.
    pub confirmed_at: Option<Millis>,
    /// Since when its owner has shown control of it; none where it was only taken as confirmed.
    pub proven_at: Option<Millis>,
    /// When it last took part in a sign-in.
    pub last_used_at: Option<Millis>,
    /// The device that it takes the place of once it is confirmed (R125).
    pub replaces: Option<DeviceId>,
    /// How it came to be its owner's own, [`PROVEN`] or [`VOUCHED`]; none where it was only taken as confirmed, or
    /// confirmed from outside of the account.
    pub own: Option<String>,
    /// The session in which it was added.
    pub added_in: Option<SessionId>,
    /// Since when it was removed, or another one has its place: it names and reaches nobody, and is kept for as long as
    /// the change can be taken back.
    pub hidden_at: Option<Millis>,
    /// Since when messages to it come back; none while they arrive.
    pub failing_since: Option<Millis>,
}

impl Device {
    /// Whether the operator says that it is its owner's.
    pub fn is_vouched(&self) -> bool {
        self.own.as_deref() == Some(VOUCHED)
    }
}

/// How a device came to be its owner's own: shown from inside of the account.
pub const PROVEN: &str = "proven";
/// How a device came to be its owner's own: the operator says so.
pub const VOUCHED: &str = "vouched";

/// A device that was dropped.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Gone {
    /// Its id.
    pub id: DeviceId,
    /// Whose it was.
    pub user_id: UserId,
    /// Its kind.
    pub kind: String,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, user_id, kind, canonical, delivery, label, is_primary, secret, last_step, ",
            "created_at, confirmed_at, proven_at, last_used_at, replaces, own, added_in, hidden_at, ",
            "failing_since FROM devices ",
            $tail
        )
    };
}

const INSERT: &str = "INSERT INTO devices (id, user_id, kind, canonical, delivery, label, is_primary, secret,
    last_step, created_at, confirmed_at, proven_at, replaces, own, added_in)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
const OWNER: &str =
    select!("WHERE kind = $1 AND canonical = $2 AND confirmed_at IS NOT NULL AND hidden_at IS NULL");
/// One row is looked for by its id and read, whether it is that one, or the next after an id that says nothing, or
/// behind all of them the last.
const WHOSE: &str = "SELECT user_id, CASE WHEN kind = $1 AND canonical = $2 AND confirmed_at IS NOT NULL
        AND hidden_at IS NULL THEN 1 ELSE 0 END AS named
    FROM devices WHERE id = COALESCE(
        (SELECT id FROM devices
            WHERE kind = $1 AND canonical = $2 AND confirmed_at IS NOT NULL AND hidden_at IS NULL),
        (SELECT id FROM devices WHERE id >= $3 ORDER BY id LIMIT 1),
        (SELECT id FROM devices ORDER BY id DESC LIMIT 1))";
const IS_KEPT: &str = "SELECT id FROM devices WHERE kind = $1 AND canonical = $2 AND user_id <> $3 AND hidden_at IS NOT NULL LIMIT 1";
const NAMED: &str = "SELECT DISTINCT user_id FROM devices WHERE kind = $1 AND canonical = $2
    AND hidden_at IS NULL ORDER BY user_id LIMIT $3";
const CONTAINING: &str = "SELECT DISTINCT user_id FROM devices WHERE LOWER(canonical) LIKE $1 ESCAPE '!'
    AND hidden_at IS NULL ORDER BY user_id LIMIT $2";
const BY_ID: &str = select!("WHERE id = $1");
const OF_USER: &str = select!("WHERE user_id = $1 ORDER BY created_at, id");
const CONFIRM: &str =
    "UPDATE devices SET confirmed_at = COALESCE(confirmed_at, $2), proven_at = COALESCE(proven_at, $2),
    own = COALESCE(own, $3), failing_since = NULL WHERE id = $1 AND hidden_at IS NULL";
const DROP_CLAIMS: &str =
    "DELETE FROM devices WHERE kind = $1 AND canonical = $2 AND confirmed_at IS NULL AND id <> $3
    RETURNING id, user_id, kind";
const DROP_UNCONFIRMED: &str =
    "DELETE FROM devices WHERE user_id = $1 AND confirmed_at IS NULL RETURNING id, user_id, kind";
const DROP_WAITING: &str = "DELETE FROM devices WHERE user_id = $1 AND confirmed_at IS NULL AND id <> $2
    AND (added_in IS NULL OR added_in <> $3 OR ($5 AND canonical IS NULL)) AND created_at > $4
    RETURNING id, user_id, kind";
const SET_LABEL: &str = "UPDATE devices SET label = $2 WHERE id = $1";
const CLEAR_PRIMARY: &str = "UPDATE devices SET is_primary = FALSE WHERE user_id = $1 AND kind = $2";
const SET_PRIMARY: &str = "UPDATE devices SET is_primary = TRUE WHERE id = $1";
/// Of an authenticator the time stays when its last code was taken: beside the step it tells whether that was ahead.
const USED: &str = "UPDATE devices SET failing_since = NULL,
    last_used_at = CASE WHEN last_step IS NULL THEN $2 ELSE last_used_at END WHERE id = $1";
/// A day in steps of an authenticator, as its kind has it: a last step that lies further ahead was taken by a clock that
/// was ahead.
const AHEAD: i64 = 2_880;
const TAKE_STEP: &str = "UPDATE devices SET last_step = $2, last_used_at = $3
    WHERE id = $1 AND (last_step IS NULL OR last_step < $2 OR last_step > $4)";
const NOTE_AHEAD: &str = "UPDATE devices SET last_step = $2
    WHERE id = $1 AND (last_step IS NULL OR last_step < $2 OR last_step > $3)";
const NOTE_BEHIND: &str = "UPDATE devices SET last_used_at = $2 WHERE id = $1";
const RENEW_SECRET: &str = "UPDATE devices SET secret = $3 WHERE id = $1 AND secret = $2";
const SET_ADDRESS: &str = "UPDATE devices SET canonical = $2, delivery = $3, created_at = $4, added_in = $5
    WHERE id = $1 AND confirmed_at IS NULL";
const HIDE: &str = "UPDATE devices SET hidden_at = $3, is_primary = FALSE WHERE id = $1 AND user_id = $2 AND hidden_at IS NULL";
const RESTORE: &str = "UPDATE devices SET hidden_at = NULL, label = $3, is_primary = $4
    WHERE id = $1 AND user_id = $2 AND NOT EXISTS (SELECT 1 FROM devices AS other WHERE other.kind = devices.kind
        AND other.canonical = devices.canonical AND other.id <> devices.id AND other.confirmed_at IS NOT NULL
        AND other.hidden_at IS NULL)";
const SET_FAILING: &str = "UPDATE devices SET failing_since = $2 WHERE id = $1 AND failing_since IS NULL";
const CLEAR_FAILING: &str =
    "UPDATE devices SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL";
const DELETE: &str = "DELETE FROM devices WHERE id = $1 AND user_id = $2";
const DELETE_PENDING: &str = "DELETE FROM devices WHERE id = $1 AND user_id = $2 AND confirmed_at IS NULL";

/// Adds a device. [`super::StoreError::Taken`] where it is confirmed and somebody owns its address.
pub async fn insert(db: &mut impl Db, d: &Device) -> Result<()> {
    let (address, held) =
        ((d.canonical.as_deref(), d.delivery.as_deref()), (d.secret.as_deref(), d.last_step));
    let row = (
        d.id.as_str(),
        d.user_id.as_str(),
        d.kind.as_str(),
        address.0,
        address.1,
        d.label.as_str(),
        d.is_primary,
        held.0,
        held.1,
        d.created_at,
        d.confirmed_at,
        d.proven_at,
        d.replaces.as_deref(),
        d.own.as_deref(),
        d.added_in.as_deref(),
    );
    sql::run(db, INSERT, row).await.map(drop)
}

/// The confirmed device with that address.
pub async fn owner(db: &mut impl Db, kind: &str, canonical: &str) -> Result<Option<Device>> {
    sql::first(db, OWNER, (kind, canonical)).await
}

/// Whose reading an identifier leads to.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Whose {
    /// The user's id.
    pub user_id: UserId,
    /// 1 where the identifier names that user; 0 where nobody has it, and somebody else is to be read in their place.
    pub named: i32,
}

/// Whose the confirmed device with that address is. Where it is nobody's, the user of the device whose id is `other` or
/// the next after it: reading them, and forgetting what was read, costs what reading an owner costs (R16). None where
/// there is none.
pub async fn whose(db: &mut impl Db, kind: &str, canonical: &str, other: &str) -> Result<Option<Whose>> {
    sql::first(db, WHOSE, (kind, canonical, other)).await
}

/// Whether that address is kept, hidden, in an account other than `user_id` that can have it back.
pub async fn is_kept(db: &mut impl Db, kind: &str, canonical: &str, user_id: &UserId) -> Result<bool> {
    let found: Option<(String,)> = sql::first(db, IS_KEPT, (kind, canonical, user_id)).await?;
    Ok(found.is_some())
}

/// The ids of the users who have that address, or claim it.
pub async fn named(db: &mut impl Db, kind: &str, canonical: &str, limit: i64) -> Result<Vec<UserId>> {
    Ok(ids(sql::all(db, NAMED, (kind, canonical, limit)).await?))
}

/// The ids of the users with `text` somewhere in an address, whatever its capitals.
pub async fn containing(db: &mut impl Db, text: &str, limit: i64) -> Result<Vec<UserId>> {
    let pattern = format!("%{}%", sql::literal(&text.to_lowercase()));
    Ok(ids(sql::all(db, CONTAINING, (pattern, limit)).await?))
}

fn ids(rows: Vec<(UserId,)>) -> Vec<UserId> {
    rows.into_iter().map(|(id,)| id).collect()
}

/// The device of that id.
pub async fn by_id(db: &mut impl Db, id: &DeviceId) -> Result<Option<Device>> {
    sql::first(db, BY_ID, (id,)).await
}

/// All devices of a user, hidden ones too, oldest first.
pub async fn of_user(db: &mut impl Db, user_id: &UserId) -> Result<Vec<Device>> {
    sql::all(db, OF_USER, (user_id,)).await
}

/// Marks a device as confirmed and shown, and as its owner's own where `own` says how.
pub async fn confirm(db: &mut impl Db, id: &DeviceId, now: Millis, own: Option<&str>) -> Result<Changed> {
    sql::change(db, CONFIRM, (id, now, own)).await
}

/// Corrects the address of a claim that nobody confirmed yet, in a session.
pub async fn set_address(
    db: &mut impl Db,
    id: &DeviceId,
    canonical: &str,
    delivery: &str,
    now: Millis,
    session: &SessionId,
) -> Result<Changed> {
    sql::change(db, SET_ADDRESS, (id, canonical, delivery, now, session)).await
}

/// Drops every other unconfirmed claim to an address that has found its owner (R120).
pub async fn drop_claims(
    db: &mut impl Db,
    kind: &str,
    canonical: &str,
    keep: &DeviceId,
) -> Result<Vec<Gone>> {
    sql::all(db, DROP_CLAIMS, (kind, canonical, keep)).await
}

/// Drops what a user never confirmed: pending additions and changes (R123).
pub async fn drop_unconfirmed(db: &mut impl Db, user_id: &UserId) -> Result<Vec<Gone>> {
    sql::all(db, DROP_UNCONFIRMED, (user_id,)).await
}

/// Drops what a user added after `since` and never confirmed, but for one device and what was added in one session; of
/// that too where it has no address and `held` says so.
pub async fn drop_waiting(
    db: &mut impl Db,
    user_id: &UserId,
    (device, session): (&DeviceId, &SessionId),
    since: Millis,
    held: bool,
) -> Result<Vec<Gone>> {
    sql::all(db, DROP_WAITING, (user_id, device, session, since, held)).await
}

/// Renames a device.
pub async fn set_label(db: &mut impl Db, id: &DeviceId, label: &str) -> Result<u64> {
    sql::run(db, SET_LABEL, (id, label)).await
}

/// Makes a device the first of its kind to be used.
pub async fn set_primary(db: &mut impl Db, user_id: &UserId, kind: &str, id: &DeviceId) -> Result<u64> {
    sql::run(db, CLEAR_PRIMARY, (user_id, kind)).await?;
    sql::run(db, SET_PRIMARY, (id,)).await
}

/// Notes that a device took part in a sign-in.
pub async fn used(db: &mut impl Db, id: &DeviceId, now: Millis) -> Result<u64> {
    sql::run(db, USED, (id, now)).await
}

/// Takes an authenticator's time step; no where that step, or a later one, was taken before (R69).
pub async fn take_step(db: &mut impl Db, id: &DeviceId, step: i64, now: Millis) -> Result<Changed> {
    sql::change(db, TAKE_STEP, (id, step, now, step + AHEAD)).await
}

/// Notes that an authenticator showed the code of the step after `step`, which is the one of now and is taken by
/// that: a last step later than the time of the last right code says that its clock is ahead.
pub async fn note_ahead(db: &mut impl Db, id: &DeviceId, step: i64) -> Result<u64> {
    sql::run(db, NOTE_AHEAD, (id, step, step + AHEAD)).await
}

/// Notes that an authenticator whose clock was ahead is not any more.
pub async fn note_behind(db: &mut impl Db, id: &DeviceId, now: Millis) -> Result<u64> {
    sql::run(db, NOTE_BEHIND, (id, now)).await
}

/// Replaces what a device holds by the same in a newer form, unless it changed meanwhile.
pub async fn renew_secret(db: &mut impl Db, id: &DeviceId, old: &str, new: &str) -> Result<u64> {
    sql::run(db, RENEW_SECRET, (id, old, new)).await
}

/// Takes a device of a user out of use: it answers nothing, and its address is anybody's to prove, until it is restored
/// or swept.
pub async fn hide(db: &mut impl Db, id: &DeviceId, user_id: &UserId, now: Millis) -> Result<Changed> {
    sql::change(db, HIDE, (id, user_id, now)).await
}

/// Lets a device of a user stand again as it was: in use, with that label, and first of its kind or not. [`Changed::No`] where it is
/// gone, or its address has another owner by now.
pub async fn restore(
    db: &mut impl Db,
    id: &DeviceId,
    user_id: &UserId,
    label: &str,
    is_primary: bool,
) -> Result<Changed> {
    sql::change(db, RESTORE, (id, user_id, label, is_primary)).await
}

/// Notes that messages to a device come back.
pub async fn set_failing(db: &mut impl Db, id: &DeviceId, now: Millis) -> Result<u64> {
    sql::run(db, SET_FAILING, (id, now)).await
}

/// Notes that a message to a device arrived.
pub async fn clear_failing(db: &mut impl Db, id: &DeviceId) -> Result<u64> {
    sql::run(db, CLEAR_FAILING, (id,)).await
}

/// Removes a device of a user that nobody has proven. [`Changed::No`] where it is confirmed by now.
pub async fn delete_pending(db: &mut impl Db, id: &DeviceId, user_id: &UserId) -> Result<Changed> {
    sql::change(db, DELETE_PENDING, (id, user_id)).await
}

/// Removes a device of a user.
pub async fn delete(db: &mut impl Db, id: &DeviceId, user_id: &UserId) -> Result<Changed> {
    sql::change(db, DELETE, (id, user_id)).await
}
