//! Challenges: a passcode and a link that were sent, for one target within one scope.

use sqlx::FromRow;

use super::sql::{self, Changed, Db, Result};
use crate::base::{Millis, UserId};

/// One challenge.
#[derive(Clone, Debug, Default, FromRow)]
pub struct Challenge {
    /// A random UUID.
    pub id: String,
    /// `attempt/<id>`, `device/<id>` or `verification/<id>`.
    pub scope: String,
    /// The device that it was sent to, or its kind where there is no device yet.
    pub target: String,
    /// What the code is good for.
    pub purpose: String,
    /// How it was sent: `email`, `sms`, …
    pub channel: String,
    /// Where it was sent.
    pub address: String,
    /// The keyed hash of the code, bound to scope and target (R30).
    pub code: String,
    /// How many characters the code has.
    pub code_length: i64,
    /// The SHA-256 of the link's key (R55).
    pub key_hash: String,
    /// Codes looked at so far; a new code does not reset it (R28).
    pub guesses: i64,
    /// At how many it is dead for good (R26).
    pub max_guesses: i64,
    /// How often it was sent.
    pub sends: i64,
    /// When it was last sent.
    pub sent_at: Millis,
    /// When its code ends.
    pub expires_at: Millis,
    /// When it was proven.
    pub spent_at: Option<Millis>,
    /// The provider that owns the code in the place of ours, by the operator's name for it.
    pub verifier: Option<String>,
    /// The vendor's name for the verification.
    pub reference: Option<String>,
    /// The SHA-256 of the key of the way that its mail opens to whoever reads it; none where it opens none.
    pub way_key: Option<String>,
    /// The keyed hash of the code that is typed there.
    pub way_code: Option<String>,
    /// When that way ends.
    pub way_ends: Option<Millis>,
    /// Codes looked at there.
    pub way_guesses: i64,
    /// What an attempt of the reader's own begins by, as JSON.
    pub way_from: Option<String>,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, scope, target, purpose, channel, address, code, code_length, key_hash, guesses, ",
            "max_guesses, sends, sent_at, expires_at, spent_at, verifier, reference, ",
            "way_key, way_code, way_ends, way_guesses, way_from FROM challenges ",
            $tail
        )
    };
}

const UPSERT: &str = "INSERT INTO challenges (id, scope, target, purpose, channel, address, code, code_length,
    key_hash, guesses, max_guesses, sends, sent_at, expires_at, way_key, way_code, way_ends, way_from)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, 1, $11, $12, $14, $15, $16, $17)
    ON CONFLICT (scope, target) DO UPDATE SET channel = excluded.channel, address = excluded.address,
    code = excluded.code, code_length = excluded.code_length, key_hash = excluded.key_hash,
    sends = challenges.sends + 1, sent_at = excluded.sent_at, expires_at = excluded.expires_at,
    verifier = NULL, reference = NULL, way_key = excluded.way_key, way_code = excluded.way_code,
    way_ends = excluded.way_ends, way_guesses = 0, way_from = excluded.way_from, code_ends = NULL
    WHERE challenges.sent_at <= $13 AND challenges.spent_at IS NULL AND challenges.guesses < challenges.max_guesses";
/// What was sent before stays good for as long as it was; whoever asked sees what they would see of a new one.
const HOLD: &str = "UPDATE challenges SET code_ends = COALESCE(code_ends, expires_at), expires_at = $3,
    sends = sends + 1, sent_at = $4
    WHERE scope = $1 AND target = $2 AND sent_at <= $5 AND spent_at IS NULL AND guesses < max_guesses";
const IN_SCOPE: &str = select!("WHERE scope = $1 ORDER BY sent_at DESC, id");
const BY_KEY: &str = select!("WHERE key_hash = $1 OR way_key = $1");
/// One that was held back and has ended is dead for good, whatever becomes of the clock: no code is empty.
const GUESS: &str = "UPDATE challenges SET guesses = guesses + 1,
    code = CASE WHEN COALESCE(code_ends, expires_at) > $2 THEN code ELSE '' END
    WHERE id = $1 AND guesses < max_guesses AND spent_at IS NULL AND expires_at > $2
    RETURNING CASE WHEN verifier IS NULL THEN code ELSE '' END";
const GUESS_AGAIN: &str = "UPDATE challenges SET guesses = guesses + 1
    WHERE id = $1 AND guesses < max_guesses AND expires_at > $2
    RETURNING CASE WHEN verifier IS NULL THEN code ELSE '' END";
