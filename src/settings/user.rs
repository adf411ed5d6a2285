use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::Checks;

/// `[user]`: what is kept of a person beside the devices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
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
