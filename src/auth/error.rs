//! Why an operation did not go on, in the words of the domain; the API alone knows HTTP.

use crate::auth::ask::Asking;
use crate::base::Fault;
use crate::hooks::Refusal;
use crate::secrets::hasher::Busy;
use crate::store::StoreError;
use crate::throttle::Limited;

/// Why an operation did not go on.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Fields of the input are wrong.
    #[error("the input is wrong")]
    Faults(Vec<Fault>),
    /// A secret does not match; how many guesses are left where a code was asked.
    #[error("the {secret} is wrong")]
    WrongSecret {
        /// Which secret.
        secret: String,
        /// Guesses left for that code.
        attempts_left: Option<i64>,
    },
    /// Too many calls, sends or guesses.
    #[error("too many")]
    TooMany {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// A factor rests after wrong guesses, for whoever comes from a device that is not known.
    #[error("the factor rests")]
    Rests {
        /// Seconds to wait.
        retry_after: u64,
        /// The attempt, and what may be shown first to be counted apart from whoever guessed.
        asking: Option<Box<Asking>>,
    },
    /// There is no such attempt, or it is over.
    #[error("the attempt is over")]
    AttemptGone,
    /// Nothing that the attempt asks for was given.
    #[error("the attempt asks for {0}")]
    NotAsked(String),
    /// The user has no configured way in.
    #[error("no flow is open to this user")]
    NoFlow,
    /// Somebody has that identifier.
    #[error("the {0} is taken")]
    Taken(&'static str),
    /// Somebody has that value of a unique field.
    #[error("the value of {} is taken", .0.field)]
    ValueTaken(Fault),
    /// The caller must prove again who they are.
    #[error("a fresh authentication is needed")]
    ReauthNeeded {
        /// The flow to re-authenticate by.
        flow: Option<String>,
    },
    /// The factor that is to go must be shown first, or something that vouches for it.
    #[error("the factor itself must be shown")]
    ProofNeeded,
    /// A hook said no, for this reason.
    #[error("refused: {0}")]
    Refused(String),
    /// There is no such thing, or it is somebody else's.
    #[error("not found")]
    NotFound,
    /// The last way into the account may not be removed (R126).
    #[error("that is the last way in")]
    LastWayIn,
    /// The link is unknown, over or was used.
    #[error("the link is dead")]
    LinkDead,
    /// No code was sent, or none can be sent again.
    #[error("no live code")]
    NoCode,
    /// The time of the code is over.
    #[error("the code is over")]
    CodeOver,
    /// The code has no guess left.
    #[error("the code is dead")]
    CodeDead,
    /// The code was used before.
    #[error("the code was used")]
    CodeUsed,
    /// The token is not valid.
    #[error("the token is not valid")]
    InvalidToken,
    /// The machine has no time to hash now.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The database could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

impl From<Fault> for AuthError {
    fn from(fault: Fault) -> Self {
        Self::Faults(vec![fault])
    }
}

impl From<Refusal> for AuthError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.reason)
    }
}

impl From<Limited> for AuthError {
    fn from(limited: Limited) -> Self {
        Self::TooMany { retry_after: limited.retry_after }
    }
}

/// What an operation gives.
pub type Result<T> = std::result::Result<T, AuthError>;
