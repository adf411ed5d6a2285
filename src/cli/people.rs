//! Devices as an operator sees them: whose they are and whether they count, never a whole address.

use serde_json::{Value, json};

use super::print::{Table, moment, moment_or_none, time};
use crate::devices::Kinds;
use crate::store::devices::Device;

/// An address with its middle hidden; empty for a kind without one.
pub fn masked(kinds: &Kinds, device: &Device) -> String {
    let address = device.delivery.as_deref().or(device.canonical.as_deref());
    address.zip(kinds.kind(&device.kind)).map(|(to, kind)| kind.mask(to)).unwrap_or_default()
}

/// What a user is called by: their confirmed identifiers, masked.
pub fn names(kinds: &Kinds, devices: &[Device]) -> String {
    called(kinds, devices, |device| masked(kinds, device))
}

/// The same with whole addresses.
pub fn whole_names(kinds: &Kinds, devices: &[Device]) -> String {
    called(kinds, devices, |device| {
        device.delivery.as_ref().or(device.canonical.as_ref()).cloned().unwrap_or_default()
    })
}

fn called(kinds: &Kinds, devices: &[Device], shown: impl Fn(&Device) -> String) -> String {
    let naming = |device: &&Device| {
        let kind = kinds.kind(&device.kind);
        device.confirmed_at.is_some() && kind.is_some_and(|kind| kind.names_owner())
    };
    devices.iter().filter(naming).map(shown).collect::<Vec<_>>().join(", ")
}

/// A row a device.
pub fn table(kinds: &Kinds, devices: &[Device]) -> Table {
    let mut table = Table::new(&["ID", "KIND", "ADDRESS", "LABEL", "STATE", "ADDED", "LAST USED"]);
    for device in devices {
        table.row([
            device.id.to_string(),
            device.kind.clone(),
            masked(kinds, device),
            device.label.clone(),
            state(kinds, device).to_owned(),
            moment(device.created_at),
            moment_or_none(device.last_used_at),
        ]);
    }
    table
}

fn state(kinds: &Kinds, device: &Device) -> &'static str {
    let provable = kinds.kind(&device.kind).is_some_and(|kind| !kind.channels().is_empty());
    match (device.confirmed_at, device.proven_at) {
        (None, _) => "unconfirmed",
        (Some(_), None) if provable => "taken as confirmed",
        (Some(_), _) => "confirmed",
    }
}

/// A device for machines.
pub fn value(kinds: &Kinds, device: &Device) -> Value {
    json!({
        "id": device.id, "user": device.user_id, "kind": device.kind, "address": masked(kinds, device),
        "label": device.label, "primary": device.is_primary, "state": state(kinds, device),
        "created_at": time(Some(device.created_at)), "confirmed_at": time(device.confirmed_at),
        "last_used_at": time(device.last_used_at),
    })
}
