//! Codes on their way to a person: made, sent, sent again, looked at.
//!
//! A challenge belongs to a scope (an attempt, a device, a verification) and a target within it. Sending
//! again replaces the code and keeps the count of guesses (R28). Where nobody has the identifier, the same
//! is done and the message goes to nobody (R15).

pub(super) mod challenge;
pub(super) mod dispatch;
pub(super) mod look;
pub(super) mod rest;
pub(super) mod send;
pub(super) mod shape;
pub(super) mod shown;
pub(super) mod vendor;
