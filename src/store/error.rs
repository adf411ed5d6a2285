//! Why a statement or a transaction did not go through: each cause has a word of its own.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

/// Why a statement or a transaction did not go through.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique constraint was hit: somebody else has it already.
    #[error("already taken")]
    Taken,
    /// It had no time for us: every connection was in use, a lock was not free, two changes met.
    #[error("the database is busy: {0}")]
    Busy(&'static str),
    /// It, or a pooler before it, allows no more connections: in whose words.
    #[error("the database allows no more connections: {0}")]
    NoConnection(String),
    /// No connection can be made: why.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// A connection ended while it was used: how.
    #[error("the connection to the database was lost: {0}")]
    Lost(String),
    /// It said nothing until the deadline, after which its connection was given up.
    #[error("the database did not answer within database.timeout")]
    Silent,
    /// It takes no writes: a standby, or made so by its operator.
    #[error("the database is read-only: {0}")]
    ReadOnly(String),
    /// A transaction could not be made durable; nothing of it was kept.
    #[error("the transaction could not be committed: {0}")]
    Commit(String),
    /// The commit was sent and is not answered yet: whether it counts is not known.
    #[error("the database has not said yet whether it committed")]
    Unanswered(Later),
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

/// What becomes of a commit that was not answered in time.
#[derive(Clone, Debug)]
pub struct Later(Shared<BoxFuture<'static, bool>>);

impl Later {
    pub(super) fn new(kept: impl Future<Output = bool> + Send + 'static) -> Self {
        Self(kept.boxed().shared())
    }

    /// Waits until it is known; true where it counts. False where it does not, and where nobody will know.
    pub async fn is_kept(self) -> bool {
        self.0.await
    }
}

/// Why another writer's change and ours did not both go through.
pub(crate) const MET: &str = "two changes met";
/// Nobody gave a connection back in time.
pub(super) const NONE_FREE: &str = "no connection was free";

impl StoreError {
    /// Seconds after which the same may work.
    pub fn retry_after(&self) -> u64 {
        match self {
            Self::Busy(_) | Self::Taken => 1,
            Self::NoConnection(_) => 2,
            _ => 5,
        }
    }

    /// Whether nothing else would go through now, either: it is not of one row or lock.
    pub fn is_of_the_whole(&self) -> bool {
        match self {
            Self::Busy(why) => *why == NONE_FREE,
            Self::NoConnection(_)
            | Self::Unreachable(_)
            | Self::Lost(_)
            | Self::Silent
            | Self::ReadOnly(_) => true,
            _ => false,
        }
    }

    /// Whether the connection that it came by can be of no more use.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Silent | Self::ReadOnly(_))
    }

    /// Why no connection could be made.
    pub(super) fn of_connecting(error: sqlx::Error) -> Self {
        match Self::from(error) {
            // A pooler's word for it.
            Self::Lost(why) if why.contains("no more connections allowed") => Self::NoConnection(why),
            Self::Lost(why) => Self::Unreachable(why),
            other => other,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error::{Database, Io, PoolTimedOut, Protocol, Tls};
        match &error {
            Database(e) if e.is_unique_violation() => Self::Taken,
            Database(e) => {
                let (code, said) = (e.code().unwrap_or_default(), e.message());
                of_code(&code, said).unwrap_or(Self::Driver(error))
            }
            PoolTimedOut => Self::Busy(NONE_FREE),
            Io(_) | Tls(_) | Protocol(_) => Self::Lost(error.to_string()),
            _ => Self::Driver(error),
        }
    }
}

/// What a database's code means, where the same may work a moment later or on another connection: SQLite's result
/// codes, and PostgreSQL's SQLSTATE.
fn of_code(code: &str, said: &str) -> Option<StoreError> {
    let text = || said.to_owned();
    Some(match code {
        // SQLite is locked by another process.
        "5" | "6" | "261" | "517" => StoreError::Busy("another process writes"),
        "8" | "264" | "520" | "776" | "1032" | "1288" | "1544" => StoreError::ReadOnly(text()),
        "40001" | "40P01" => StoreError::Busy(MET),
        "55P03" => StoreError::Busy("somebody holds a lock"),
        "57014" => StoreError::Busy("a statement took too long"),
        "53300" => StoreError::NoConnection(text()),
        "25006" => StoreError::ReadOnly(text()),
        // Shut down, crashed, starting; a connection that sits in a transaction.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => StoreError::Lost(text()),
        code if code.len() == 5 && code.starts_with("08") => StoreError::Lost(text()),
        _ => return None,
    })
}
