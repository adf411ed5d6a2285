//! PostgreSQL: one pool.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::StoreError;

/// How long a request may wait for a connection before it is told that the database is busy (R147).
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a pool of at most `connections` connections.
pub(super) async fn open(url: &str, connections: u32) -> Result<PgPool, StoreError> {
    let options: PgConnectOptions = url.parse()?;
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(PATIENCE)
        // A ping before every statement would double the round trips; after a second of rest it is worth it.
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for > Duration::from_secs(1) {
                    sqlx::Connection::ping(conn).await?;
                }
                Ok(true)
            })
        })
        .connect_with(options.application_name("multauth"))
        .await?;
    Ok(pool)
}
