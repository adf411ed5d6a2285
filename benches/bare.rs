//! The driver alone: the statements of an operation, without HTTP and without our code.
//!
//! SQLite has one writer with the pragmas of the real one; whatever waits is done in one transaction, so that
//! a single sync to the disk serves all of it. PostgreSQL has a pool of the same size as the real one.

use std::sync::Arc;

use multauth::settings::Settings;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, PgPool, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use crate::load::{AT_ONCE, Failed, Result};

/// A parameter.
#[derive(Clone)]
pub enum Value {
    /// TEXT.
    Text(String),
    /// BIGINT.
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// A statement with its parameters.
type Filled = (&'static str, Vec<Value>);

/// What an operation sends: reads, then at most one transaction.
pub struct Plan {
    reads: Vec<(&'static str, usize)>,
    writes: Vec<(&'static str, usize)>,
}

impl Plan {
    /// Understands what was recorded. `known` has a part of each statement's text; where it stands there is
    /// where [`Plan::fill`] finds its parameters.
    ///
    /// # Errors
    /// Where a statement is not known, or one that is known was not sent: the bench is out of date.
    pub fn of(recorded: Vec<String>, known: &[&str]) -> Result<Arc<Self>> {
        let (mut plan, mut writing) = (Self { reads: Vec::new(), writes: Vec::new() }, false);
        for sql in recorded {
            if sql.starts_with("BEGIN") || sql == "COMMIT" {
                writing = sql.starts_with("BEGIN");
                continue;
            }
            let place = known.iter().position(|part| sql.contains(part));
            let place = place.ok_or_else(|| format!("a statement that the bench does not know: {sql}"))?;
            let list = if writing { &mut plan.writes } else { &mut plan.reads };
            list.push((&*sql.leak(), place));
        }
        let sent = |place: usize| plan.reads.iter().chain(&plan.writes).any(|step| step.1 == place);
        match (0..known.len()).find(|place| !sent(*place)) {
            Some(place) => Err(format!("the operation did not send {}", known[place]).into()),
            None => Ok(Arc::new(plan)),
        }
    }

    /// One transaction of `writes`, each of which has parameters of its own, in this order.
    pub fn transaction(writes: impl IntoIterator<Item = String>) -> Self {
        let writes = writes.into_iter().enumerate().map(|(place, sql)| (&*sql.leak(), place));
        Self { reads: Vec::new(), writes: writes.collect() }
    }

    /// The statements with `values`, in the order of `known`.
    fn fill<const N: usize>(&self, values: [Vec<Value>; N]) -> (Vec<Filled>, Vec<Filled>) {
        let fill = |steps: &[(&'static str, usize)]| {
            steps.iter().map(|(sql, place)| (*sql, values[*place].clone())).collect()
        };
        (fill(&self.reads), fill(&self.writes))
    }
}

/// The driver on the database of an instance.
#[derive(Clone)]
pub enum Bare {
    /// SQLite's.
    Sqlite {
        /// The readers.
        read: SqlitePool,
        /// The way to the writer.
        write: mpsc::Sender<Job>,
    },
    /// PostgreSQL's.
    Postgres(PgPool),
}

/// One transaction on its way to SQLite's writer.
pub struct Job {
    writes: Vec<Filled>,
    done: oneshot::Sender<Result<()>>,
}

/// What only bounds a table, and finds nothing where there is little.
const BOUNDS: &str = "DELETE FROM known_devices";

/// Sends one statement; a write must have touched a row, else nothing was measured.
macro_rules! send {
    ($sql:expr, $values:expr, $conn:expr, $write:expr) => {{
        let mut query = sqlx::query($sql);
        for value in $values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
            };
        }
        if $write {
            let touched = query.execute(&mut *$conn).await?.rows_affected();
            if touched == 0 && !$sql.starts_with(BOUNDS) {
                return Err(Failed::from(format!("it touched no row: {}", $sql)));
            }
        } else {
            query.fetch_optional(&mut *$conn).await?;
        }
    }};
}

impl Bare {
    /// Opens the database of `settings`.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let (url, connections) = (settings.database.url.expose(), settings.database.connections);
        let Some(path) = url.strip_prefix("sqlite://") else {
            return Ok(Self::Postgres(
                PgPoolOptions::new()
                    .max_connections(connections)
                    .test_before_acquire(false)
                    .connect(url)
                    .await?,
            ));
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("temp_store", "memory")
            .pragma("cache_size", "-2000")
            .pragma("wal_autocheckpoint", "1000")
            .pragma("journal_size_limit", "16777216");
        let writer = SqliteConnection::connect_with(&options).await?;
        let read = SqlitePoolOptions::new().max_connections(connections).test_before_acquire(false);
        let read = read.connect_with(options.read_only(true)).await?;
        let (write, jobs) = mpsc::channel(AT_ONCE);
        tokio::spawn(writing(writer, jobs));
        Ok(Self::Sqlite { read, write })
    }

    /// Runs a plan once.
    pub async fn run<const N: usize>(&self, plan: &Plan, values: [Vec<Value>; N]) -> Result<()> {
        let (reads, writes) = plan.fill(values);
        match self {
            Self::Sqlite { read, write } => {
                if !reads.is_empty() {
                    let mut conn = read.acquire().await?;
                    for (sql, values) in reads {
                        send!(sql, values, conn, false);
                    }
                }
                if writes.is_empty() {
                    return Ok(());
                }
                let (done, outcome) = oneshot::channel();
                write.send(Job { writes, done }).await.map_err(|_| "the writer stopped")?;
                outcome.await?
            }
            Self::Postgres(pool) => {
                let mut conn = pool.acquire().await?;
                for (sql, values) in reads {
                    send!(sql, values, conn, false);
                }
                if !writes.is_empty() {
                    let mut tx = conn.begin().await?;
                    for (sql, values) in writes {
                        send!(sql, values, tx, !sql.starts_with("SELECT"));
                    }
                    tx.commit().await?;
                }
                Ok(())
            }
        }
    }
}

/// SQLite's writer: whatever waits goes into one transaction.
async fn writing(mut conn: SqliteConnection, mut jobs: mpsc::Receiver<Job>) {
    while let Some(first) = jobs.recv().await {
        let mut waiting = Vec::new();
        let outcome = together(&mut conn, first, &mut jobs, &mut waiting).await.map_err(|e| e.to_string());
        for done in waiting {
            let _ = done.send(outcome.clone().map_err(Failed::from));
        }
    }
}

async fn together(
    conn: &mut SqliteConnection,
    first: Job,
    jobs: &mut mpsc::Receiver<Job>,
    waiting: &mut Vec<oneshot::Sender<Result<()>>>,
) -> Result<()> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
    let mut next = Some(first);
    while let Some(job) = next {
        waiting.push(job.done);
        for (sql, values) in job.writes {
            send!(sql, values, conn, !sql.starts_with("SELECT"));
        }
        next = jobs.try_recv().ok().filter(|_| waiting.len() < AT_ONCE);
    }
    sqlx::query("COMMIT").execute(&mut *conn).await?;
    Ok(())
}
