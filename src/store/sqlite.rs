//! SQLite: one writer with group commit, many readers.
//!
//! Writers queue for the one connection in the order they came. The first one opens a transaction
//! and, when it is done, sends a committer to the end of the queue: whoever stood in the queue by
//! then works inside the same transaction, each behind a savepoint of its own, and one `COMMIT`
//! (one `fsync`) acknowledges them all. Alone, a writer pays for `BEGIN`, its statements and
//! `COMMIT`, nothing else.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::error::{Later, NONE_FREE};
use super::{StoreError, patience};

/// How long SQLite itself waits for another process.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a commit is waited for; it goes on though nobody waits any more.
const COMMIT: Duration = Duration::from_secs(5);

/// The one connection that writes.
#[derive(Clone)]
pub(super) struct Writer(Arc<Mutex<State>>);

struct State {
    conn: SqliteConnection,
    /// Whether a transaction is open.
    open: bool,
    /// Writers that are done and wait for the `COMMIT`.
    waiting: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

/// One writer's turn.
pub(super) struct Turn {
    state: Option<OwnedMutexGuard<State>>,
    writer: Writer,
    /// Until when it has to be done.
    until: Instant,
    savepoint: bool,
    /// Whether the savepoint's release is under way: what it holds belongs to the transaction then.
    released: bool,
}

/// Opens the database at `path`, making file and folder where they are missing.
pub(super) async fn open(path: &Path, readers: u32) -> Result<(SqlitePool, Writer), StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| StoreError::Folder(folder.display().to_string(), e))?;
    }
    make_private(path).map_err(|e| StoreError::Folder(path.display().to_string(), e))?;
    let options = options(path);
    let conn = SqliteConnection::connect_with(&options).await?;
    let read = SqlitePoolOptions::new()
        .max_connections(readers)
        .min_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .connect_with(options.read_only(true).create_if_missing(false))
        .await?;
    Ok((read, Writer(Arc::new(Mutex::new(State { conn, open: false, waiting: Vec::new() })))))
}

/// Makes a file that is missing, for its owner alone; what SQLite lays beside it takes its mode after it.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// WAL with `synchronous=FULL`: what is acknowledged has been synced to the disk.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE)
        .foreign_keys(true)
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-2000")
        .pragma("wal_autocheckpoint", "1000")
        .pragma("journal_size_limit", "16777216")
        .statement_cache_capacity(128)
}

impl Writer {
    /// Waits for its turn and opens a transaction, or a savepoint within the one that is open.
    pub(super) async fn begin(&self, deadline: Duration) -> Result<Turn, StoreError> {
        let state = patience::wait(self.0.clone().lock_owned()).await;
        let mut state = state.ok_or(StoreError::Busy(NONE_FREE))?;
        let savepoint = state.open;
        let sql = if savepoint { "SAVEPOINT turn" } else { "BEGIN IMMEDIATE" };
        // Marked before the statement runs: where this future is dropped midway, the next turn mends it.
        state.open = true;
        let until = Instant::now() + deadline;
        let mut turn = Turn { state: Some(state), writer: self.clone(), until, savepoint, released: false };
        sqlx::query(sql).execute(turn.conn()).await?;
        Ok(turn)
    }

    /// Sends a committer to the end of the queue. It is a task of its own, so that no dropped request
    /// can stop it, and it stands in the queue before this returns. What is logged of it is said of the request that sends
    /// it, the first of those that it works for.
    async fn send_committer(&self) {
        let mut place = Box::pin(self.0.clone().lock_owned());
        let _ = futures_util::poll!(place.as_mut());
        tokio::spawn(async move { commit(place.await).await }.in_current_span());
    }
}

/// Commits whatever is open and tells everybody who waits for it.
async fn commit(mut state: OwnedMutexGuard<State>) {
    if !state.open {
        return; // it was given up meanwhile, and everybody was told
    }
    match sqlx::query("COMMIT").execute(&mut state.conn).await {
        Ok(_) => state.close(None),
        Err(error) => state.give_up(&error.to_string()).await,
    }
}

impl State {
    /// Undoes the whole transaction: nobody in it was acknowledged, and everybody is told.
    async fn give_up(&mut self, why: &str) {
        let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
        self.close(Some(why));
    }

    fn close(&mut self, failed: Option<&str>) {
        self.open = false;
        for writer in self.waiting.drain(..) {
            let told = failed.map_or(Ok(()), |why| Err(StoreError::Commit(why.to_owned())));
            let _ = writer.send(told);
        }
    }

    /// Undoes one turn. Where its savepoint is gone, SQLite has ended the transaction by itself (a full disk,
    /// for instance), and the work of those who wait went with it.
    async fn undo(&mut self, savepoint: bool) {
        if !savepoint {
            return self.give_up("the first writer went away").await;
        }
        match sqlx::query("ROLLBACK TO turn").execute(&mut self.conn).await {
            Ok(_) => drop(sqlx::query("RELEASE turn").execute(&mut self.conn).await),
            Err(error) => self.give_up(&error.to_string()).await,
        }
    }
}

impl Turn {
    pub(super) fn conn(&mut self) -> &mut SqliteConnection {
        let state = self.state.as_mut().expect("a turn holds the writer until it commits or is dropped");
        &mut state.conn
    }

    /// Until when it has to be done.
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// With another deadline.
    pub(super) fn within(self, span: Duration) -> Self {
        let mut turn = self;
        turn.until = Instant::now() + span;
        turn
    }

    /// Ends the turn and waits until its work is on the disk.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        if self.savepoint {
            self.released = true;
            let released = sqlx::query("RELEASE turn").execute(self.conn()).await;
            self.released = released.is_ok();
            released?;
        }
        let (done, mut acknowledged) = oneshot::channel();
        if let Some(mut state) = self.state.take() {
            state.waiting.push(done);
            if state.waiting.len() == 1 {
                self.writer.send_committer().await;
            }
        }
        let acknowledged = match timeout(COMMIT, &mut acknowledged).await {
            Ok(acknowledged) => acknowledged,
            Err(_) => {
                let later = Later::new(async { matches!(acknowledged.await, Ok(Ok(()))) });
                return Err(StoreError::Unanswered(later));
            }
        };
        acknowledged.map_err(|_| StoreError::Commit("the committer was stopped".into()))?
    }
}

impl Drop for Turn {
    /// An abandoned turn is undone before the next writer begins.
    fn drop(&mut self) {
        let Some(mut state) = self.state.take() else { return };
        let savepoint = self.savepoint;
        if !self.released {
            tokio::spawn(async move { state.undo(savepoint).await }.in_current_span());
        }
    }
}
