//! Events in the words of accounts: what names a user, and what became of devices and sessions.

use serde_json::{Map, Value, json};

use super::{Account, claims};
use crate::base::{DeviceId, UserId};
use crate::events::{By, Event, NewEvent};
use crate::store::devices::{Device, Gone};
use crate::users::profile;

/// What names the user of an account: the profile and the confirmed identifiers.
pub fn named(account: &Account) -> Value {
    naming(of(account), account.confirmed())
}

/// [`named`] as it is once `gone` are removed and `new` counts.
pub fn named_with(account: &Account, gone: &[&DeviceId], new: Option<&Device>) -> Value {
    let left = |d: &&Device| !gone.contains(&&d.id) && new.is_none_or(|new| new.id != d.id);
    naming(of(account), account.confirmed().filter(left).chain(new))
}

fn of(account: &Account) -> (&UserId, &str, &str) {
    (&account.user.id, &account.user.profile, &account.user.group_names)
}

/// What names the user of that id, with that profile and those groups (both as they are stored), by the devices that
/// count: `{"user": {"id", "profile", "groups", "identifiers": {"email": ["…"]}}}`.
pub fn naming<'d>(
    (user_id, profile, groups): (&UserId, &str, &str),
    counting: impl Iterator<Item = &'d Device>,
) -> Value {
    let mut identifiers = Map::new();
    for device in counting {
        let Some(canonical) = &device.canonical else { continue };
        let of_kind = identifiers.entry(device.kind.clone()).or_insert_with(|| json!([]));
        if let Some(of_kind) = of_kind.as_array_mut() {
            of_kind.push(canonical.as_str().into());
        }
    }
    let profile = profile::stored(profile);
    let groups = claims::groups(groups);
    json!({ "user": { "id": user_id, "profile": profile, "groups": groups, "identifiers": identifiers } })
}

/// A device was added.
pub fn added(by: By, device: &Device) -> NewEvent {
    let confirmed = device.confirmed_at.is_some();
    Event::DeviceAdded { by, device: device.id.clone(), kind: device.kind.clone(), confirmed }
        .of(&device.user_id)
}

/// A device counts from now on.
pub fn confirmed(device: &Device) -> NewEvent {
    Event::DeviceConfirmed { device: device.id.clone(), kind: device.kind.clone() }.of(&device.user_id)
}

/// A device was removed.
pub fn removed(by: By, device: &Device) -> NewEvent {
    Event::DeviceRemoved { by, device: device.id.clone(), kind: device.kind.clone() }.of(&device.user_id)
}

/// The label of a device was changed, or which one of its kind comes first.
pub fn changed(device: &Device, primary: bool) -> NewEvent {
    let (id, kind) = (device.id.clone(), device.kind.clone());
    Event::DeviceChanged { by: By::User, device: id, kind, primary }.of(&device.user_id)
}

/// Devices were removed without being asked for one by one.
pub fn dropped(by: By, gone: Vec<Gone>) -> impl Iterator<Item = NewEvent> {
    gone.into_iter()
        .map(move |gone| Event::DeviceRemoved { by, device: gone.id, kind: gone.kind }.of(&gone.user_id))
}

/// Sessions of a user ended; nothing where there were none.
pub fn ended(user_id: &UserId, reason: &'static str, count: u64) -> Option<NewEvent> {
    (count > 0).then(|| Event::SessionEnded { reason, count }.of(user_id))
}

/// Names of the fields in which two profiles (JSON objects) differ, sorted.
pub fn changed_fields(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (profile::stored(before), profile::stored(after));
    let mut names: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| before.get(name) != after.get(name));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_came_went_or_changed_are_named() {
        let before = r#"{"a": 1, "b": 2, "c": {"x": 1}, "e": 1}"#;
        let after = r#"{"c": {"x": 2}, "b": 2, "d": null, "e": 1}"#;
        assert_eq!(changed_fields(before, after), ["a", "c", "d"]);
        assert!(changed_fields(after, after).is_empty());
    }
}
