//! Why a command did not do what it was told, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

use crate::auth::AuthError;
use crate::keys::{KeyError, MasterKeyError};
use crate::settings::Located;
use crate::startup::StartError;
use crate::store::StoreError;

/// What a command gives.
pub type Outcome = Result<(), Failure>;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The settings are wrong: exit code 2.
    Settings(Vec<Located>),
    /// An argument is wrong in a way that only its meaning shows: exit code 2.
    Argument(String),
    /// Something else: exit code 1.
    Failed(String),
    /// It failed and has said so already: exit code 1.
    Told,
}

impl Failure {
    /// A failure that `what` describes.
    pub fn failed(what: impl fmt::Display) -> Self {
        Self::Failed(what.to_string())
    }

    /// What the process ends with.
    pub fn code(&self) -> ExitCode {
        match self {
            Self::Settings(_) | Self::Argument(_) => ExitCode::from(2),
            Self::Failed(_) | Self::Told => ExitCode::from(1),
        }
    }

    /// `error` of an operation on `what`, such as "user 123".
    pub fn of(what: &str, error: AuthError) -> Self {
        match error {
            AuthError::NotFound => Self::Failed(format!("there is no {what}")),
            AuthError::LastWayIn => Self::Failed(format!(
                "without {what} its owner could not sign in any more; `--force` removes it all the same"
            )),
            AuthError::Faults(faults) => {
                Self::Argument(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
            error => Self::failed(error),
        }
    }
}

impl fmt::Display for Failure {
    /// Whole lines: a line a mistake of the settings, else one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(mistakes) => mistakes.iter().try_for_each(|mistake| writeln!(f, "{mistake}")),
            Self::Argument(what) | Self::Failed(what) => writeln!(f, "multauth: {what}"),
            Self::Told => Ok(()),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Settings(mistakes) => Self::Settings(mistakes),
            error => Self::failed(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::failed(error)
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::failed(error)
    }
}

impl From<MasterKeyError> for Failure {
    fn from(error: MasterKeyError) -> Self {
        Self::failed(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error)
    }
}