const SPEND: &str =
    "UPDATE challenges SET spent_at = $2, way_key = NULL WHERE id = $1 AND spent_at IS NULL AND code <> ''";
const OVER: &str = "UPDATE challenges SET expires_at = CASE WHEN expires_at <= $2 THEN 0 ELSE expires_at END,
    code_ends = CASE WHEN code_ends <= $2 THEN 0 ELSE code_ends END,
    way_ends = CASE WHEN way_ends <= $2 THEN 0 ELSE way_ends END WHERE id = $1";
/// It lives as long as it would have.
const BRING_BACK: &str = "UPDATE challenges SET expires_at = expires_at - (sent_at - $1),
    way_ends = way_ends - (sent_at - $1), code_ends = code_ends - (sent_at - $1), sent_at = $1
    WHERE scope = $2 AND sent_at > $1";
const GUESS_WAY: &str = "UPDATE challenges SET way_guesses = way_guesses + 1
    WHERE id = $1 AND way_key = $2 AND way_guesses < max_guesses AND way_ends > $3 RETURNING way_code";
/// No code is empty, so that whoever asked for this one has none any more; to them it is as wrong as any.
const SPEND_WAY: &str = "UPDATE challenges SET code = '', way_key = NULL WHERE id = $1 AND way_key = $2";
const PROVE: &str = "UPDATE challenges SET spent_at = COALESCE(spent_at, $2), guesses = 0 WHERE id = $1";
const SPEND_KEY: &str = "UPDATE challenges SET spent_at = $2
    WHERE id = $1 AND spent_at IS NULL AND expires_at > $2 AND guesses < max_guesses";
const SET_OWNER: &str = "UPDATE challenges SET verifier = $2, reference = $3
    WHERE key_hash = $1 AND spent_at IS NULL";
const ADOPT: &str =
    "UPDATE challenges SET code = $3, verifier = NULL, reference = NULL, guesses = guesses - 1
    WHERE id = $1 AND reference = $2 AND spent_at IS NULL";
const GIVE_BACK: &str = "UPDATE challenges SET guesses = guesses - 1
    WHERE id = $1 AND COALESCE(reference, '') = $2 AND guesses > 0 AND spent_at IS NULL";
const DROP_SENT: &str = "DELETE FROM challenges WHERE scope = $1 AND address = $2";
const DROP_ASKED: &str = "DELETE FROM challenges WHERE scope = $1 AND way_key IS NULL";
const DROP_SCOPE: &str = "DELETE FROM challenges WHERE scope = $1";

/// Stores what is about to be sent. A challenge that is already there takes the new code and keeps its
/// count of guesses; no where it was sent after `not_after`, is spent or has no guess left.
pub async fn put(db: &mut impl Db, c: &Challenge, not_after: Millis) -> Result<Changed> {
    let row = (
        c.id.as_str(),
        c.scope.as_str(),
        c.target.as_str(),
        c.purpose.as_str(),
        c.channel.as_str(),
        c.address.as_str(),
        c.code.as_str(),
        c.code_length,
        c.key_hash.as_str(),
        c.max_guesses,
        c.sent_at,
        c.expires_at,
        not_after,
        c.way_key.as_deref(),
        c.way_code.as_deref(),
        c.way_ends,
        c.way_from.as_deref(),
    );
    sql::change(db, UPSERT, row).await
}

/// Notes that a challenge was to be sent again, and was not; no where [`put`] would change none, or there is none
/// yet.
pub async fn hold(db: &mut impl Db, c: &Challenge, not_after: Millis) -> Result<Changed> {
    let row = (c.scope.as_str(), c.target.as_str(), c.expires_at, c.sent_at, not_after);
    sql::change(db, HOLD, row).await
}

/// All challenges of a scope, the last sent first.
pub async fn in_scope(db: &mut impl Db, scope: &str) -> Result<Vec<Challenge>> {
    sql::all(db, IN_SCOPE, (scope,)).await
}

/// The challenge whose link has that key.
pub async fn by_key(db: &mut impl Db, key_hash: &str) -> Result<Option<Challenge>> {
    sql::first(db, BY_KEY, (key_hash,)).await
}

/// Takes one guess before the code is looked at; gives the code's hash, or nothing where no guess is
/// left, the time is over or it was spent (R25). The hash is empty while a vendor owns the code: ours is none then.
pub async fn guess(db: &mut impl Db, id: &str, now: Millis) -> Result<Option<String>> {
    sql::scalar(db, GUESS, (id, now)).await
}

