//! Why nothing can be counted in Redis: it is not there, or it is there and refuses. Each refusal has a cause of its own,
//! and somebody who can mend it.

use redis::{ErrorKind, RedisError};

/// Why nothing can be counted in Redis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nobody answers.
    #[error("redis is gone: {0}")]
    Gone(String),
    /// It answers, and does not do what it is asked.
    #[error("redis refuses: {why}; {remedy}")]
    Refuses {
        /// Its own words, the code first.
        why: String,
        /// Who has to do what.
        remedy: String,
    },
}

impl Trouble {
    /// What an error of the driver means to whoever runs multauth; `prefix` is [`super::Server::prefix`].
    pub(super) fn of(error: &RedisError, prefix: &str) -> Self {
        let answered = match error.kind() {
            ErrorKind::Io | ErrorKind::Client => return Self::Gone(error.to_string()),
            ErrorKind::Server(_) | ErrorKind::Extension => true,
            // What is no answer of Redis, and a password that is not taken.
            _ => false,
        };
        let code = error.code().unwrap_or_default();
        let why = match error.detail() {
            Some(detail) if answered => format!("{code} {}", short(detail)),
            Some(detail) => short(detail).to_owned(),
            None => error.to_string(),
        };
        let remedy = match error.kind() {
            ErrorKind::AuthenticationFailed => PERSON.to_owned(),
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
                "what answers is no Redis: see redis.url".to_owned()
            }
            _ => remedy(code, &why, prefix, error.redirect_node()),
        };
        Self::Refuses { why, remedy }
    }

    /// What is said again only when it changes: that it is gone, or the code of a refusal.
    pub(super) fn kind(&self) -> &str {
        match self {
            Self::Gone(_) => "gone",
            Self::Refuses { why, .. } => why.split_whitespace().next().unwrap_or("refuses"),
        }
    }
}

/// Without what Redis adds of its script.
fn short(detail: &str) -> &str {
    detail.split(" script: ").next().unwrap_or(detail).trim_end()
}

const PERSON: &str = "redis.url must name a user and a password that it takes";

fn remedy(code: &str, why: &str, prefix: &str, node: Option<(&str, u16)>) -> String {
    // What a script is not allowed is told without a code of its own.
    let barred = why.contains("can't run this command") || why.contains("can't access");
    match code {
        "NOPERM" => rights(prefix),
        "ERR" if barred => rights(prefix),
        "ERR" if why.contains("DB index") || why.contains("SELECT") || why.contains("database") => {
            "redis.url must name a database that it has (a cluster has 0 alone)".into()
        }
        "ERR" if why.contains("max number of clients") => {
            "it must take more clients: raise its maxclients".into()
        }
        "NOAUTH" | "WRONGPASS" => PERSON.into(),
        "READONLY" => "redis.url must name the primary, and this is a replica".into(),
        "OOM" => {
            "it must have memory: raise its maxmemory, or set maxmemory-policy to one that evicts".into()
        }
        "WRONGTYPE" => format!(
            "keys that begin with {{{prefix}}}: must be of multauth alone: remove the others, or choose another \
             redis.prefix"
        ),
        "CLUSTERDOWN" => "every slot of its cluster must have a node that is up".into(),
        "MOVED" | "ASK" => {
            let (at, slot) = node.unwrap_or(("another node", 0));
            format!(
                "redis.url must name the node that has slot {slot}, which is {at}: multauth asks one node alone"
            )
        }
        "CROSSSLOT" => "what stands before it must send keys with {…} in them to one node".into(),
        "LOADING" => "it must have read its data first".into(),
        "MISCONF" => "it must be able to save: see its disk, or set stop-writes-on-bgsave-error to no".into(),
        "MASTERDOWN" => "redis.url must name the primary, and this is a replica that has lost it".into(),
        "NOREPLICAS" => "it must have as many replicas as its min-replicas-to-write asks for".into(),
        "BUSY" => "a script that somebody runs in it must end: SCRIPT KILL".into(),
        _ => "its log may say more".into(),
    }
}

/// What the script does, and so has to be allowed.
fn rights(prefix: &str) -> String {
    format!(
        "its user must be allowed ~{{{prefix}}}:* and +evalsha +script|load +time +hgetall +hmget +hset +hincrby \
         +hdel +pexpire"
    )
}
