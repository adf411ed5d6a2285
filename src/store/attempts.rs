//! Attempts: a sign-in, sign-up, recovery or re-authentication under way. They are found by whom they are about, those
//! about nobody by what was typed: the one index takes as long to write for either (R16).

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::{AttemptId, KnownDeviceId, Millis, Purpose, Scope, SessionId, UserId};

/// What an attempt has passed that has passed nothing.
pub const NOTHING: &str = "[]";

/// One attempt. It is deleted when it is done, which is how only one answer can finish it.
#[derive(Clone, Debug, FromRow)]
pub struct Attempt {
    /// The SHA-256 of the handle that the client carries.
    pub id: AttemptId,
    /// What it is for: signing in, signing up, recovery or re-authentication.
    #[sqlx(try_from = "String")]
    pub purpose: Purpose,
    /// The identifier's kind; empty for sign-up and re-authentication.
    pub kind: String,
    /// The identifier in its canonical form.
    pub canonical: String,
    /// Whom it is about, who may be gone by now; none where nobody has that identifier.
    pub user_id: Option<UserId>,
    /// By what one about nobody is found, a keyed hash of the identifier; written, and not read.
    #[sqlx(default)]
    pub subject: Option<String>,
    /// The user's credentials number when it began (R7).
    pub credentials: Option<i64>,
    /// The session that is re-authenticated.
    pub session_id: Option<SessionId>,
    /// The known device that it comes from.
    pub known_device: Option<KnownDeviceId>,
    /// What was shown at that device before; read with it, and not written.
    #[sqlx(default)]
    pub known_shown: Option<String>,
    /// What has been proven so far, as JSON.
    pub passed: String,
    /// What sign-up was given, sealed.
    pub draft: Option<String>,
    /// What hooks took away from it, as JSON; none where nobody was asked.
    pub ways: Option<String>,
    /// By which factor its guesses are counted apart, and under which name, as JSON; none: by none.
    pub apart: Option<String>,
    /// When it began.
    pub created_at: Millis,
    /// When it ends, idle or not (R8).
    pub expires_at: Millis,
}

impl Attempt {
    /// One that is about nobody and has passed nothing, from when to when it lives.
    pub fn new(id: AttemptId, purpose: Purpose, (created_at, expires_at): (Millis, Millis)) -> Self {
        Self {
            id,
            purpose,
            kind: String::new(),
            canonical: String::new(),
            user_id: None,
            subject: None,
            credentials: None,
            session_id: None,
            known_device: None,
            known_shown: None,
            passed: NOTHING.to_owned(),
            draft: None,
            ways: None,
            apart: None,
            created_at,
            expires_at,
        }
    }

    /// What its codes belong to.
    pub fn scope(&self) -> Scope {
        Scope::Attempt(self.id.clone())
    }
}

/// Whose sign-ins passed a secret and ended by their time.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Unfinished {
    /// The user.
    pub user_id: UserId,
    /// When the last of them began.
    pub began: Millis,
}

const INSERT: &str = "INSERT INTO attempts (id, purpose, kind, canonical, user_id, credentials, session_id,
    known_device, passed, draft, ways, apart, created_at, expires_at, subject)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
/// A device that was forgotten meanwhile is known no more.
const BY_ID: &str =
    "SELECT a.id, a.purpose, a.kind, a.canonical, a.user_id, a.credentials, a.session_id, k.id AS known_device,
    k.shown AS known_shown, a.passed, a.draft, a.ways, a.apart, a.created_at, a.expires_at
    FROM attempts a LEFT JOIN known_devices k ON k.id = a.known_device WHERE a.id = $1";
const PASS: &str = "UPDATE attempts SET passed = $3 WHERE id = $1 AND passed = $2";
const SET_DRAFT: &str = "UPDATE attempts SET draft = $2 WHERE id = $1";
const SET_WAYS: &str = "UPDATE attempts SET ways = $2 WHERE id = $1";
const SET_APART: &str = "UPDATE attempts SET apart = $2 WHERE id = $1";
const FINISH: &str = "DELETE FROM attempts WHERE id = $1 AND passed = $2";
const FINISH_ALL: &str =
    "DELETE FROM attempts WHERE COALESCE(user_id, subject, id) = $1 RETURNING id, passed";
