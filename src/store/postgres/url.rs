//! Where the database is: what a URL says, of one host or of several.

use sqlx::postgres::PgConnectOptions;
use url::{Host, Url};

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
const MORE: [&str; 3] = ["application_name", "options", ATTRIBUTES];
/// What other drivers are told so that they look for the host that takes writes; it is looked for anyway.
const ATTRIBUTES: &str = "target_session_attrs";
/// Parameters of other drivers, which may be named in a refusal; of anything else the name may be a part of a password.
const FOREIGN: [&str; 15] = [
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
];

/// The hosts that a URL names, in their order: `postgres://user@one:5432,two:5432/name`.
///
/// # Errors
/// What is wrong with it, in words that have nothing of the URL in them.
pub(in super::super) fn hosts(url: &str) -> Result<Vec<PgConnectOptions>, String> {
    let (before, all, after) = apart(url);
    if all.contains(',') && all.split(',').any(str::is_empty) {
        return Err("names several hosts, one of them without a name".into());
    }
    if after.split(['?', '#']).next().is_some_and(|name| name.contains('@')) {
        return Err("has an @ behind its hosts; in a password %2F is /, %3F ?, %23 #".into());
    }
    let each: Result<Vec<_>, _> = all.split(',').map(|host| one(&format!("{before}{host}{after}"))).collect();
    if all.contains(',') && after.split(['?', '&']).skip(1).any(names_host) {
        return Err(
            "names several hosts, and by a parameter another: host, hostaddr and port stand before the /"
                .into(),
        );
    }
    each
}

/// Whether a part of a query says which host is meant.
fn names_host(part: &str) -> bool {
    matches!(part.split('=').next(), Some("host" | "hostaddr" | "port"))
}

/// What stands before the hosts, they, and what follows.
fn apart(url: &str) -> (&str, &str, &str) {
    let begins = url.find("://").map_or(0, |at| at + 3);
    let ends = url[begins..].find(['/', '?', '#']).map_or(url.len(), |at| begins + at);
    let hosts = url[begins..ends].rfind('@').map_or(begins, |at| begins + at + 1);
    (&url[..hosts], &url[hosts..ends], &url[ends..])
}

/// What a URL of one host says. The driver would log what it does not know, values and all: so every parameter is known
/// here first.
fn one(url: &str) -> Result<PgConnectOptions, String> {
    let mut read = Url::parse(url)
        .map_err(|why| format!("is no URL: {why}; in a password %23 is #, %2F /, %3F ?, %40 @"))?;
    for (name, value) in read.query_pairs() {
        sound(&name, &value)?;
    }
    let kept: Vec<(String, String)> =
        read.query_pairs().into_owned().filter(|(name, _)| name != ATTRIBUTES).collect();
    read.set_query(None);
    if !kept.is_empty() {
        read.query_pairs_mut().extend_pairs(kept);
    }
    let options: PgConnectOptions =
        read.as_str().parse().map_err(|_| "has a parameter whose value is not understood".to_owned())?;
    // The driver looks an address in brackets up as a name.
    Ok(match read.host() {
        Some(Host::Ipv6(address)) => options.host(&address.to_string()),
        _ => options,
    })
}

/// Whether a parameter is known, and means what it would elsewhere.
fn sound(name: &str, value: &str) -> Result<(), String> {
    let known = PARAMETERS.iter().chain(&MORE).any(|known| *known == name) || name.starts_with("options[");
    if !known {
        let which = FOREIGN.iter().find(|foreign| **foreign == name);
        let which = which.map_or("a parameter".to_owned(), |foreign| format!("the parameter {foreign}"));
        let there_are = PARAMETERS.iter().chain(&MORE).copied().collect::<Vec<_>>().join(", ");
        return Err(format!(
            "has {which}, which is not known here; there are: {there_are}. In a password ? is written %3F"
        ));
    }
    match name {
        "host" | "hostaddr" | "port" if value.contains(',') => {
            Err("names several hosts by a parameter: write them as in postgres://user@one:5432,two:5432/name"
                .into())
        }
        ATTRIBUTES if !matches!(value, "read-write" | "primary" | "any") => {
            Err(format!("has a {ATTRIBUTES} that is no use here: the host that takes writes is looked for"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_brackets_is_an_address() {
        let options = &hosts("postgres://u@[::1]:5433/db").unwrap()[0];
        assert_eq!((options.get_host(), options.get_port()), ("::1", 5433));
    }

    #[test]
    fn several_hosts_stand_one_after_the_other() {
        let all = hosts(
            "postgres://u:p%2C@one:5433,[::1],three/db?target_session_attrs=read-write&sslmode=disable",
        );
        let all: Vec<_> = all
            .unwrap()
            .iter()
            .map(|o| (o.get_host().to_owned(), o.get_port(), o.get_database().map(str::to_owned)))
            .collect();
        let db = || Some("db".to_owned());
        assert_eq!(
            all,
            [("one".into(), 5433, db()), ("::1".into(), 5432, db()), ("three".into(), 5432, db())]
        );
        for wrong in [
            "postgres://u@a,b:x/db",
            "postgres://u@/db?host=a,b",
            "postgres://u@a,b/db?host=c",
            "postgres://u@a,b/db?sslmode=disable&port=5433",
            "postgres://u@h/db?target_session_attrs=standby",
        ] {
            assert!(hosts(wrong).is_err(), "{wrong}");
        }
    }
}
