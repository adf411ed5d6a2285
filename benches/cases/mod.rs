//! A file a figure. To add a throughput: a file with a `run`, its name in [`THROUGHPUT`], a line in [`run`].

pub mod binary;
pub mod code;
pub mod introspection;
pub mod outbox;
pub mod password;
pub mod queue;
pub mod refresh;
pub mod signup;
pub mod vendor;
pub mod webhooks;

use std::sync::Arc;

use crate::http::Http;
use crate::instance::Instance;
use crate::load::{AT_ONCE, Options, Result};
use crate::people::Person;
use crate::recorder::Recorder;
use crate::row::Row;

/// What the statements alone are called in the table.
const STATEMENTS: &str = "(the statements alone)";
/// What is to be reached of them.
const GOAL: f64 = 0.6;

/// Where and how a case is measured.
pub struct Place<'a> {
    /// The server.
    pub instance: &'a Instance,
    /// Its users.
    pub people: &'a Arc<Vec<Person>>,
    /// Finds the statements of an operation.
    pub recorder: &'a Recorder,
    /// How long, how often.
    pub options: &'a Options,
    /// The figure's name.
    pub title: String,
}

/// What is measured on every database.
pub const THROUGHPUT: [&str; 5] =
    ["sign-in by password", "refresh", "code verification", "introspection", "messages sent"];

/// Measures one of [`THROUGHPUT`].
pub async fn run(what: &str, place: Place<'_>) -> Result<Row> {
    match what {
        "sign-in by password" => password::run(place).await,
        "refresh" => refresh::run(place).await,
        "code verification" => code::run(place).await,
        "introspection" => introspection::run(place).await,
        "messages sent" => outbox::run(place).await,
        other => Err(format!("{other} is measured nowhere").into()),
    }
}

impl Place<'_> {
    /// One connection for each that works at the same time.
    async fn connections(&self) -> Result<Vec<Http>> {
        let mut all = Vec::new();
        for _ in 0..AT_ONCE {
            all.push(Http::open(self.instance.address).await?);
        }
        Ok(all)
    }
}
