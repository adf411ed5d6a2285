use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::field::{Claim, FieldType, Items, Limit, Required, Who, Words};
use super::field_check::{self, RESERVED_CLAIMS};
use crate::base::clock::DAY;
use crate::settings::Span;
use crate::settings::check::Checks;

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
    /// Whether it must be there, and from when on.
    #[serde(default)]
    pub required: Required,
    /// What an account has that was given nothing else.
    #[serde(default)]
    pub default: Option<Value>,
    /// Whether only one account may have a value.
    #[serde(default)]
    pub unique: bool,
    /// Who may read it; everybody where nothing is said. Ask [`Field::reads`].
    #[serde(default)]
    pub read: Option<Vec<Who>>,
    /// Who may write it; everybody where nothing is said. Ask [`Field::writes`].
    #[serde(default)]
    pub write: Option<Vec<Who>>,
    /// Whether it is a claim of the access token. Ask [`Field::claim_name`].
    #[serde(default)]
    pub claim: Claim,
    /// What people call it.
    #[serde(default)]
    pub label: Option<Words>,
    /// What helps people to fill it in.
    #[serde(default)]
    pub help: Option<Words>,
    /// Of a text: characters at least.
    #[serde(default)]
    pub min_length: Option<u32>,
    /// Of a text: characters at most. Ask [`Field::longest`].
    #[serde(default)]
    pub max_length: Option<u32>,
    /// Of a text: the regular expression that the whole of it matches.
    #[serde(default)]
    pub pattern: Option<String>,
    /// Of a number or a date: the least.
    #[serde(default)]
    pub minimum: Option<Limit>,
    /// Of a number or a date: the most.
    #[serde(default)]
    pub maximum: Option<Limit>,
    /// Of an enum: the texts that it may be.
    #[serde(default)]
    pub values: Option<Vec<String>>,
    /// Of a list: what each item is.
    #[serde(default)]
    pub items: Option<Items>,
    /// Of a list: items at least.
    #[serde(default)]
    pub min_items: Option<u32>,
    /// Of a list: items at most. Ask [`Field::most_items`].
    #[serde(default)]
    pub max_items: Option<u32>,
    /// Of an object: its JSON Schema, a table or JSON in a text. Ask [`Field::object_schema`].
    #[serde(default)]
    pub schema: Option<Value>,
    /// Takes a built-in field away; such a field is no longer in the loaded settings.
    #[serde(default)]
    pub off: bool,
}

impl Field {
    /// Whether `who` may read it.
    pub fn reads(&self, who: Who) -> bool {
        self.read.as_ref().is_none_or(|list| list.contains(&who))
    }

    /// Whether `who` may write it.
    pub fn writes(&self, who: Who) -> bool {
        self.write.as_ref().is_none_or(|list| list.contains(&who))
    }

    /// The name of its claim in the access token, where it is one; `name` is the field's own.
    pub fn claim_name<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        match &self.claim {
            Claim::No => None,
            Claim::Yes => Some(name),
            Claim::As(other) => Some(other),
        }
    }

    /// The JSON Schema of an object, with its text understood; none where it is no JSON or for other types.
    pub fn object_schema(&self) -> Option<Value> {
        match self.schema.as_ref()? {
            Value::String(text) => serde_json::from_str(text).ok(),
            table => Some(table.clone()),
        }
    }

    /// Of a text: characters at most.
    pub fn longest(&self) -> u32 {
        self.max_length.unwrap_or(super::field::LONGEST)
    }

    /// Of a list: items at most.
    pub fn most_items(&self) -> u32 {
        self.max_items.unwrap_or(super::field::MOST_ITEMS)
    }
}

impl User {
    pub(in crate::settings) fn check(&self, groups_claim: &str, checks: &mut Checks) {
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
            if !field.off {
                field_check::field(field, name, &path, checks);
            }
        }
        self.check_claims(groups_claim, checks);
    }

    /// Two fields cannot be one claim, and none can be that of the groups.
    fn check_claims(&self, groups_claim: &str, checks: &mut Checks) {
        let mut seen = BTreeSet::new();
        for (name, field) in self.fields.iter().filter(|(_, field)| !field.off) {
            let Some(claim) = field.claim_name(name) else { continue };
            let path = format!("user.fields.{name}.claim");
            checks.must(
                seen.insert(claim),
                &path,
                "another field is this claim already; choose another name",
            );
            let groups = claim == groups_claim && !RESERVED_CLAIMS.contains(&claim);
            checks.must(
                !groups,
                &path,
                "is the claim of the groups (tokens.groups_claim); choose another name",
            );
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
