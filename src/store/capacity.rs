//! How many connections the server allows, which may be fewer than `database.connections`.

use super::sql::{self, Db, Result};
use super::{Exec, Store};

/// The least of what the role, the database and the server allow; the server keeps some for its own operator.
const ALLOWED: &str = "SELECT CAST(LEAST(NULLIF(rolconnlimit, -1),
    (SELECT NULLIF(datconnlimit, -1) FROM pg_database WHERE datname = current_database()),
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int) AS BIGINT)
    FROM pg_roles WHERE rolname = current_user";

/// How many connections this role may have to PostgreSQL; none for SQLite, where there is no such bound.
pub async fn of(store: &Store) -> Result<Option<i64>> {
    let mut db = store.read().await?;
    match db.exec() {
        Exec::Sqlite(_) => Ok(None),
        Exec::Postgres(_) => sql::scalar(&mut db, ALLOWED, ()).await,
    }
}

/// What to tell an operator who wants more `connections` than there may be.
pub async fn shortage(store: &Store, connections: u32) -> Result<Option<String>> {
    let allowed = of(store).await?.filter(|allowed| *allowed < i64::from(connections));
    Ok(allowed.map(|allowed| {
        format!(
            "database.connections is {connections}, and this role may have {allowed} in all: \
             lower the one, or raise the role's CONNECTION LIMIT or the server's max_connections"
        )
    }))
}
