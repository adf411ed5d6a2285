//! The one list of migrations, applied to either database, each in a transaction of its own.

use std::time::Duration;

use super::sql::{self, Result};
use super::{Store, StoreError, Tx};

/// Every migration in order; add a file and a line, never change one that was released.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "start", include_str!("../../migrations/0001_start.sql")),
    (2, "delivery", include_str!("../../migrations/0002_delivery.sql")),
    (3, "own_model", include_str!("../../migrations/0003_own_model.sql")),
    (4, "weighed", include_str!("../../migrations/0004_weighed.sql")),
    (5, "strangers", include_str!("../../migrations/0005_strangers.sql")),
    (6, "kept_devices", include_str!("../../migrations/0006_kept_devices.sql")),
    (7, "alike", include_str!("../../migrations/0007_alike.sql")),
    (8, "subjects", include_str!("../../migrations/0008_subjects.sql")),
    (9, "shown", include_str!("../../migrations/0009_shown.sql")),
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL)";
const LATEST: &str = "SELECT COALESCE(MAX(version), 0) FROM migrations";
const RECORD: &str = "INSERT INTO migrations (version, name) VALUES ($1, $2)";
/// Keeps two instances that start together from migrating at once, the table's making included (which
/// `IF NOT EXISTS` does not guard); SQLite's writer is alone anyway. The number is this lock's name.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(7310868735)";
/// Between two looks whether somebody else still migrates.
const PAUSE: Duration = Duration::from_millis(200);
/// How many looks in a row may fail while somebody else migrates.
const FAILURES: usize = 3;

/// Brings the database up to date; gives the names of what was applied.
///
/// # Errors
/// Where a statement fails, or the database was written by a newer multauth.
pub async fn migrate(store: &Store) -> Result<Vec<&'static str>> {
    migrate_telling(store, || ()).await
}

/// [`migrate`]; `waits` is called where somebody else migrates, who is waited for.
///
/// # Errors
/// Those of [`migrate`].
pub async fn migrate_telling(store: &Store, waits: impl Fn()) -> Result<Vec<&'static str>> {
    let mut tx = alone(store, &waits).await?;
    sql::run(&mut tx, TABLE, ()).await?;
    let found = latest(&mut tx).await?;
    tx.commit().await?;
    let mut applied = Vec::new();
    for (version, name, script) in MIGRATIONS.iter().filter(|(version, ..)| *version > found) {
        let mut tx = alone(store, &waits).await?.unbounded().await?;
        if *version > latest(&mut tx).await? {
            sql::script(&mut tx, script).await?;
            sql::run(&mut tx, RECORD, (*version, *name)).await?;
            applied.push(*name);
        }
        tx.commit().await?;
    }
    Ok(applied)
}

/// A transaction in which nobody else migrates. Whoever does is asked again and again, and not waited for by the database:
/// a connection that fell silent meanwhile would be waited for without an end.
async fn alone(store: &Store, waits: &impl Fn()) -> Result<Tx> {
    let (mut told, mut failures) = (false, 0);
    loop {
        match tried(store).await {
            Ok(Some(tx)) => return Ok(tx),
            Ok(None) => failures = 0,
            Err(StoreError::Silent | StoreError::Lost(_)) if told && failures < FAILURES => failures += 1,
            Err(error) => return Err(error),
        }
        if !told {
            waits();
            told = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn tried(store: &Store) -> Result<Option<Tx>> {
    let mut tx = store.begin().await?;
    let alone = !tx.is_postgres() || sql::scalar(&mut tx, LOCK, ()).await? == Some(true);
    Ok(alone.then_some(tx))
}

/// Whether the database is up to date, behind, or ahead of this binary.
pub async fn check(store: &Store) -> Result<()> {
    let mut db = store.read().await?;
    let known = MIGRATIONS.last().map_or(0, |m| m.0);
    match latest(&mut db).await {
        Ok(found) if found == known => Ok(()),
        Ok(found) => Err(StoreError::Version { found, known }),
        // There is no such table yet.
        Err(StoreError::Driver(sqlx::Error::Database(_))) => Err(StoreError::Version { found: 0, known }),
        Err(other) => Err(other),
    }
}

async fn latest(db: &mut impl sql::Db) -> Result<i64> {
    let found = sql::scalar(db, LATEST, ()).await?.unwrap_or(0);
    let known = MIGRATIONS.last().map_or(0, |m| m.0);
    if found > known { Err(StoreError::Version { found, known }) } else { Ok(found) }
}
