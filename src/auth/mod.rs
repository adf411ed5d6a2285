//! The operations: what the API, the pages and the command line call.
//!
//! Every operation reads, thinks, writes and tells, in this order, and nothing slow happens inside a transaction. A
//! row of this list names only rows below it:
//!
//! | row | | what happens there |
//! | --- | --- | --- |
//! | 11 | [`links`] | a link is opened, and spent |
//! | 10 | [`doors`] | an attempt begins, is answered, is sent a code, is given up |
//! | 9 | [`me`], [`operator`], [`signup`] | an account is made, changed by its owner, or by the operator |
//! | 8 | [`attempts`], [`deletion`] | an attempt at an account on its way; the end of an account |
//! | 7 | [`devices`], [`verification`] | devices are added, confirmed, removed; a number is proven without a user |
//! | 6 | [`codes`], [`sessions`] | a code is made, sent and looked at; a session is opened, kept alive, ended |
//! | 5 | [`guesses`] | who is counted, and who has to wait |
//! | 4 | [`sending`] | what bounds a message, and what owners are told |
//! | 3 | [`account`] | a user with all that is theirs |
//! | 2 | [`input`] | what a client gave |
//! | 1 | [`error`] | why an operation did not go on |
//! | 0 | [`ask`] | what can be asked |
//!
//! To add an operation: a function in its room that takes typed arguments and gives a [`Result`]; a handler in
//! [`crate::api`] that calls it.

pub mod account;
pub mod ask;
pub mod attempts;
mod codes;
pub mod deletion;
pub mod devices;
pub mod doors;
pub mod error;
mod guesses;
pub mod input;
pub mod links;
pub mod me;
pub mod operator;
mod sending;
pub mod sessions;
pub mod signup;
pub mod verification;

pub use error::{AuthError, Result};
