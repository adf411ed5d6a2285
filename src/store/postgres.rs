//! PostgreSQL: one pool.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use url::{Host, Url};

use super::StoreError;

/// How long a request may wait for a connection before it is told that the database is busy (R147).
const PATIENCE: Duration = Duration::from_secs(5);

/// The parameters of a URL that the driver understands, but for `options[…]`.
const PARAMETERS: [&str; 16] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
];
/// Parameters beside them.
const MORE: [&str; 2] = ["application_name", "options"];
/// Parameters of other drivers, which may be named in a refusal; of anything else the name may be a part of a password.
const FOREIGN: [&str; 16] = [
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "connection_limit",
    "gssencmode",
    "keepalives",
    "keepalives_idle",
    "load_balance_hosts",
    "passfile",
    "pgbouncer",
    "pool_timeout",
    "require_auth",
    "schema",
    "service",
    "sslpassword",
    "target_session_attrs",
];

/// What a URL says. The driver would log what it does not know, values and all: so every parameter is known here first.
///
/// # Errors
/// What is wrong with it, in words that have nothing of the URL in them.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, String> {
    let read = Url::parse(url)
        .map_err(|why| format!("is no URL: {why}; in a password %23 is #, %2F /, %3F ?, %40 @"))?;
    for (name, _) in read.query_pairs() {
        let known =
            PARAMETERS.iter().chain(&MORE).any(|known| *known == name) || name.starts_with("options[");
        if !known {
            let which = FOREIGN.iter().find(|foreign| **foreign == name);
            let which = which.map_or("a parameter".to_owned(), |foreign| format!("the parameter {foreign}"));
            let there_are = PARAMETERS.iter().chain(&MORE).copied().collect::<Vec<_>>().join(", ");
            return Err(format!(
                "has {which}, which is not known here; there are: {there_are}. In a password ? is written %3F"
            ));
        }
    }
    let options: PgConnectOptions =
        url.parse().map_err(|_| "has a parameter whose value is not understood".to_owned())?;
    // The driver looks an address in brackets up as a name.
    Ok(match read.host() {
        Some(Host::Ipv6(address)) => options.host(&address.to_string()),
        _ => options,
    })
}

/// Opens a pool of at most `connections` connections.
pub(super) async fn open(url: &str, connections: u32) -> Result<PgPool, StoreError> {
    let options = options(url).map_err(StoreError::Url)?;
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
