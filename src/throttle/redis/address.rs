//! What a URL of Redis says. The driver reads some of it and passes over the rest without a word: so all of it is known
//! here first.

use redis::{Client, ConnectionAddr};
use url::Url;

/// Parameters of other drivers, which may be named in a refusal; of anything else the name may be a part of a password.
const FOREIGN: [&str; 20] = [
    "client_name",
    "connect_timeout",
    "database",
    "db",
    "decode_responses",
    "max_connections",
    "pass",
    "password",
    "pool_size",
    "read_timeout",
    "socket_timeout",
    "ssl",
    "ssl_ca_certs",
    "ssl_cert_reqs",
    "timeout",
    "tls",
    "user",
    "username",
    "verify",
    "virtual_host",
];

const UNREAD: &str = "cannot be read as a URL of Redis; in a password %23 is #, %2F /, %3F ?, %40 @";

/// A client of the server at `url`.
///
/// # Errors
/// What is wrong with it, in words that have nothing of the URL in them.
pub(super) fn client(url: &str) -> Result<Client, String> {
    let read = redis::parse_redis_url(url).ok_or(UNREAD)?;
    let socket = read.scheme().ends_with("unix");
    fragment(&read)?;
    parameters(&read, socket)?;
    person(&read, socket)?;
    let client = Client::open(read).map_err(|_| UNREAD)?;
    let info = client.get_connection_info();
    if info.redis_settings().db() < 0 {
        return Err("names a database below 0".into());
    }
    let sound = match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            !host.is_empty() && *port > 0
        }
        _ => true,
    };
    if sound { Ok(client) } else { Err(UNREAD.into()) }
}

fn fragment(url: &Url) -> Result<(), String> {
    match url.fragment() {
        None => Ok(()),
        Some("insecure") => {
            Err("ends in #insecure, and the certificate of the server is always looked at: take it away, and trust \
                 its authority in the system's store"
                .into())
        }
        Some(_) => Err("has something behind a #, which means nothing; in a password # is written %23".into()),
    }
}

/// Each parameter is one that is read, once, with a value that is understood.
fn parameters(url: &Url, socket: bool) -> Result<(), String> {
    let known: &[&str] = if socket { &["protocol", "db", "user", "pass"] } else { &["protocol"] };
    let mut seen = Vec::new();
    for (name, value) in url.query_pairs() {
        let Some(known_one) = known.iter().find(|known| **known == name) else {
            return Err(stranger(&name, known));
        };
        if seen.contains(known_one) {
            return Err(format!("has the parameter {known_one} twice"));
        }
        seen.push(known_one);
        match *known_one {
            "protocol" if !matches!(&*value, "2" | "3" | "resp2" | "resp3") => {
                return Err("has a protocol that is not known: it is \"resp2\" or \"resp3\"".into());
            }
            "db" if value.parse::<u32>().is_err() => return Err("has a db that is no number".into()),
            _ => {}
        }
    }
    // `?` with nothing behind it is the beginning of something that was cut off.
    if url.query() == Some("") { Err("ends in a ? with nothing behind it".into()) } else { Ok(()) }
}

fn stranger(name: &str, known: &[&str]) -> String {
    let which = FOREIGN.iter().find(|foreign| **foreign == name);
    let told = which.map_or("a parameter".to_owned(), |foreign| format!("the parameter {foreign}"));
    let place = match which.copied() {
        Some("db" | "database") => {
            "; the number of the database stands behind the host, as in redis://HOST:6379/4"
        }
        Some("user" | "username" | "pass" | "password") => {
            "; user and password stand before the host, as in redis://USER:PASSWORD@HOST:6379"
        }
        Some("ssl" | "tls") => "; TLS is rediss:// instead of redis://",
        _ => "",
    };
    let known = known.join(", ");
    format!("has {told}, which is not known here; there are: {known}{place}. In a password ? is written %3F")
}

/// A user is only said to Redis together with a password; for a socket neither is looked for before a host.
fn person(url: &Url, socket: bool) -> Result<(), String> {
    let (named, password) = (!url.username().is_empty(), url.password().is_some());
    if socket && (named || password) {
        return Err("of a socket has user and password behind it: ?user=…&pass=…".into());
    }
    let pairs = |name: &str| url.query_pairs().any(|(known, _)| known == name);
    let (named, password) = if socket { (pairs("user"), pairs("pass")) } else { (named, password) };
    if named && !password {
        return Err(
            "names a user without a password, who would not be told to Redis; where it asks for none, any will do"
                .into(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2";

    #[test]
    fn what_is_not_read_is_refused_by_name_and_never_quoted() {
        for (url, says) in [
            ("redis://h?db=4", "the parameter db"),
            ("redis://h/?database=hunter2", "redis://HOST:6379/4"),
            ("redis://h?password=hunter2", "the parameter password"),
            ("redis://h?hunter2=1", "has a parameter, which"),
            ("redis://:a?hunter2=b@h", "cannot be read"),
            ("redis://u:1?hunter2=b@h", "has a parameter, which"),
            ("redis://h?ssl=true", "rediss://"),
            ("redis://h?protocol=hunter2", "protocol"),
            ("redis://h?protocol=2&protocol=3", "twice"),
            ("redis://h?", "nothing behind"),
            ("redis://h/hunter2", "cannot be read"),
            ("redis://h/-1", "below 0"),
            ("redis://h/1/2", "cannot be read"),
            ("redis://h#hunter2", "behind a #"),
            ("redis://h#insecure", "#insecure"),
            ("rediss://h#insecure", "#insecure"),
            ("rediss://h#hunter2", "behind a #"),
            ("redis://:p#hunter2@h", "cannot be read"),
            ("redis://hunter2@h", "without a password"),
            ("redis://hunter2:@h", "without a password"),
            ("redis://0.0.0.0", "cannot be read"),
            ("redis://h:0", "cannot be read"),
            ("redis://", "cannot be read"),
            ("redis:hunter2", "cannot be read"),
            ("hunter2", "cannot be read"),
            ("http://u:hunter2@h", "cannot be read"),
            ("unix://:hunter2@localhost/run/redis.sock", "?user="),
            ("unix:///run/redis.sock?db=hunter2", "no number"),
            ("unix:///run/redis.sock?user=hunter2", "without a password"),
            ("unix:///run/redis.sock?timeout=1", "the parameter timeout"),
            ("redis+unix://hunter2/run/redis.sock", "cannot be read"),
        ] {
            let why = client(url).err().unwrap_or_else(|| panic!("{url} is taken"));
            assert!(why.contains(says) && !why.contains(SECRET), "{url}: {why}");
        }
    }

    #[test]
    fn what_is_read_stays_possible() {
        for url in [
            "redis://h",
            "redis://h/",
            "redis://h:6380/4",
            "redis://:p%23%3F@h",
            "redis://u:p@h/0?protocol=resp3",
            "redis://[::1]:6379",
            "rediss://u:p@h:6379/1",
            "unix:///run/redis.sock",
            "redis+unix:///run/redis.sock?db=2&user=u&pass=p&protocol=3",
        ] {
            assert!(client(url).is_ok(), "{url}");
        }
        assert_eq!(client("redis://h/4").unwrap().get_connection_info().redis_settings().db(), 4);
    }
}
