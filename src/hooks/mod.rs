//! Hooks: the operator's own systems, asked at four points ([`Point`]).
//!
//! A hook is a service that is called over HTTP (`[hooks.*]` in the settings, [`http`]) or a piece of an own program
//! (`multauth::Server::builder().hook(…)`, the trait [`Hook`]). Several are asked in their order, those of the
//! program first, and the first refusal ends it. All of one point together are given the time-out of that point; one
//! that does not answer in it, answers nonsense or panics counts as down, and `when_down` says what happens then. One
//! that could not be reached, or was too late, five times in a row is left alone for 30 seconds: until then it is
//! answered by `when_down` at once, and nobody waits for it. What it answers to one question never has that effect.
//!
//! `examples/own_hook.rs` is a whole program.

mod answers;
mod ask;
pub mod http;
mod questions;

use async_trait::async_trait;
use serde::Deserialize;

pub use answers::{Amend, Claims, Route, Without};
pub use ask::{Hooks, Refusal};
pub use questions::{Identifier, Offer, Sending, Signup, Tokens};

/// Where hooks are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A sign-up was understood; nothing was sent yet and no account was made.
    BeforeSignup,
    /// An access token is about to be made.
    BeforeTokens,
    /// A message is about to be handed to a provider.
    BeforeSending,
    /// An attempt begins, or its first secret was passed: what may be offered.
    Ways,
}

impl Point {
    /// Every point.
    pub const ALL: [Self; 4] = [Self::BeforeSignup, Self::BeforeTokens, Self::BeforeSending, Self::Ways];

    /// Its name: the table in the settings, and the `type` of a question.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeSignup => "before_signup",
            Self::BeforeTokens => "before_tokens",
            Self::BeforeSending => "before_sending",
            Self::Ways => "ways",
        }
    }
}

/// What a hook says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<T> {
    /// It may go on, with these changes.
    Allow(T),
    /// It ends here, for this reason: at most 200 characters on one line; the user is shown them, or the operator
    /// where it is a message that is not sent.
    Refuse(String),
}

impl<T: Default> Decision<T> {
    /// It may go on as it is.
    ///
    /// ```
    /// use multauth::hooks::{Amend, Decision};
    /// assert_eq!(Decision::allow(), Decision::Allow(Amend::default()));
    /// ```
    pub fn allow() -> Self {
        Self::Allow(T::default())
    }

    /// It ends here.
    ///
    /// ```
    /// use multauth::hooks::{Claims, Decision};
    /// let decision = Decision::<Claims>::refuse("Your subscription has ended.");
    /// ```
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::Refuse(reason.into())
    }
}

/// Why a hook gave no answer. It is logged: nothing personal belongs into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Down {
    /// It cannot be reached, or has no time: nobody asks it for a while.
    #[error("{0}")]
    Away(String),
    /// It answered what is no answer, which may be about this one question.
    #[error("{0}")]
    Wrong(String),
}

/// What a hook gives for a question: a decision, or that it is down.
pub type Answer<T> = Result<Decision<T>, Down>;

/// A hook of an own program. Every point has an answer already (go on): implement those that you need.
///
/// A hook is called by many tasks at once and must not block its thread. What it was asked may be asked again: a
/// client repeats a request, a message is tried twice.
///
/// ```
/// use multauth::hooks::{Amend, Answer, Decision, Hook, Signup};
///
/// struct Members;
///
/// #[async_trait::async_trait]
/// impl Hook for Members {
///     async fn before_signup(&self, asked: &Signup) -> Answer<Amend> {
///         let ours = asked.identifiers.iter().any(|id| id.kind == "email" && id.value.ends_with("@example.org"));
///         Ok(if ours { Decision::allow() } else { Decision::refuse("Members only.") })
///     }
/// }
/// ```
#[async_trait]
pub trait Hook: Send + Sync {
    /// What it is called in the log.
    fn name(&self) -> &str {
        "own"
    }

    /// Where it is asked; everywhere unless it says less. Less is quicker: a token that is refreshed costs a reading
    /// of its user where somebody is asked before tokens.
    fn points(&self) -> &[Point] {
        &Point::ALL
    }

    /// Somebody signs up: refuse, amend the profile, set groups. It is asked before any code is sent, whether or not
    /// somebody has the address already, and again where another username or profile is chosen: the groups, and the
    /// fields that only the operator writes, are then as if it had not been asked before.
    async fn before_signup(&self, asked: &Signup) -> Answer<Amend> {
        let _ = asked;
        Ok(Decision::allow())
    }

    /// An access token is about to be made: refuse, or add claims. They take the place of those from fields of the
    /// profile that users may write, not of those from other fields, and never of the groups.
    async fn before_tokens(&self, asked: &Tokens) -> Answer<Claims> {
        let _ = asked;
        Ok(Decision::allow())
    }

    /// A message is about to be handed over: refuse, or choose a provider. It is asked once a try.
    async fn before_sending(&self, asked: &Sending) -> Answer<Route> {
        let _ = asked;
        Ok(Decision::allow())
    }

    /// What an attempt offers: take channels or flows away. It is asked when an attempt begins, then without a user
    /// whether or not there is one, and again with the user once a first secret was passed. The answer holds for the
    /// attempt.
    async fn ways(&self, asked: &Offer) -> Answer<Without> {
        let _ = asked;
        Ok(Decision::allow())
    }
}

/// The two words of an answer over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Allow,
    Refuse,
}
