//! PostgreSQL: [`url`] reads where it is, [`connect`] makes a connection to the host that takes writes, [`pool`] has
//! connections go round, and a [`Lease`] is one in use: each statement has a deadline, and what fell silent is thrown
//! away, not given back.

mod connect;
mod lease;
mod pool;
mod url;

use std::sync::Arc;
use std::time::Duration;

pub(super) use lease::Lease;
pub(super) use url::hosts;

use self::connect::Hosts;
use self::pool::Pool;
use super::StoreError;

/// One database.
#[derive(Clone)]
pub(super) struct Postgres {
    pool: Arc<Pool>,
    timeout: Duration,
}

impl Postgres {
    /// Opens at most `connections` connections, each statement and transaction on which takes no longer than `timeout`.
    pub(super) async fn open(url: &str, connections: u32, timeout: Duration) -> Result<Self, StoreError> {
        let hosts = Hosts::new(hosts(url).map_err(StoreError::Url)?, timeout);
        let pool = Arc::new(Pool::new(hosts, connections as usize));
        pool.start().await?;
        Ok(Self { pool, timeout })
    }

    /// A connection for statements that change nothing.
    pub(super) async fn read(&self) -> Result<Lease, StoreError> {
        Ok(Lease::new(self.pool.take().await?, self.pool.clone(), self.timeout))
    }

    /// A transaction; where a connection turns out to be dead before anything was said on it, on another.
    pub(super) async fn begin(&self) -> Result<Lease, StoreError> {
        match self.read().await?.begun().await {
            Err(StoreError::Lost(_)) => self.read().await?.begun().await,
            outcome => outcome,
        }
    }
}
