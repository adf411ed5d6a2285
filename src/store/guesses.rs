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

impl Guesses {
    /// Whether it was counted by a clock that was ahead of `now`.
    pub fn is_ahead(&self, now: Millis) -> bool {
        self.last_at.max(self.day_start).max(self.month_start) > now
    }

    /// The same as if what lies ahead of `now` had happened now.
    #[must_use]
    pub fn settled(&self, now: Millis) -> Self {
        let (last_at, day_start) = (self.last_at.min(now), self.day_start.min(now));
        Self { last_at, day_start, month_start: self.month_start.min(now), ..self.clone() }
    }
}

const OF: &str = "SELECT streak, last_at, day_count, day_start, month_count, month_start FROM guesses
    WHERE subject = $1 AND factor = $2";
/// What a clock that was ahead wrote counts as begun now: it neither lasts until that day nor begins anew.
const FAIL: &str =
    "INSERT INTO guesses (subject, factor, streak, last_at, day_start, day_count, month_start, month_count)
    VALUES ($1, $2, 1, $3, $3, $6, $3, $6)
    ON CONFLICT (subject, factor) DO UPDATE SET streak = guesses.streak + 1, last_at = excluded.last_at,
    day_count = CASE WHEN guesses.day_start > $4 THEN guesses.day_count + $6 ELSE $6 END,
    day_start = CASE WHEN guesses.day_start > $4 AND guesses.day_start < $3 THEN guesses.day_start ELSE $3 END,
    month_count = CASE WHEN guesses.month_start > $5 THEN guesses.month_count + $6 ELSE $6 END,
    month_start = CASE WHEN guesses.month_start > $5 AND guesses.month_start < $3 THEN guesses.month_start ELSE $3 END
    RETURNING streak";
const BRING_BACK: &str = "UPDATE guesses SET last_at = CASE WHEN last_at > $1 THEN $1 ELSE last_at END,
    day_start = CASE WHEN day_start > $1 THEN $1 ELSE day_start END,
    month_start = CASE WHEN month_start > $1 THEN $1 ELSE month_start END WHERE subject = $2 AND factor = $3";
const SUCCEED: &str = "UPDATE guesses SET streak = 0 WHERE subject = $1 AND factor = $2";
const FORGET: &str = "DELETE FROM guesses WHERE subject = $1 AND factor = $2";
const OF_SUBJECT: &str = "SELECT subject, factor FROM guesses WHERE subject = $1";
/// A known device of a user, or a session, is counted apart, under the user's id and its own.
const OF_USER: &str = "SELECT subject, factor FROM guesses WHERE subject = $1 OR subject LIKE $2 ESCAPE '!'";
const COUNT_DAY: &str = "INSERT INTO guess_days (day, count) VALUES ($1, 1)
    ON CONFLICT (day) DO UPDATE SET count = guess_days.count + 1";
/// What a clock that was ahead counted is counted today.
const DAY_COUNT: &str = "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM guess_days WHERE day >= $1";
const FOLD_DAYS: &str = "INSERT INTO guess_days (day, count)
    SELECT CAST($1 AS BIGINT), CAST(SUM(count) AS BIGINT) FROM guess_days WHERE day > $1 HAVING COUNT(*) > 0
    ON CONFLICT (day) DO UPDATE SET count = guess_days.count + excluded.count";
const AHEAD_DAY: &str = "SELECT day FROM guess_days WHERE day > $1 LIMIT 1";
const DROP_DAYS: &str = "DELETE FROM guess_days WHERE day > $1";

/// The failures so far.
pub async fn of(db: &mut impl Db, subject: &str, factor: &str) -> Result<Guesses> {
    Ok(sql::first(db, OF, (subject, factor)).await?.unwrap_or_default())
}

/// Counts a failure: one in the row of them, and `guesses` towards day and month. Gives how many are in a row now.
pub async fn fail(db: &mut impl Db, subject: &str, factor: &str, now: Millis, guesses: i64) -> Result<i64> {
    let row = (subject, factor, now, now - DAY, now - 30 * DAY, guesses);
    Ok(sql::scalar(db, FAIL, row).await?.unwrap_or(0))
}

/// Writes what lies ahead of `now` as of now, in the row of one subject and factor: otherwise it would count as made now
/// for ever, as now goes on.
pub async fn bring_back(db: &mut impl Db, subject: &str, factor: &str, now: Millis) -> Result<u64> {
    sql::run(db, BRING_BACK, (now, subject, factor)).await
}

/// Whether a clock that was ahead counted towards days that are still to come.
pub async fn is_day_ahead(db: &mut impl Db, now: Millis) -> Result<bool> {
    Ok(sql::scalar::<i64>(db, AHEAD_DAY, (now.div_euclid(DAY),)).await?.is_some())
}

/// Counts what was counted towards days that are still to come towards today.
pub async fn fold_days(db: &mut impl Db, now: Millis) -> Result<u64> {
    let today = now.div_euclid(DAY);
    sql::run(db, FOLD_DAYS, (today,)).await?;
    sql::run(db, DROP_DAYS, (today,)).await
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
