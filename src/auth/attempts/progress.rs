//! What an attempt answers: what is asked next, or that it is done.

use crate::auth::ask::Asking;
use crate::auth::sessions::basis::Tokens;
use crate::base::{Purpose, Sensitive, UserId};
use crate::store::devices::Device;

/// The state of an attempt, as its client sees it.
#[derive(Clone, Debug)]
pub enum Progress {
    /// Something is asked.
    Ask(Asking),
    /// It is over.
    Done(Done),
}

/// An attempt that is done.
#[derive(Clone, Debug)]
pub struct Done {
    /// What it was for.
    pub purpose: Purpose,
    /// The user's id.
    pub user: UserId,
    /// What the client carries from now on; a recovery gives none (R58).
    pub tokens: Option<Tokens>,
    /// Devices that were added within three days, where an account was recovered.
    pub recent: Vec<Recent>,
    /// Whether the recovery codes were dropped with the recovery.
    pub codes_gone: bool,
}

/// A device that was added lately, as whoever recovered the account is told.
#[derive(Clone, Debug)]
pub struct Recent {
    /// The device.
    pub device: Device,
    /// Its address, masked.
    pub to: Option<String>,
    /// The key that takes its addition back, by the code that the mail has beside it; none where nothing does.
    pub undo: Option<Sensitive>,
}

impl Done {
    /// One that says no more than for whom it is.
    pub fn of(purpose: Purpose, user: UserId) -> Self {
        Self { purpose, user, tokens: None, recent: Vec::new(), codes_gone: false }
    }
}
