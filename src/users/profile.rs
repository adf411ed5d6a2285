//! Stored profiles: JSON objects whose fields the operator declared, now or once.

use serde_json::{Map, Value};

use super::rules::{LARGEST, ProfileRules, Rule};
use crate::base::{Fault, Wrong};
use crate::settings::Who;

/// A stored profile; empty where it is no object.
pub fn stored(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Lays checked fields over a profile; `null` takes a field away. What is not named stays as it is, whether or not it
/// is declared any more.
///
/// # Errors
/// Where the profile would be larger than [`LARGEST`].
pub fn merge(profile: &mut Map<String, Value>, changed: &Map<String, Value>) -> Result<(), Fault> {
    for (name, value) in changed {
        if value.is_null() {
            profile.remove(name);
        } else {
            profile.insert(name.clone(), value.clone());
        }
    }
    let size = text(profile).len();
    if size > LARGEST && !changed.is_empty() {
        Err(Fault::new("profile", Wrong::TooLargeProfile { most: LARGEST }))
    } else {
        Ok(())
    }
}

/// A profile as it is stored.
pub fn text(profile: &Map<String, Value>) -> String {
    serde_json::to_string(profile).unwrap_or_default()
}

/// A field of a stored profile, where it holds text.
pub fn field(text: &str, name: &str) -> Option<String> {
    match stored(text).remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// The claims of the access token that a stored profile gives, by who may write them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Those of fields that users may write.
    pub users: Map<String, Value>,
    /// Those of fields that only the operator or a hook may write.
    pub own: Map<String, Value>,
}

/// The claims of the access token that a stored profile gives: fields that `claim` names, as far as their values fit.
pub fn claims(rules: &ProfileRules, text: &str) -> Claims {
    let is_claim = |rule: &Rule| rule.field.claim_name(&rule.name).is_some();
    // Asked at every refresh, and mostly there is none: the profile need not be read then.
    if !rules.iter().any(is_claim) {
        return Claims::default();
    }
    let mut claims = Claims::default();
    for (name, value) in rules.readable(&stored(text), is_claim) {
        let Some(rule) = rules.get(&name) else { continue };
        let Some(claim) = rule.field.claim_name(&name) else { continue };
        let by = if rule.field.writes(Who::User) { &mut claims.users } else { &mut claims.own };
        by.insert(claim.to_owned(), value);
    }
    claims
}
