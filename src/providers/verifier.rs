//! Verifiers: vendors that make, send and check the code themselves.
//!
//! A verifier is a [`super::Provider`] whose `send` starts a verification at the vendor for the message's address and
//! answers with the vendor's name for it; our own code in the message stays unused. From then on the vendor alone
//! says which code is right, until the challenge is sent again by somebody else (R51: never two valid codes).

use async_trait::async_trait;

use crate::base::Sensitive;

/// The vendor's side of a code.
#[async_trait]
pub trait Verifier: Send + Sync {
    /// Whether `code` is right for the verification that the vendor calls `reference`. Asking costs a guess at
    /// the vendor too.
    async fn check(&self, reference: &str, code: &Sensitive) -> Verdict;

    /// How the verification stands, without a guess.
    async fn status(&self, reference: &str) -> Verdict;

    /// Whether the vendor can be asked at all now, by a call that concerns no verification: it is made where nobody has
    /// the number, so that a vendor that is away does not tell who has one. Fine where there is no such call.
    ///
    /// # Errors
    /// Why it cannot, for the operator's log.
    async fn reached(&self) -> Result<(), String> {
        Ok(())
    }

    /// Ends the verification: its code is dead from then on.
    ///
    /// # Errors
    /// For the operator's log.
    async fn cancel(&self, reference: &str) -> Result<(), String>;
}

/// What a vendor says of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right; the vendor has spent it.
    Right,
    /// It is wrong, or none came yet; there are guesses left.
    Pending,
    /// The verification is over: expired, cancelled, too many guesses, or the vendor does not know it.
    Over,
    /// The vendor cannot be asked now.
    Unavailable {
        /// What happened.
        why: String,
    },
}
