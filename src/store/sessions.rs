//! Sessions: what a finished sign-in leaves. Ended sessions are deleted.

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::{KnownDeviceId, Millis, SessionId, UserId};

/// One session.
#[derive(Clone, Debug, FromRow)]
pub struct Session {
    /// A random UUID; `sid` in the tokens.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The SHA-256 of the live refresh token (R78).
    pub refresh_hash: String,
    /// How often the refresh token was rotated.
    pub generation: i64,
    /// When it was last rotated.
    pub rotated_at: Millis,
    /// The name of the flow that made it.
    pub flow: String,
    /// The level it was authenticated at (R11).
    pub acr: String,
    /// The factors that were passed (RFC 8176), space separated.
    pub amr: String,
    /// When the user last proved who they are.
    pub auth_time: Millis,
    /// The network it was made from.
    pub ip: String,
    /// The user agent it was made by.
    pub agent: String,
    /// When it was made.
    pub created_at: Millis,
    /// When it ends, used or not (R82).
    pub expires_at: Millis,
}

/// A session whose refresh token was rotated, with what its next access token says of the user.
#[derive(Clone, Debug, FromRow)]
pub struct Rotated {
    /// The session.
    #[sqlx(flatten)]
    pub session: Session,
    /// The user's groups, a JSON list of names.
    pub group_names: String,
    /// The user's profile, a JSON object.
    pub profile: String,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, user_id, refresh_hash, generation, rotated_at, flow, acr, amr, auth_time, ip, agent, ",
            "created_at, expires_at FROM sessions ",
            $tail
        )
    };
}

const INSERT: &str =
    "INSERT INTO sessions (id, user_id, refresh_hash, generation, rotated_at, flow, acr, amr,
    auth_time, ip, agent, created_at, expires_at, proofs, known_device)
    VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $4, $8, $9, $4, $10, $11, $12)";
const PROOFS: &str = "SELECT proofs FROM sessions WHERE id = $1 AND user_id = $2";
const FORGET_PROOFS: &str =
    "UPDATE sessions SET proofs = '[]' WHERE user_id = $1 AND id <> $2 AND proofs <> '[]'";
const SET_PROOFS: &str = "UPDATE sessions SET proofs = $2 WHERE id = $1 AND user_id = $3";
const LIVE: &str = select!("WHERE id = $1 AND expires_at > $2");
const OF_USER: &str = select!("WHERE user_id = $1 AND expires_at > $2 ORDER BY created_at, id");
const BY_ID: &str = select!("WHERE id = $1");
const BRING_BACK: &str = "UPDATE sessions SET rotated_at = $2 WHERE id = $1 AND rotated_at > $2";
const OVER: &str = "DELETE FROM sessions WHERE id = $1 AND (expires_at <= $2 OR rotated_at <= $3)";
/// One that was opened by a clock that was ahead was opened now, and lives no longer for it.
const ROTATE: &str = "UPDATE sessions SET refresh_hash = $3, generation = generation + 1, rotated_at = $5,
    expires_at = CASE WHEN created_at > $5 THEN expires_at - (created_at - $5) ELSE expires_at END,
    auth_time = CASE WHEN auth_time > $5 THEN $5 ELSE auth_time END,
    created_at = CASE WHEN created_at > $5 THEN $5 ELSE created_at END
    WHERE id = $1 AND refresh_hash = $2 AND generation = $4 AND expires_at > $5 AND rotated_at > $6
    RETURNING id, user_id, refresh_hash, generation, rotated_at, flow, acr, amr, auth_time, ip, agent,
    created_at, expires_at, (SELECT group_names FROM users WHERE users.id = sessions.user_id) AS group_names,
    (SELECT profile FROM users WHERE users.id = sessions.user_id) AS profile";
/// By the id alone, so that it waits for whoever holds the row, and sees what they made of it.
const NOTE_ROTATED: &str =
    "UPDATE sessions SET rotated_at = CASE WHEN refresh_hash = $2 THEN $3 ELSE rotated_at END WHERE id = $1";
const RAISE: &str = "UPDATE sessions SET acr = $2, amr = $3, auth_time = $4 WHERE id = $1 AND user_id = $5";
const END: &str = "DELETE FROM sessions WHERE id = $1 AND user_id = $2 RETURNING known_device";
const END_ALL: &str = "DELETE FROM sessions WHERE user_id = $1";
const END_OTHERS: &str = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2";

/// Notes that a session was rotated to the token of that hash `now`, where it was.
pub async fn note_rotated(db: &mut impl Db, id: &SessionId, to: &str, now: Millis) -> Result<u64> {
    sql::run(db, NOTE_ROTATED, (id, to, now)).await
}

