//! What messages to phones cost, by hour and day, of the installation and of a country.

use sqlx::FromRow;

use super::sql::{self, Db, Result};
use crate::base::Millis;
use crate::base::clock::{DAY, HOUR};

/// One message, and what bounds it. A bound that is not there is `i64::MAX`; money is in millionths.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// What stands before the names of its windows: nothing, or what sets them apart from those of codes.
    pub apart: &'a str,
    /// The country of the number, such as `PL`.
    pub country: &'a str,
    /// When this hour began.
    pub hour: Millis,
    /// When this day began.
    pub day: Millis,
    /// What the message costs.
    pub cost: i64,
    /// Whether it leaves. Otherwise nothing is added, and all else is the same.
    pub leaves: bool,
    /// Whether it counts as a message, and not by its cost alone.
    pub counts: bool,
    /// Bounds of the installation's and the country's hour and day.
    pub caps: Caps,
}

/// The bounds of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Messages in an hour.
    pub hour: i64,
    /// Messages in a day.
    pub day: i64,
    /// Messages in an hour to the country.
    pub country_hour: i64,
    /// Messages in a day to the country.
    pub country_day: i64,
    /// Money in an hour.
    pub hour_money: i64,
    /// Money in a day.
    pub day_money: i64,
    /// Money in a day for the country.
    pub country_day_money: i64,
}

/// An hour or a day, and what was spent in it.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Window {
    /// `day`, `hour`, `day/PL` or `hour/PL`, behind what sets it apart.
    pub scope: String,
    /// When it began.
    pub since: Millis,
    /// Messages.
    pub messages: i64,
    /// Money.
    pub cost: i64,
}

/// The largest first: whoever holds it holds up everybody else before they hold anything.
macro_rules! windows {
    () => {
        "(SELECT CAST($4 AS TEXT) || 'day' AS scope, CAST($2 AS BIGINT) AS since
        UNION ALL SELECT CAST($4 AS TEXT) || 'hour', CAST($3 AS BIGINT)
        UNION ALL SELECT CAST($4 AS TEXT) || 'day/' || CAST($1 AS TEXT), CAST($2 AS BIGINT)
        UNION ALL SELECT CAST($4 AS TEXT) || 'hour/' || CAST($1 AS TEXT), CAST($3 AS BIGINT)) AS w"
    };
}

/// The bound in money of the window called `$scope`.
macro_rules! money {
    ($scope:literal) => {
        concat!(
            "CASE ",
            $scope,
            " WHEN CAST($4 AS TEXT) || 'day' THEN CAST($12 AS BIGINT)
            WHEN CAST($4 AS TEXT) || 'hour' THEN CAST($13 AS BIGINT)
            WHEN CAST($4 AS TEXT) || 'day/' || CAST($1 AS TEXT) THEN CAST($14 AS BIGINT)
            ELSE 9223372036854775807 END"
        )
    };
}

const CHARGE: &str = concat!(
    "INSERT INTO spend (scope, since, messages, cost)
    SELECT w.scope, w.since, CAST($7 AS BIGINT), CAST($5 AS BIGINT) * CAST($6 AS BIGINT) FROM ",
    windows!(),
    " WHERE CAST($5 AS BIGINT) <= ",
    money!("w.scope"),
    " ON CONFLICT (scope, since) DO UPDATE
    SET messages = spend.messages + excluded.messages, cost = spend.cost + excluded.cost
    WHERE spend.messages < CASE spend.scope WHEN CAST($4 AS TEXT) || 'day' THEN CAST($8 AS BIGINT)
        WHEN CAST($4 AS TEXT) || 'hour' THEN CAST($9 AS BIGINT)
        WHEN CAST($4 AS TEXT) || 'day/' || CAST($1 AS TEXT) THEN CAST($10 AS BIGINT) ELSE CAST($11 AS BIGINT) END
    AND spend.cost + CAST($5 AS BIGINT) <= ",
    money!("spend.scope"),
    " RETURNING scope, since, messages, cost"
);
const GIVE_BACK: &str =
    "UPDATE spend SET messages = messages - $4, cost = cost - $3 WHERE scope = $1 AND since = $2";
