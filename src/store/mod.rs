//! The only SQL. SQLite or PostgreSQL behind one text.
//!
//! [`Store::read`] gives a connection for statements that change nothing; [`Store::begin`] a
//! transaction that counts once [`Tx::commit`] has returned. A file a table; each statement is a
//! `const` with a function of its own, which takes either as its first argument.
//!
//! Rules that keep it right: uniqueness by constraint; single use by the row count of a conditional
//! statement; nothing slow (a hash, a message) between `begin` and `commit`.

pub mod agreement;
pub mod ahead;
pub mod api_keys;
pub mod attempts;
pub mod capacity;
pub mod challenges;
pub mod changes;
pub mod deliveries;
pub mod devices;
mod error;
pub mod events;
pub mod facts;
pub mod guesses;
pub mod invariants;
pub mod known_devices;
mod line;
pub mod lines;
mod migrate;
pub mod outbox;
pub mod patience;
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
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqlitePool};
use tokio::time::Instant;

pub(crate) use error::MET;
pub use error::{Later, StoreError};
pub use migrate::{check as check_version, migrate, migrate_telling};
pub use sql::{Changed, Db, Exec, Result};

/// The database of one instance.
#[derive(Clone)]
pub struct Store(Backend);

#[derive(Clone)]
enum Backend {
    Sqlite { read: SqlitePool, writer: sqlite::Writer, timeout: Duration },
    Postgres(postgres::Postgres),
}

/// A connection for statements that change nothing.
pub struct Reader(ReaderOf);

enum ReaderOf {
    Sqlite(PoolConnection<Sqlite>, Duration),
    Postgres(postgres::Lease),
}

/// An open transaction; dropped without [`Tx::commit`], it never happened.
pub struct Tx(TxOf);

enum TxOf {
    Sqlite(sqlite::Turn),
    Postgres(postgres::Lease),
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
        Some(path) if encoded(path) => {
            Err("of SQLite is a path as it stands: no %20 for a blank, nor the like".into())
        }
        Some(_) => Ok(()),
        None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            postgres::hosts(url).map(drop)
        }
        None => Err("must begin with sqlite:// or postgres://".into()),
    }
}

/// Whether something stands in a path as URLs write it: it would be a part of the file's name.
fn encoded(path: &str) -> bool {
    path.split('%').skip(1).any(|rest| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2)
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

/// How long a statement that changes nothing, or a transaction, may take, unless the settings say another.
pub const TIMEOUT: Duration = Duration::from_secs(5);

impl Store {
    /// Opens the database at `url` (`sqlite://path` or `postgres://…`) with at most `connections`
    /// connections (for SQLite: readers).
    pub async fn open(url: &str, connections: u32) -> Result<Self> {
        Self::open_within(url, connections, TIMEOUT).await
    }

    /// The same where each statement that changes nothing, and each transaction, takes no longer than `timeout`.
    pub async fn open_within(url: &str, connections: u32, timeout: Duration) -> Result<Self> {
        check_url(url).map_err(StoreError::Url)?;
        let backend = if let Some(path) = url.strip_prefix("sqlite://") {
            let (read, writer) = sqlite::open(Path::new(path), connections).await?;
            Backend::Sqlite { read, writer, timeout }
        } else {
            Backend::Postgres(postgres::Postgres::open(url, connections, timeout).await?)
        };
        Ok(Self(backend))
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
            Backend::Sqlite { read, timeout, .. } => {
                let conn = patience::wait(read.acquire()).await;
                ReaderOf::Sqlite(conn.unwrap_or(Err(sqlx::Error::PoolTimedOut))?, *timeout)
            }
            Backend::Postgres(postgres) => ReaderOf::Postgres(postgres.read().await?),
        }))
    }

    /// A transaction to write in.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(Tx(match &self.0 {
            Backend::Sqlite { writer, timeout, .. } => TxOf::Sqlite(writer.begin(*timeout).await?),
            Backend::Postgres(postgres) => TxOf::Postgres(postgres.begin().await?),
        }))
    }

    /// A transaction that may take `span`: for what no request waits for.
    pub async fn begin_within(&self, span: Duration) -> Result<Tx> {
        self.begin().await?.within(span, false).await
    }

    /// A transaction that waits for no lock of a request: where they hold each other up, this one ends.
    pub async fn begin_giving_way(&self) -> Result<Tx> {
        let mut tx = self.begin().await?;
        tx.give_way().await?;
        Ok(tx)
    }
}