/// The same for a code that stays good until it expires.
pub async fn guess_again(db: &mut impl Db, id: &str, now: Millis) -> Result<Option<String>> {
    sql::scalar(db, GUESS_AGAIN, (id, now)).await
}

/// Marks the code and the way of a challenge as over where they are at `now`, for good: whoever was refused one because
/// it was over is refused it when the clock goes back.
pub async fn over(db: &mut impl Db, id: &str, now: Millis) -> Result<u64> {
    sql::run(db, OVER, (id, now)).await
}

/// Writes what was sent ahead of `now` in a scope as sent now.
pub async fn bring_back(db: &mut impl Db, scope: &str, now: Millis) -> Result<u64> {
    sql::run(db, BRING_BACK, (now, scope)).await
}

/// Spends a challenge after a right code; yes for the one who was first (R24).
pub async fn spend(db: &mut impl Db, id: &str, now: Millis) -> Result<Changed> {
    sql::change(db, SPEND, (id, now)).await
}

/// Takes one guess at the way of a mail before the code is looked at; gives its hash, or nothing where none is left.
pub async fn guess_way(db: &mut impl Db, id: &str, key: &str, now: Millis) -> Result<Option<String>> {
    sql::scalar(db, GUESS_WAY, (id, key, now)).await
}

/// Spends the way of a mail, and with it the code that was asked for; yes for the one who was first.
pub async fn spend_way(db: &mut impl Db, id: &str, key: &str) -> Result<Changed> {
    sql::change(db, SPEND_WAY, (id, key)).await
}

/// Notes a right code of a challenge that stays good until it expires.
pub async fn prove(db: &mut impl Db, id: &str, now: Millis) -> Result<u64> {
    sql::run(db, PROVE, (id, now)).await
}

/// Spends a challenge by its link.
pub async fn spend_by_link(db: &mut impl Db, id: &str, now: Millis) -> Result<Changed> {
    sql::change(db, SPEND_KEY, (id, now)).await
}

/// Says who owns the code that was sent with that key: a vendor (its provider's name, its own name for the
/// verification), or we.
pub async fn set_owner(db: &mut impl Db, key_hash: &str, owner: Option<(&str, &str)>) -> Result<Changed> {
    let (verifier, reference) = owner.unzip();
    sql::change(db, SET_OWNER, (key_hash, verifier, reference)).await
}

/// A vendor said that a code is right: `code`, its keyed hash, becomes ours, and the guess is given back.
pub async fn adopt(db: &mut impl Db, id: &str, reference: &str, code: &str) -> Result<u64> {
    sql::run(db, ADOPT, (id, reference, code)).await
}

/// Gives a guess back that the vendor did not look at.
pub async fn give_back(db: &mut impl Db, id: &str, reference: &str) -> Result<u64> {
    sql::run(db, GIVE_BACK, (id, reference)).await
}

/// Drops the codes of a scope that were sent to that address.
pub async fn drop_sent(db: &mut impl Db, scope: &str, address: &str) -> Result<u64> {
    sql::run(db, DROP_SENT, (scope, address)).await
}

/// Drops the challenges of a scope, but those whose mail opens a way to its reader.
pub async fn drop_asked(db: &mut impl Db, scope: &str) -> Result<u64> {
    sql::run(db, DROP_ASKED, (scope,)).await
}

/// Drops all challenges of a scope.
pub async fn drop_scope(db: &mut impl Db, scope: &str) -> Result<u64> {
    sql::run(db, DROP_SCOPE, (scope,)).await
}

const FORGET_ADDRESS: &str = "UPDATE challenges SET address = '' WHERE scope = $1";

/// Takes the address out of the challenges of a scope, which are good without it.
pub async fn forget_address(db: &mut impl Db, scope: &str) -> Result<u64> {
    sql::run(db, FORGET_ADDRESS, (scope,)).await
}

const OF_ATTEMPTS: &str = "DELETE FROM challenges WHERE scope IN (SELECT 'attempt/' || id FROM attempts
    WHERE COALESCE(user_id, subject, id) = $1)";

/// Drops the codes of all attempts of a user.
pub async fn drop_of_attempts(db: &mut impl Db, user_id: &UserId) -> Result<u64> {
    sql::run(db, OF_ATTEMPTS, (user_id,)).await
}
