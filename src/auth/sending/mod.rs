//! What bounds a message before it is made, and what owners are told.
//!
//! An [`order`] says what is to be sent and where. [`limits`] asks every window for it, [`budget`] what it costs,
//! [`conversion`] whether codes to such numbers are typed at all, [`line_type`] what kind of line a number is,
//! [`mutes`] what the reader of a mailbox wants. To add a bound: a file that gives an answer about an [`order`], and a
//! line in [`limits::limit`].

pub(super) mod budget;
pub(super) mod conversion;
pub(super) mod counted;
pub(super) mod language;
pub(super) mod limits;
pub(super) mod line_type;
pub(super) mod mutes;
pub(super) mod notices;
pub(super) mod order;
pub(super) mod reach;
pub(super) mod recipient;
pub(super) mod way;
