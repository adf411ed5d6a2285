//! The operations: what the API, the pages and the command line call.
//!
//! Four doors ([`doors`]), one corridor ([`walk`]). Sign-in, recovery and re-authentication walk the flows
//! at an account; sign-up ([`signup`]) proves an address and makes one. What comes out is
//! [`progress::Progress`]: what is asked next, or done. Every operation reads, thinks, writes and tells, in
//! this order, and nothing slow happens inside a transaction.

pub mod account;
pub mod adding;
pub mod api_keys;
mod asks;
mod cards;
mod challenge;
mod channels;
mod checks;
mod chosen;
pub mod claims;
mod clearing;
pub mod confirm;
mod conversion;
pub mod deletion;
pub mod doors;
mod draft;
mod entry;
pub mod error;
pub mod fields;
mod finish;
mod gone;
mod guard;
mod hooked;
pub mod input;
pub mod introspect;
mod known;
mod language;
mod late;
mod line;
mod links;
pub mod lookup;
pub mod me;
mod mutes;
mod notices;
mod noting;
pub mod operate;
pub mod owned;
pub mod progress;
mod proofs;
pub mod proving;
pub mod purpose;
mod recent;
pub mod recover;
pub mod replacing;
pub mod rescue;
pub mod reset;
mod rest;
pub mod rules;
pub mod secret;
mod sending;
pub mod session;
mod shapes;
pub mod signup;
mod so_far;
mod spend;
pub mod standing;
mod totp;
pub mod trusted;
mod undo;
pub mod unfinished;
pub mod unlock;
mod vendor;
pub mod verification;
mod vouched;
mod walk;
pub mod way;
mod ways;

pub use error::{AuthError, Result};