const NOW: &str = concat!(
    "SELECT spend.scope, spend.since, spend.messages, spend.cost FROM ",
    windows!(),
    " JOIN spend ON spend.scope = w.scope AND spend.since = w.since"
);

/// How many windows a message is counted in.
pub const WINDOWS: usize = 4;

/// Counts a message in every window that has room for it, and gives those, as they are then: fewer than [`WINDOWS`]
/// where one is full. Of messages that are counted at the same time only as many pass as there is room for.
pub async fn charge(db: &mut impl Db, charge: &Charge<'_>) -> Result<Vec<Window>> {
    let caps = &charge.caps;
    let row = (
        charge.country,
        charge.day,
        charge.hour,
        charge.apart,
        charge.cost,
        i64::from(charge.leaves),
        i64::from(charge.leaves && charge.counts),
        caps.day,
        caps.hour,
        caps.country_day,
        caps.country_hour,
        caps.day_money,
        caps.hour_money,
        caps.country_day_money,
    );
    sql::all(db, CHARGE, row).await
}

/// Takes out of a window again what `charge` put there.
pub async fn give_back(db: &mut impl Db, window: &Window, charge: &Charge<'_>) -> Result<u64> {
    let (messages, cost) = (i64::from(charge.counts), charge.cost);
    sql::run(db, GIVE_BACK, (window.scope.as_str(), window.since, cost, messages)).await
}

/// The windows of a country and the installation, where anything was counted in them.
pub async fn now(db: &mut impl Db, country: &str, day: Millis, hour: Millis) -> Result<Vec<Window>> {
    sql::all(db, NOW, (country, day, hour, "")).await
}

const IS_AHEAD: &str = "SELECT since FROM spend WHERE since > $1 LIMIT 1";
const FOLD: &str = "INSERT INTO spend (scope, since, messages, cost)
    SELECT scope, CASE WHEN scope LIKE 'hour%' OR scope LIKE 'notices/hour%' THEN CAST($2 AS BIGINT)
        ELSE CAST($3 AS BIGINT) END, CAST(SUM(messages) AS BIGINT), CAST(SUM(cost) AS BIGINT)
    FROM spend WHERE since > $1 GROUP BY scope
    ON CONFLICT (scope, since) DO UPDATE
    SET messages = spend.messages + excluded.messages, cost = spend.cost + excluded.cost";
const DROP_AHEAD: &str = "DELETE FROM spend WHERE since > $1";

/// Whether a clock that was ahead counted in windows that are still to begin.
pub async fn is_ahead(db: &mut impl Db, now: Millis) -> Result<bool> {
    Ok(sql::scalar::<Millis>(db, IS_AHEAD, (now,)).await?.is_some())
}

/// Counts what was counted in windows that are still to begin in those of now.
pub async fn fold(db: &mut impl Db, now: Millis) -> Result<u64> {
    let begun = |span: Millis| now.div_euclid(span) * span;
    sql::run(db, FOLD, (now, begun(HOUR), begun(DAY))).await?;
    sql::run(db, DROP_AHEAD, (now,)).await
}

const COUNT: &str = "INSERT INTO spend (scope, since, messages, cost) VALUES ($1, $2, 1, 0)
    ON CONFLICT (scope, since) DO UPDATE SET messages = spend.messages + 1 WHERE spend.messages < $3";

/// Counts one more of what `scope` says since then, where there are fewer than `most`; gives whether there were.
pub async fn count(db: &mut impl Db, scope: &str, since: Millis, most: i64) -> Result<bool> {
    Ok(sql::run(db, COUNT, (scope, since, most)).await? == 1)
}

const FORGET_FULL: &str = "DELETE FROM spend WHERE scope = $1 AND since = $2 AND messages >= $3";

/// Forgets what [`count`] counted, where `most` were.
pub async fn forget_full(db: &mut impl Db, scope: &str, since: Millis, most: i64) -> Result<u64> {
    sql::run(db, FORGET_FULL, (scope, since, most)).await
}

/// Takes one back of what [`count`] counted.
pub async fn uncount(db: &mut impl Db, scope: &str, since: Millis) -> Result<u64> {
    sql::run(db, GIVE_BACK, (scope, since, 0_i64, 1_i64)).await
}
