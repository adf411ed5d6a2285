use std::path::PathBuf;

use serde::Deserialize;

use crate::base::Sensitive;
use crate::base::clock::{MINUTE, SECOND};
use crate::settings::check::Checks;
use crate::settings::{Span, form};

/// `[database]`: where the truth is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite://path` or `postgres://…`
    pub url: Sensitive,
    /// A file that holds the URL; it has been read into `url`.
    #[serde(deserialize_with = "form::path_or_none")]
    pub url_file: Option<PathBuf>,
    /// Connections in the pool.
    pub connections: u32,
    /// How long a statement that only reads, or a transaction, may take.
    pub timeout: Span,
}

/// `[redis]`: windows and caches that several instances share.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// `redis://…` or `rediss://…`; empty: each instance counts in its own memory.
    pub url: Sensitive,
    /// A file that holds the URL; it has been read into `url`.
    #[serde(deserialize_with = "form::path_or_none")]
    pub url_file: Option<PathBuf>,
    /// What every key begins with, so that several installations can share it.
    pub prefix: String,
    /// How many instances share it; while it is gone, each lets through its share of every limit (R49).
    pub instances: u32,
}

impl Database {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.within("database.connections", self.connections, 1..=1_000);
        checks.within("database.timeout", self.timeout, Span(SECOND)..=Span(MINUTE));
        let known = scheme_is(&self.url, &["sqlite", "postgres", "postgresql"]);
        checks.must(known, "database.url", "must begin with sqlite:// or postgres://");
    }
}

impl Redis {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.within("redis.instances", self.instances, 1..=1_000);
        let known =
            self.url.expose().is_empty() || scheme_is(&self.url, &["redis", "rediss", "redis+unix", "unix"]);
        checks.must(known, "redis.url", "must begin with redis:// or rediss://, or be \"\" for none");
        // Braces would end the part of a key that says where in a cluster it is kept.
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
        let sound = (1..=64).contains(&self.prefix.len()) && self.prefix.chars().all(plain);
        checks.must(sound, "redis.prefix", "must be 1 to 64 letters, digits, or . - _ : signs");
    }
}

fn scheme_is(url: &Sensitive, schemes: &[&str]) -> bool {
    url.expose().split_once(':').is_some_and(|(scheme, rest)| schemes.contains(&scheme) && !rest.is_empty())
}