impl Tx {
    /// Makes the transaction count; when this returns, it is on the disk.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            TxOf::Sqlite(turn) => turn.commit().await,
            TxOf::Postgres(lease) => lease.commit().await,
        }
    }

    /// With no bound, not for locks either: for what an operator waits for.
    async fn unbounded(self) -> Result<Self> {
        self.within(Duration::from_secs(24 * 3_600), true).await
    }

    async fn within(self, span: Duration, locks: bool) -> Result<Self> {
        Ok(Self(match self.0 {
            TxOf::Sqlite(turn) => TxOf::Sqlite(turn.within(span)),
            TxOf::Postgres(lease) => TxOf::Postgres(lease.within(span, locks).await?),
        }))
    }

    /// Waits for no lock that a request has for longer than a moment.
    async fn give_way(&mut self) -> Result<()> {
        // Well before the server looks for deadlocks, and ends whichever it likes (`deadlock_timeout`).
        const SHORT: &str = "SET LOCAL lock_timeout = 100";
        if self.is_postgres() { sql::script(self, SHORT).await } else { Ok(()) }
    }

    fn is_postgres(&self) -> bool {
        matches!(self.0, TxOf::Postgres(_))
    }
}

impl Db for Reader {
    fn exec(&mut self) -> Exec<'_> {
        match &mut self.0 {
            ReaderOf::Sqlite(conn, _) => Exec::Sqlite(conn),
            ReaderOf::Postgres(lease) => Exec::Postgres(lease.conn()),
        }
    }

    fn begins(&mut self) -> Instant {
        match &mut self.0 {
            ReaderOf::Sqlite(_, timeout) => Instant::now() + *timeout,
            ReaderOf::Postgres(lease) => lease.begins(),
        }
    }

    fn ended(&mut self, error: Option<&StoreError>) {
        if let ReaderOf::Postgres(lease) = &mut self.0 {
            lease.ended(error);
        }
    }

    fn again(&self) -> bool {
        true
    }

    async fn another(&mut self) -> Result<()> {
        match &mut self.0 {
            ReaderOf::Sqlite(..) => Ok(()),
            ReaderOf::Postgres(lease) => lease.another().await,
        }
    }
}

impl Db for Tx {
    fn exec(&mut self) -> Exec<'_> {
        match &mut self.0 {
            TxOf::Sqlite(turn) => Exec::Sqlite(turn.conn()),
            TxOf::Postgres(lease) => Exec::Postgres(lease.conn()),
        }
    }

    fn begins(&mut self) -> Instant {
        match &mut self.0 {
            TxOf::Sqlite(turn) => turn.until(),
            TxOf::Postgres(lease) => lease.begins(),
        }
    }

    fn ended(&mut self, error: Option<&StoreError>) {
        if let TxOf::Postgres(lease) = &mut self.0 {
            lease.ended(error);
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
            "sqlite://hunter2%20m.db",
            "postgres://u:hunter2@one,two:x/db",
            "postgres://u:hunter2@h/db?host=one,two",
            "postgres://u:hunter2@h/db?target_session_attrs=hunter2",
        ] {
            let why = check_url(url).expect_err(url);
            assert!(!why.contains(SECRET) && !why.is_empty(), "{url}: {why}");
        }
        assert!(check_url("postgres://u@h/db?sslpassword=x").unwrap_err().contains("sslpassword"));
        for url in [
            "sqlite://m.db",
            "sqlite:///var/lib/m.db",
            "sqlite://100%.db",
            "postgres://u:p@one:5432,two,[::1]:5433/db?target_session_attrs=read-write",
            "postgres://u:p%3Fss@h/db",
            "postgresql://u@h:5432/db?sslmode=require&application_name=x",
            "postgres://u@%2Frun%2Fpostgresql/db",
            "postgres://u@h/db?options[search_path]=a",
        ] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
    }
}