const DELETE: &str = "DELETE FROM attempts WHERE id = $1";
const CALL_OFF: &str = "UPDATE attempts SET credentials = NULL WHERE id = $1";
const OF_USER: &str = "DELETE FROM attempts WHERE COALESCE(user_id, subject, id) = $1";
const UNFINISHED: &str = "SELECT user_id, MAX(created_at) AS began FROM attempts
    WHERE expires_at < $1 AND purpose = 'signin' AND passed <> '[]' AND user_id IS NOT NULL
    GROUP BY user_id LIMIT $2";
const TAKE_UNFINISHED: &str = "DELETE FROM attempts
    WHERE COALESCE(user_id, subject, id) = $1 AND expires_at < $2 AND purpose = 'signin' AND passed <> '[]'";

/// Begins an attempt.
pub async fn insert(db: &mut impl Db, a: &Attempt) -> Result<()> {
    let row = (
        a.id.as_str(),
        a.purpose.name(),
        a.kind.as_str(),
        a.canonical.as_str(),
        a.user_id.as_deref(),
        a.credentials,
        a.session_id.as_deref(),
        a.known_device.as_deref(),
        a.passed.as_str(),
        a.draft.as_deref(),
        a.ways.as_deref(),
        a.apart.as_deref(),
        a.created_at,
        a.expires_at,
        a.subject.as_deref(),
    );
    sql::run(db, INSERT, row).await.map(drop)
}

/// The attempt of that id, over or not.
pub async fn by_id(db: &mut impl Db, id: &AttemptId) -> Result<Option<Attempt>> {
    sql::first(db, BY_ID, (id,)).await
}

/// The live attempt of that id.
pub async fn live(db: &mut impl Db, id: &AttemptId, now: Millis) -> Result<Option<Attempt>> {
    Ok(by_id(db, id).await?.filter(|attempt| attempt.expires_at > now))
}

/// Notes what has been proven, unless somebody else moved the attempt on meanwhile.
pub async fn pass(db: &mut impl Db, id: &AttemptId, before: &str, after: &str) -> Result<Changed> {
    sql::change(db, PASS, (id, before, after)).await
}

/// Replaces the sealed draft of a sign-up.
pub async fn set_draft(db: &mut impl Db, id: &AttemptId, draft: &str) -> Result<u64> {
    sql::run(db, SET_DRAFT, (id, draft)).await
}

/// Notes what hooks took away from an attempt.
pub async fn set_ways(db: &mut impl Db, id: &AttemptId, ways: &str) -> Result<u64> {
    sql::run(db, SET_WAYS, (id, ways)).await
}

/// Notes by which factor the guesses of an attempt are counted apart.
pub async fn set_apart(db: &mut impl Db, id: &AttemptId, apart: &str) -> Result<Changed> {
    sql::change(db, SET_APART, (id, apart)).await
}

/// Ends an attempt as done; yes for the one answer that finishes it (R9).
pub async fn finish(db: &mut impl Db, id: &AttemptId, passed: &str) -> Result<Changed> {
    sql::change(db, FINISH, (id, passed)).await
}

/// Drops all attempts of a user, and ends one of them as done; yes where that was there still, as far as `passed`.
pub async fn finish_all(db: &mut impl Db, user_id: &UserId, id: &AttemptId, passed: &str) -> Result<Changed> {
    let ended: Vec<(String, String)> = sql::all(db, FINISH_ALL, (user_id,)).await?;
    Ok(ended.iter().any(|one| *id == one.0 && one.1 == passed).into())
}

/// Drops an attempt.
pub async fn delete(db: &mut impl Db, id: &AttemptId) -> Result<u64> {
    sql::run(db, DELETE, (id,)).await
}

/// Lets nobody go on with an attempt at an account; whoever looks at what is over finds it when its time is.
pub async fn call_off(db: &mut impl Db, id: &AttemptId) -> Result<u64> {
    sql::run(db, CALL_OFF, (id,)).await
}

/// Drops all attempts of a user.
pub async fn drop_of_user(db: &mut impl Db, user_id: &UserId) -> Result<u64> {
    sql::run(db, OF_USER, (user_id,)).await
}

/// Users whose sign-ins passed a secret and ended by their time before `now`.
pub async fn unfinished(db: &mut impl Db, now: Millis, limit: i64) -> Result<Vec<Unfinished>> {
    sql::all(db, UNFINISHED, (now, limit)).await
}

/// Drops those sign-ins of a user; 0 where somebody else did.
pub async fn take_unfinished(db: &mut impl Db, user_id: &UserId, now: Millis) -> Result<u64> {
    sql::run(db, TAKE_UNFINISHED, (user_id, now)).await
}
