//! Making a connection: the host that takes writes is found, and what holds for its session is set.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, Row};
use tokio::time::timeout;

use super::super::StoreError;

/// For how long a host is waited for alone; then, or once it refuses, the next one is tried beside it.
const LATER: Duration = Duration::from_millis(300);

/// How long one of them may take.
const ONE: Duration = Duration::from_millis(2_500);

/// Whether no transaction of this session may write: on a standby, or where the database's operator says so.
macro_rules! takes_no_writes {
    () => {
        "pg_is_in_recovery() OR current_setting('transaction_read_only')::bool"
    };
}

/// Where the database may be.
pub(super) struct Hosts {
    all: Vec<PgConnectOptions>,
    /// Which of them took writes when it was last asked.
    good: AtomicUsize,
    /// What is said first in a session.
    greeting: String,
}

/// A connection and what is known of it.
pub(super) struct Opened {
    pub(super) conn: PgConnection,
    /// Whether it takes no writes.
    pub(super) read_only: bool,
    /// When it was last seen to answer.
    pub(super) seen: Instant,
    pub(super) born: Instant,
}

impl Hosts {
    /// The hosts of one database; a statement that takes longer than `deadline` is to be ended by it.
    pub(super) fn new(all: Vec<PgConnectOptions>, deadline: Duration) -> Self {
        let all = all.into_iter().map(named).collect();
        Self { all, good: AtomicUsize::new(0), greeting: greeting(deadline) }
    }

    /// A connection to the first host that takes writes; to one that only reads where no other answers.
    pub(super) async fn connect(&self) -> Result<Opened, StoreError> {
        let first = self.good.load(Ordering::Relaxed);
        let mut hosts = (0..self.all.len()).map(|turn| (first + turn) % self.all.len()).peekable();
        let (mut tries, mut found) = (FuturesUnordered::new(), Found::default());
        loop {
            tries.extend(hosts.next().map(|host| self.try_one(host)));
            // Where there is a next host, it is not held up by one that is silent.
            let more = hosts.peek().is_some();
            let tried = if more { timeout(LATER, tries.next()).await } else { Ok(tries.next().await) };
            match tried {
                Ok(Some((host, Ok(opened)))) if !opened.read_only => {
                    self.good.store(host, Ordering::Relaxed);
                    return Ok(opened);
                }
                Ok(Some((_, outcome))) => found.note(outcome),
                Ok(None) => return found.best(),
                Err(_) => {}
            }
        }
    }

    async fn try_one(&self, host: usize) -> (usize, Result<Opened, StoreError>) {
        let opened = async {
            let mut conn = self.all[host].connect().await?;
            let row = sqlx::raw_sql(AssertSqlSafe(self.greeting.clone())).fetch_one(&mut conn).await?;
            let (read_only, now) = (row.try_get(0)?, Instant::now());
            Ok::<_, sqlx::Error>(Ok(Opened { conn, read_only, seen: now, born: now }))
        };
        let silent = || StoreError::Unreachable("it does not answer".into());
        let opened = timeout(ONE, opened).await.unwrap_or_else(|_| Ok(Err(silent())));
        (host, opened.unwrap_or_else(|error| Err(StoreError::of_connecting(error))))
    }
}

/// What the hosts that were tried and take no writes gave.
#[derive(Default)]
struct Found {
    reads: Option<Opened>,
    failed: Option<StoreError>,
}

impl Found {
    fn note(&mut self, outcome: Result<Opened, StoreError>) {
        match outcome {
            Ok(opened) => self.reads = Some(opened),
            // That a host has no more connections for us is not that it is gone: those that there are go round.
            Err(_) if matches!(self.failed, Some(StoreError::NoConnection(_))) => {}
            Err(error) => self.failed = Some(error),
        }
    }

    fn best(self) -> Result<Opened, StoreError> {
        match (self.reads, self.failed) {
            (_, Some(error @ StoreError::NoConnection(_))) | (None, Some(error)) => Err(error),
            (Some(opened), _) => Ok(opened),
            (None, None) => Err(StoreError::Unreachable("no host is named".into())),
        }
    }
}

/// What connections are called at the server, unless the URL says another name.
fn named(options: PgConnectOptions) -> PgConnectOptions {
    if options.get_application_name().is_some() { options } else { options.application_name("multauth") }
}

impl Opened {
    /// Whether it answers, and takes writes as it did.
    pub(super) async fn check(&mut self) -> Result<(), StoreError> {
        const ASK: &str = concat!("SELECT ", takes_no_writes!());
        let row = sqlx::raw_sql(ASK).fetch_one(&mut self.conn).await?;
        if row.try_get::<bool, _>(0)? != self.read_only {
            return Err(StoreError::ReadOnly("it was not before, or is no more".into()));
        }
        self.seen = Instant::now();
        Ok(())
    }
}

/// What holds for a session, whatever the database's own defaults are: the server ends a statement, a wait for a lock
/// and a transaction that nobody goes on with a little before we would give the connection up, it finds out that we
/// are gone, and a transaction sees what is committed (its statements rely on nothing more, and on no less).
fn greeting(deadline: Duration) -> String {
    let part = |tenths: u32| format!("{}ms", (deadline * tenths / 10).as_millis().max(1));
    let all = [
        ("statement_timeout", part(9)),
        ("lock_timeout", part(8)),
        ("idle_in_transaction_session_timeout", part(10)),
        ("default_transaction_isolation", "read committed".to_owned()),
        ("tcp_keepalives_idle", "30".to_owned()),
        ("tcp_keepalives_interval", "10".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
    ];
    let set: Vec<_> =
        all.iter().map(|(name, value)| format!("set_config('{name}', '{value}', false)")).collect();
    format!(concat!("SELECT ", takes_no_writes!(), ", {}"), set.join(", "))
}
