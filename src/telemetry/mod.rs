//! What the server tells its operator: one line of log an event, and numbers.
//!
//! [`init`] starts the log; [`lines`] writes it, so that nothing a client sends can break or forge a line;
//! [`text`] is what makes a text safe to print; [`often`] holds back what would come once a request. [`request`] says of
//! each line which request it is of, and what is spawned for one takes that along (`in_current_span`). [`metrics`] has
//! every number by name; to add one, add it there.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub mod lines;
pub mod metrics;
mod often;
mod request;
pub mod text;

pub use lines::{Format, Lines};
pub use request::{request, user};

/// Why the log or the metrics could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The format is none of those there are.
    #[error("\"{0}\" is no log format; there are pretty, json")]
    Format(String),
    /// The level cannot be read.
    #[error("\"{level}\" is no log level: {why}; say error, warn, info, debug, trace, or info,sqlx=warn")]
    Level {
        /// What was given.
        level: String,
        /// What is wrong with it.
        why: String,
    },
    /// It was started before, by somebody else in this process.
    #[error("{0} started already")]
    Again(&'static str),
}

/// Starts the log of this process, on standard error.
///
/// `format` is `pretty` (a line for people) or `json` (a JSON object a line); `level` is a level, or
/// directives such as `info,sqlx=warn`.
///
/// # Errors
/// When one of them cannot be understood, or the log was started before.
pub fn init(format: &str, level: &str) -> Result<(), Error> {
    let format = Format::named(format).ok_or_else(|| Error::Format(format.into()))?;
    tracing_subscriber::registry()
        .with(filter(level)?)
        .with(Lines::new(format, io::stderr))
        .try_init()
        .map_err(|_| Error::Again("the log was"))
}

/// What other crates would say of secrets and people: the driver of PostgreSQL of what stands in the database's URL,
/// the plans of phone numbers of each number that is read.
const SILENCED: [&str; 2] = ["rlibphonenumber=warn", "sqlx_postgres::options=off"];

/// Whichever lines are wanted, they say of which request they are.
const REQUESTS: &str = "multauth::telemetry::request=error";

/// What is logged at `level`.
///
/// # Errors
/// [`Error::Level`].
pub fn filter(level: &str) -> Result<EnvFilter, Error> {
    let wrong = |why: String| Error::Level { level: level.into(), why };
    // `EnvFilter` takes a lone unknown word for the name of a module, and would then log nothing at all.
    let lone = !level.contains(['=', ',']);
    let blank = level.trim().is_empty();
    if blank || lone && level.parse::<tracing::level_filters::LevelFilter>().is_err() {
        return Err(wrong("it is not known".into()));
    }
    let mut filter = EnvFilter::builder().parse(level).map_err(|why| wrong(why.to_string()))?;
    let silent = level.trim().eq_ignore_ascii_case("off");
    for directive in SILENCED.into_iter().chain((!silent).then_some(REQUESTS)) {
        filter = filter.add_directive(directive.parse().map_err(|_| wrong(format!("{directive} is none")))?);
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_of_at_every_level_at_which_there_are_lines() {
        let told = |level: &str| {
            let lines = tracing_subscriber::registry().with(filter(level).unwrap());
            tracing::subscriber::with_default(lines, || !request("r1", "/v1/signin").is_disabled())
        };
        for level in ["error", "warn", "info", "trace", "multauth::outbox=warn", "off,multauth::api=error"] {
            assert!(told(level), "{level}");
        }
        assert!(!told("off"));
    }

    #[test]
    fn a_level_is_known_or_refused() {
        for level in ["info", "WARN", "off", "info,sqlx=warn", "multauth::outbox=trace"] {
            assert!(filter(level).is_ok(), "{level}");
        }
        for level in ["", "inof", "info,sqlx=wran"] {
            assert!(filter(level).is_err(), "{level}");
        }
        assert!(matches!(init("yaml", "info"), Err(Error::Format(_))));
    }
}
