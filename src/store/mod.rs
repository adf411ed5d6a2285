//! The only SQL. SQLite or PostgreSQL behind one text.
//!
//! [`Store::read`] gives a connection for statements that change nothing; [`Store::begin`] a
//! transaction that counts once [`Tx::commit`] has returned. A file a table; each statement is a
//! `const` with a function of its own, which takes either as its first argument.
//!
//! Rules that keep it right: uniqueness by constraint; single use by the row count of a conditional
//! statement; nothing slow (a hash, a message) between `begin` and `commit`.

pub mod api_keys;
pub mod attempts;
pub mod challenges;
pub mod changes;
pub mod deliveries;
pub mod devices;
pub mod events;
pub mod facts;
pub mod guesses;
pub mod known_devices;
pub mod lines;
mod migrate;
pub mod outbox;
mod postgres;
pub mod profile_values;
pub mod secrets;
pub mod sessions;
pub mod signing_keys;
pub mod spend;
mod sql;
mod sqlite;
pub mod suspensions;
pub mod sweep;
pub mod trail;
pub mod users;
pub mod webhooks;
pub mod wishes;

use std::path::Path;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

pub use migrate::{check as check_version, migrate};
pub use sql::{Db, Exec, Result};

/// Why a statement or a transaction did not go through.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique constraint was hit: somebody else has it already.
    #[error("already taken")]
    Taken,
    /// The database could not be reached or had no time for us.
    #[error("the database is busy")]
    Busy,
    /// A transaction could not be made durable; nothing of it was kept.
    #[error("the transaction could not be committed: {0}")]
    Commit(String),
    /// The database file, or the folder for it, cannot be made.
    #[error("cannot make {0}: {1}")]
    Folder(String, std::io::Error),
    /// The URL names no database that multauth can open: why, with nothing of the URL in it.
    #[error("database.url {0}")]
    Url(String),
    /// The database's schema is not the one of this binary.
    #[error(
        "the database is at schema version {found}, this multauth knows version {known}; run `multauth migrate`, or a newer multauth"
    )]
    Version {
        /// What the database has.
        found: i64,
        /// What this binary has.
        known: i64,
    },
    /// Anything else that the driver reports.
    #[error(transparent)]
    Driver(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(e) if e.is_unique_violation() => Self::Taken,
            sqlx::Error::Database(e) if e.code().is_some_and(|code| BUSY.contains(&&*code)) => Self::Busy,
            sqlx::Error::PoolTimedOut => Self::Busy,
            _ => Self::Driver(error),
        }
    }
}

/// What a database says where the same may work a moment later: SQLite is locked by another process;
/// PostgreSQL ended a deadlock or a serialization conflict, waited too long for a lock, or is full or stopping.
const BUSY: &[&str] = &["5", "6", "261", "517", "40001", "40P01", "55P03", "53300", "57P01"];

/// The database of one instance.
#[derive(Clone)]
pub struct Store(Backend);

#[derive(Clone)]
enum Backend {
    Sqlite { read: SqlitePool, writer: sqlite::Writer },
    Postgres(PgPool),
}

/// A connection for statements that change nothing.
pub struct Reader(ReaderOf);

enum ReaderOf {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// An open transaction; dropped without [`Tx::commit`], it never happened.
pub struct Tx(TxOf);

enum TxOf {
    Sqlite(sqlite::Turn),
    Postgres(Transaction<'static, Postgres>),
}

/// Looks at the URL of a database, and opens nothing.
///
/// # Errors
/// What is wrong with it, in words that have nothing of the URL in them.
pub fn check_url(url: &str) -> std::result::Result<(), String> {
    match url.strip_prefix("sqlite://") {
        Some("") => Err("must name a file, as in sqlite://multauth.db".into()),
        Some(path) if path.starts_with(":memory:") => {
            Err("must name a file: what is in memory is another database for each connection".into())
        }
        Some(path) if path.contains('?') => Err("of SQLite has no parameters".into()),
        Some(_) => Ok(()),
        None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            postgres::options(url).map(drop)
        }
        None => Err("must begin with sqlite:// or postgres://".into()),
    }
}

/// Looks whether a database could be where a sound URL says, and makes nothing: for SQLite a file in a folder.
///
/// # Errors
/// What stands in its way, in words that have nothing of the URL in them.
pub fn check_place(url: &str) -> std::result::Result<(), String> {
    let Some(text) = url.strip_prefix("sqlite://") else { return Ok(()) };
    let path = Path::new(text);
    if text.ends_with('/') || path.is_dir() {
        return Err("names a folder: name a file in it, such as multauth.db".into());
    }
    // Folders that are missing are made; what they would be made in has to be one.
    let made_in = path.ancestors().skip(1).find(|folder| folder.exists());
    match made_in {
        Some(folder) if !folder.is_dir() => Err("names a file in what is no folder".into()),
        _ => Ok(()),
    }
}

impl Store {
    /// Opens the database at `url` (`sqlite://path` or `postgres://…`) with at most `connections`
    /// connections (for SQLite: readers).
    pub async fn open(url: &str, connections: u32) -> Result<Self> {
        check_url(url).map_err(StoreError::Url)?;
        if let Some(path) = url.strip_prefix("sqlite://") {
            let (read, writer) = sqlite::open(Path::new(path), connections).await?;
            Ok(Self(Backend::Sqlite { read, writer }))
        } else {
            Ok(Self(Backend::Postgres(postgres::open(url, connections).await?)))
        }
    }

