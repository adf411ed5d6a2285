//! The operations: what the API, the pages and the command line call.
//!
//! Four doors ([`doors`]), one corridor ([`walk`]). Sign-in, recovery and re-authentication walk the flows
//! at an account; sign-up ([`signup`]) proves an address and makes one. What comes out is
//! [`progress::Progress`]: what is asked next, or done. Every operation reads, thinks, writes and tells, in
//! this order, and nothing slow happens inside a transaction.

pub mod account;
pub mod attempts;
mod codes;
pub mod devices;
pub mod error;
mod guesses;
pub mod input;
pub mod links;
pub mod me;
pub mod operator;
pub mod purpose;
pub mod sessions;
pub mod signup;
pub mod verification;

pub use error::{AuthError, Result};