/// Starts a session; `proofs` is what was shown to open it, as JSON, and `known` the id of the known device that it is
/// opened at.
pub async fn insert(db: &mut impl Db, s: &Session, proofs: &str, known: &KnownDeviceId) -> Result<()> {
    let row = (
        s.id.as_str(),
        s.user_id.as_str(),
        s.refresh_hash.as_str(),
        s.created_at,
        s.flow.as_str(),
        s.acr.as_str(),
        s.amr.as_str(),
        s.ip.as_str(),
        s.agent.as_str(),
        s.expires_at,
        proofs,
        known,
    );
    sql::run(db, INSERT, row).await.map(drop)
}

/// The live session of that id.
pub async fn live(db: &mut impl Db, id: &SessionId, now: Millis) -> Result<Option<Session>> {
    sql::first(db, LIVE, (id, now)).await
}

/// The session of that id, over or not.
pub async fn by_id(db: &mut impl Db, id: &SessionId) -> Result<Option<Session>> {
    sql::first(db, BY_ID, (id,)).await
}

/// Writes a session that was rotated ahead of `now` as rotated now: the token before is good for a moment more, and not
/// until then.
pub async fn bring_back(db: &mut impl Db, id: &SessionId, now: Millis) -> Result<u64> {
    sql::run(db, BRING_BACK, (id, now)).await
}

/// Deletes a session that is over at `now`, or rests since `idle_since`: whoever was refused it is refused it when the
/// clock goes back.
pub async fn over(db: &mut impl Db, id: &SessionId, now: Millis, idle_since: Millis) -> Result<u64> {
    sql::run(db, OVER, (id, now, idle_since)).await
}

/// The live sessions of a user, oldest first.
pub async fn of_user(db: &mut impl Db, user_id: &UserId, now: Millis) -> Result<Vec<Session>> {
    sql::all(db, OF_USER, (user_id, now)).await
}

/// A refresh token's turn from one generation to the next.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The session.
    pub id: &'a SessionId,
    /// The SHA-256 of the token that was shown.
    pub from: &'a str,
    /// The SHA-256 of its successor.
    pub to: &'a str,
    /// The generation of the token that was shown.
    pub generation: i64,
    /// Tokens that rest since before this moment are over.
    pub idle_since: Millis,
}

/// Rotates the refresh token, if that one is the live one (R79).
pub async fn rotate(db: &mut impl Db, t: &Turn<'_>, now: Millis) -> Result<Option<Rotated>> {
    sql::first(db, ROTATE, (t.id, t.from, t.to, t.generation, now, t.idle_since)).await
}

/// What was shown in a session of a user, as JSON. No other statement reads it: most calls do not ask.
pub async fn proofs(db: &mut impl Db, id: &SessionId, user_id: &UserId) -> Result<Option<String>> {
    sql::scalar(db, PROOFS, (id, user_id)).await
}

/// Forgets what was shown in the sessions of a user but one.
pub async fn forget_proofs(db: &mut impl Db, user_id: &UserId, but: &SessionId) -> Result<u64> {
    sql::run(db, FORGET_PROOFS, (user_id, but)).await
}

/// Replaces what was shown in a session of a user.
pub async fn set_proofs(db: &mut impl Db, id: &SessionId, proofs: &str, user_id: &UserId) -> Result<Changed> {
    sql::change(db, SET_PROOFS, (id, proofs, user_id)).await
}

/// Raises a session after a re-authentication.
pub async fn raise(
    db: &mut impl Db,
    id: &SessionId,
    user_id: &UserId,
    acr: &str,
    amr: &str,
    now: Millis,
) -> Result<u64> {
    sql::run(db, RAISE, (id, acr, amr, now, user_id)).await
}

/// A session that was ended.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Ended {
    /// The id of the known device that it was opened at, where it is told.
    pub known_device: Option<KnownDeviceId>,
}

/// Ends one session of a user; gives it where they had it.
pub async fn end(db: &mut impl Db, id: &SessionId, user_id: &UserId) -> Result<Option<Ended>> {
    sql::first(db, END, (id, user_id)).await
}

/// Ends all sessions of a user.
pub async fn end_all(db: &mut impl Db, user_id: &UserId) -> Result<u64> {
    sql::run(db, END_ALL, (user_id,)).await
}

/// Ends all sessions of a user but one.
pub async fn end_others(db: &mut impl Db, user_id: &UserId, keep: &SessionId) -> Result<u64> {
    sql::run(db, END_OTHERS, (user_id, keep)).await
}