    /// `sqlite` or `postgres`.
    pub fn name(&self) -> &'static str {
        match self.0 {
            Backend::Sqlite { .. } => "sqlite",
            Backend::Postgres(_) => "postgres",
        }
    }

    /// A connection to read by.
    pub async fn read(&self) -> Result<Reader> {
        Ok(Reader(match &self.0 {
            Backend::Sqlite { read, .. } => ReaderOf::Sqlite(read.acquire().await?),
            Backend::Postgres(pool) => ReaderOf::Postgres(pool.acquire().await?),
        }))
    }

    /// A transaction to write in.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(Tx(match &self.0 {
            Backend::Sqlite { writer, .. } => TxOf::Sqlite(writer.begin().await?),
            Backend::Postgres(pool) => TxOf::Postgres(pool.begin().await?),
        }))
    }
}

impl Tx {
    /// Makes the transaction count; when this returns, it is on the disk.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            TxOf::Sqlite(turn) => turn.commit().await,
            TxOf::Postgres(tx) => Ok(tx.commit().await?),
        }
    }

    fn is_postgres(&self) -> bool {
        matches!(self.0, TxOf::Postgres(_))
    }
}

impl Db for Reader {
    fn exec(&mut self) -> Exec<'_> {
        match &mut self.0 {
            ReaderOf::Sqlite(conn) => Exec::Sqlite(conn),
            ReaderOf::Postgres(conn) => Exec::Postgres(conn),
        }
    }
}

impl Db for Tx {
    fn exec(&mut self) -> Exec<'_> {
        match &mut self.0 {
            TxOf::Sqlite(turn) => Exec::Sqlite(turn.conn()),
            TxOf::Postgres(tx) => Exec::Postgres(tx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2";

    #[test]
    fn a_url_is_known_before_it_is_opened_and_never_quoted() {
        for url in [
            "postgres://u:1234?hunter2@127.0.0.1/db",
            "postgres://u:a?hunter2=b@127.0.0.1/db",
            "postgres://u@h/db?sslpassword=hunter2",
            "postgres://u@h/db?hunter2",
            "postgres://u@h/db?hunter2=x",
            "postgres://u:p#hunter2@h:/db",
            "postgres://u:p/hunter2@h/db?nothing=1",
            "postgres://u@h:hunter2/db",
            "postgres://u@h/db?port=hunter2",
            "postgres://u@h/db?hostaddr=hunter2",
            "postgres://u@h/db?sslmode=hunter2",
            "postgres:hunter2",
            "hunter2",
            "mysql://u:hunter2@h/db",
            "sqlite:hunter2",
            "sqlite://",
            "sqlite://:memory:",
            "sqlite://:memory:?cache=hunter2",
            "sqlite://m.db?key=hunter2",
        ] {
            let why = check_url(url).expect_err(url);
            assert!(!why.contains(SECRET) && !why.is_empty(), "{url}: {why}");
        }
        assert!(check_url("postgres://u@h/db?sslpassword=x").unwrap_err().contains("sslpassword"));
        for url in [
            "sqlite://m.db",
            "sqlite:///var/lib/m.db",
            "postgres://u:p%3Fss@h/db",
            "postgresql://u@h:5432/db?sslmode=require&application_name=x",
            "postgres://u@%2Frun%2Fpostgresql/db",
            "postgres://u@h/db?options[search_path]=a",
        ] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn an_address_in_brackets_is_an_address() {
        let options = postgres::options("postgres://u@[::1]:5433/db").unwrap();
        assert_eq!((options.get_host(), options.get_port()), ("::1", 5433));
    }
}
