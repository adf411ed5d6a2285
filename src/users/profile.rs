//! The profile: fields that the operator declared in `[user.fields.*]`.

use serde_json::{Map, Value};

use crate::base::Fault;
use crate::settings::{Field, User};

/// Checks a profile. With `whole`, required fields must be there; without, only what is given is checked.
/// Gives the JSON to store.
///
/// # Errors
/// Every wrong field at once.
pub fn check(rules: &User, given: Option<&Map<String, Value>>, whole: bool) -> Result<String, Vec<Fault>> {
    let empty = Map::new();
    let given = given.unwrap_or(&empty);
    let mut faults: Vec<Fault> = given.iter().filter_map(|(name, value)| wrong(rules, name, value)).collect();
    let required = rules.fields.iter().filter(|(name, field)| {
        whole && field.required && !field.off && given.get(*name).is_none_or(Value::is_null)
    });
    faults.extend(required.map(|(name, _)| fault(name, "missing", "is required")));
    if faults.is_empty() { Ok(Value::Object(given.clone()).to_string()) } else { Err(faults) }
}

/// Lays the changed fields over a stored profile; `null` takes a field away.
pub fn merge(stored: &str, changed: &Map<String, Value>) -> Map<String, Value> {
    let mut profile: Map<String, Value> = serde_json::from_str(stored).unwrap_or_default();
    for (name, value) in changed {
        if value.is_null() {
            profile.remove(name);
        } else {
            profile.insert(name.clone(), value.clone());
        }
    }
    profile
}

/// A field of a stored profile, where it holds text.
pub fn text(stored: &str, name: &str) -> Option<String> {
    let mut profile: Map<String, Value> = serde_json::from_str(stored).ok()?;
    match profile.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn wrong(rules: &User, name: &str, value: &Value) -> Option<Fault> {
    let Some(field) = rules.fields.get(name).filter(|field| !field.off) else {
        let names: Vec<_> =
            rules.fields.iter().filter(|(_, f)| !f.off).map(|(name, _)| name.as_str()).collect();
        return Some(fault(
            name,
            "unknown_field",
            &format!("is no field of the profile; there are: {}", names.join(", ")),
        ));
    };
    match value {
        Value::Null => None,
        Value::String(text) => too_long(name, field, text),
        _ => Some(fault(name, "wrong_type", "must be a text")),
    }
}

fn too_long(name: &str, field: &Field, text: &str) -> Option<Fault> {
    let longest = field.max_length as usize;
    let over = text.chars().count() > longest;
    over.then(|| fault(name, "too_long", &format!("must have at most {longest} characters")))
}

fn fault(name: &str, code: &'static str, message: &str) -> Fault {
    Fault::new(format!("profile.{name}"), code, message)
}
