//! The guess budget: failures a subject and factor, over all flows and doors (R33).

use std::collections::BTreeMap;

use sqlx::FromRow;

use super::sql::{self, Db, Result};
use crate::base::Millis;
use crate::base::clock::DAY;

/// The failures of one subject with one factor.
#[derive(Clone, Debug, Default, FromRow)]
pub struct Guesses {
    /// Failures in a row.
    pub streak: i64,
    /// When the last one was.
    pub last_at: Millis,
    /// Failures in the day that began at `day_start`.
    pub day_count: i64,
    /// When that day began.
    pub day_start: Millis,
    /// Failures in the thirty days that began at `month_start`.
    pub month_count: i64,
    /// When those began.
    pub month_start: Millis,
}

const OF: &str = "SELECT streak, last_at, day_count, day_start, month_count, month_start FROM guesses
    WHERE subject = $1 AND factor = $2";
const FAIL: &str =
    "INSERT INTO guesses (subject, factor, streak, last_at, day_start, day_count, month_start, month_count)
    VALUES ($1, $2, 1, $3, $3, $6, $3, $6)
    ON CONFLICT (subject, factor) DO UPDATE SET streak = guesses.streak + 1, last_at = excluded.last_at,
    day_count = CASE WHEN guesses.day_start > $4 THEN guesses.day_count + $6 ELSE $6 END,
    day_start = CASE WHEN guesses.day_start > $4 THEN guesses.day_start ELSE excluded.day_start END,
    month_count = CASE WHEN guesses.month_start > $5 THEN guesses.month_count + $6 ELSE $6 END,
    month_start = CASE WHEN guesses.month_start > $5 THEN guesses.month_start ELSE excluded.month_start END
    RETURNING streak";
const SUCCEED: &str = "UPDATE guesses SET streak = 0 WHERE subject = $1 AND factor = $2";
const FORGET: &str = "DELETE FROM guesses WHERE subject = $1 AND factor = $2";
const OF_SUBJECT: &str = "SELECT subject, factor FROM guesses WHERE subject = $1";
/// A known device of a user, or a session, is counted apart, under the user's id and its own.
const OF_USER: &str = "SELECT subject, factor FROM guesses WHERE subject = $1 OR subject LIKE $2 ESCAPE '!'";
const COUNT_DAY: &str = "INSERT INTO guess_days (day, count) VALUES ($1, 1)
    ON CONFLICT (day) DO UPDATE SET count = guess_days.count + 1";
const DAY_COUNT: &str = "SELECT count FROM guess_days WHERE day = $1";

/// The failures so far.
pub async fn of(db: &mut impl Db, subject: &str, factor: &str) -> Result<Guesses> {
    Ok(sql::first(db, OF, (subject, factor)).await?.unwrap_or_default())
}

/// Counts a failure: one in the row of them, and `guesses` towards day and month. Gives how many are in a row now.
pub async fn fail(db: &mut impl Db, subject: &str, factor: &str, now: Millis, guesses: i64) -> Result<i64> {
    let row = (subject, factor, now, now - DAY, now - 30 * DAY, guesses);
    Ok(sql::scalar(db, FAIL, row).await?.unwrap_or(0))
}

/// Ends a row of failures; what was counted for day and month stays (R36).
pub async fn succeed(db: &mut impl Db, subject: &str, factor: &str) -> Result<u64> {
    sql::run(db, SUCCEED, (subject, factor)).await
}

/// A row: who is guessed at, and by which factor.
pub type Row = (String, String);

/// What is counted for a subject, by every factor.
pub async fn of_subject(db: &mut impl Db, subject: &str) -> Result<Vec<Row>> {
    sql::all(db, OF_SUBJECT, (subject,)).await
}

/// What is counted for a user, by their known devices and sessions too. It looks at every row: nothing that people wait
/// for calls it.
pub async fn of_user(db: &mut impl Db, user_id: &str) -> Result<Vec<Row>> {
    let apart = format!("{}/%", sql::literal(user_id));
    sql::all(db, OF_USER, (user_id, apart)).await
}

/// Forgets what was counted in some rows, and ends the failures in a row of others; in the order of their names, for two
/// that take the same rows another way about wait for each other.
pub async fn clear(db: &mut impl Db, forgotten: Vec<Row>, ended: Vec<Row>) -> Result<()> {
    let ended = ended.into_iter().map(|row| (row, SUCCEED));
    let rows: BTreeMap<Row, &'static str> =
        ended.chain(forgotten.into_iter().map(|row| (row, FORGET))).collect();
    for ((subject, factor), change) in rows {
        sql::run(db, change, (subject, factor)).await?;
    }
    Ok(())
}

/// Counts one wrong code of the whole installation (R39).
pub async fn count_day(db: &mut impl Db, now: Millis) -> Result<()> {
    sql::run(db, COUNT_DAY, (now.div_euclid(DAY),)).await.map(drop)
}

/// How many codes were wrong on this day, over the whole installation.
pub async fn day_count(db: &mut impl Db, now: Millis) -> Result<i64> {
    Ok(sql::scalar(db, DAY_COUNT, (now.div_euclid(DAY),)).await?.unwrap_or(0))
}
