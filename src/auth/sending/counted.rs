//! By what messages are counted: an address, a key, a block of numbers, each in one form.

use crate::app::App;
use crate::devices;
use crate::messages::Channel;
use crate::throttle::block;

/// In whose name a block of numbers is counted where they are added to accounts. Accounts are free, so all of them
/// share it (R45).
pub const ADDED: &str = "added";

/// In whose name it is counted for a backend, by the id of its key.
pub fn of_key(id: &str) -> String {
    format!("key/{id}")
}

/// The block of a number, counted in the name of `whose`; strangers have none. Neighbours, and whoever asks for codes
/// to them, take nothing of what is counted in another name.
pub fn block_of(app: &App, e164: &str, whose: &str) -> String {
    app.subject(&["block", block(e164), whose])
}

/// The address in the one form that is counted: other capitals are no other mailbox (R44).
pub fn counted(app: &App, channel: Channel, address: &str) -> String {
    // A number is kept in one form alone (R98).
    let kind = app.plan.devices.kind("email").filter(|_| channel == Channel::Email);
    let canonical = kind.and_then(|kind| devices::read(kind, address, &app.rules).ok());
    canonical.map_or_else(|| address.to_owned(), |address| address.canonical)
}
