use std::collections::BTreeMap;

use serde::Deserialize;

use super::Span;
use super::check::Checks;
use crate::base::clock::DAY;

/// `[user]`: what is kept of a person beside the devices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Whether a new account may be used at once; otherwise the operator enables it.
    pub active: bool,
    /// The groups that a new account begins in.
    pub groups: Vec<String>,
    /// How long a deleted account can be brought back before it is purged; 0: not at all.
    pub deletion_grace: Span,
    /// The fields of the profile, by name.
    pub fields: BTreeMap<String, Field>,
}

/// `[user.fields.NAME]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// What the field holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Characters at most.
    pub max_length: u32,
    /// Sign-up asks for it; a field of the operator's own need not say no.
    #[serde(default)]
    pub required: bool,
    /// Takes a built-in field away; such a field is no longer in the loaded settings.
    #[serde(default)]
    pub off: bool,
}

/// What a field of the profile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Text.
    String,
}

impl User {
    pub(super) fn check(&self, checks: &mut Checks) {
        checks.within("user.deletion_grace", self.deletion_grace, Span(0)..=Span(365 * DAY));
        for (n, group) in self.groups.iter().enumerate() {
            let sound = is_group(group) && !self.groups[..n].contains(group);
            checks.must(sound, &format!("user.groups[{n}]"), GROUP);
        }
        for (name, field) in &self.fields {
            let path = format!("user.fields.{name}");
            let sound = name.len() <= 64
                && name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            checks.must(
                sound,
                &path,
                "the name must be lower-case letters, digits and underscores, a letter first",
            );
            checks.within(&format!("{path}.max_length"), field.max_length, 1..=10_000);
        }
    }
}

/// What the name of a group looks like, for whoever wrote another one.
pub const GROUP: &str = "must be 1 to 64 of the characters a-z A-Z 0-9 . _ : / -, and stand there once";

/// Whether a text may be the name of a group.
pub fn is_group(name: &str) -> bool {
    let sound = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
    (1..=64).contains(&name.len()) && name.bytes().all(sound)
}
