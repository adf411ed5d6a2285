//! What a kind of an own program, or of the settings, is held to: a name that nothing else has, and capabilities
//! that this server can keep.

use super::{DEVICES, DeviceKind, Rules};
use crate::flows::Factor;
use crate::messages::Channel;

/// Characters of a name at most.
const LONGEST: usize = 32;

/// Names that the API gives to something else; kinds of devices and secrets are not among them.
pub const TAKEN: &[&str] = &[
    "active",
    "ask",
    "attempt",
    "channel",
    "created_at",
    "current",
    "deleted_at",
    "device",
    "disabled_at",
    "flow",
    "groups",
    "handle",
    "has_password",
    "id",
    "identifier",
    "key",
    "kind",
    "known_device",
    "label",
    "new",
    "new_password",
    "own",
    "primary",
    "profile",
    "purpose",
    "recovery_codes",
    "refresh_token",
    "secret",
    "unlock_code",
    "wish",
    "secrets",
    "signed_in_at",
    "state",
    "to",
    "token",
    "user",
    "verification",
];

/// Why nothing new may have that name; `None` where it may. Names of secrets are not looked at.
pub fn name(name: &str) -> Option<String> {
    let sound = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= LONGEST
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !sound {
        let form = "the name must be lower-case letters, digits and underscores, a letter first";
        return Some(format!("{form}, {LONGEST} characters at most"));
    }
    if DEVICES.iter().any(|kind| kind.name() == name || kind.field() == name) {
        return Some(format!("\"{name}\" is built in; choose another name"));
    }
    let taken = TAKEN.contains(&name);
    taken.then(|| {
        format!("\"{name}\" is a field of the API already; choose another name, such as \"{name}_no\"")
    })
}

/// What an own kind says of itself that cannot be; empty where all of it can. Its name is [`name()`]'s matter.
pub fn capabilities(kind: &dyn DeviceKind) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |right: bool, why: &str| {
        if !right {
            wrong.push(why.to_owned());
        }
    };
    must(kind.field() == kind.name(), "its field must be called as it is");
    must(kind.names_owner(), "it must name its owner: what only proves is a kind of secret");
    must(!kind.holds_secret(), "it cannot hold a secret: make that a kind of secret");
    must(!kind.title().is_empty(), "it needs a title");
    let built_in = kind.channels().iter().all(|channel| Channel::from_name(channel).is_some());
    must(built_in, "its channels must be built-in ones");
    let sent = !kind.channels().is_empty();
    must(kind.carries_passcode() == sent, "it carries passcodes where it has channels, and only there");
    must(kind.factor().is_some() == sent, "it has a factor where it carries passcodes, and only there");
    let phones = kind.channels().iter().all(|channel| super::is_phone(channel));
    let honest = match kind.factor() {
        None | Some(Factor::Reach) => true,
        Some(Factor::Restricted) => phones,
        Some(_) => false,
    };
    must(
        honest,
        "its factor must not be more than what its channels prove: Reach, or Restricted for phones alone",
    );
    let rules = Rules::default();
    let settled = kind.canonical(kind.example(), &rules).is_ok_and(|first| {
        kind.canonical(&first.canonical, &rules).is_ok_and(|again| again.canonical == first.canonical)
    });
    must(settled, "its example must be an address, and the canonical form of a canonical form the same");
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_that_nothing_else_has() {
        for free in ["employee_no", "badge", "a1"] {
            assert_eq!(name(free), None);
        }
        for taken in ["username", "hardcode", "card", "known_device", "new_password", "id", "kind"] {
            assert!(name(taken).is_some_and(|why| why.contains("choose another name")), "{taken}");
        }
        for odd in ["", "Badge", "1st", "_x", "a-b", "a b", "bädge", &"a".repeat(33)] {
            assert!(name(odd).is_some_and(|why| why.contains("lower-case")), "{odd}");
        }
    }
}
