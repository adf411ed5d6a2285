//! What a value of the profile does wrong, in stable codes. No value is ever quoted, and of what a client names inside
//! an object no more than a little.

use std::collections::BTreeMap;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use crate::base::Fault;
use crate::settings::{Field, FieldType};

/// Faults of one field that are told at most.
const MOST: usize = 20;
/// Characters of a path inside an object that are told at most.
const LONGEST: usize = 120;

/// A fault of the field of that name.
pub fn fault(name: &str, code: &'static str, message: impl Into<String>) -> Fault {
    Fault::new(format!("profile.{name}"), code, message)
}

/// The faults that the schema of a field found, one for each place.
pub(super) fn of<'a>(
    name: &str,
    field: &Field,
    errors: impl Iterator<Item = ValidationError<'a>>,
) -> Vec<Fault> {
    let mut by_place = BTreeMap::<String, Fault>::new();
    for error in errors.take(MOST) {
        let (place, found) = if field.kind == FieldType::Object {
            inside(name, &error)
        } else {
            (error.instance_path().as_str().to_owned(), plain(name, field, &error))
        };
        match by_place.get(&place) {
            // Of two faults in one place, that it is of the wrong type says more.
            Some(known) if found.code != "wrong_type" || known.code == "wrong_type" => {}
            _ => drop(by_place.insert(place, found)),
        }
    }
    by_place.into_values().collect()
}

/// A fault of a value, or of an item: `profile.tags.2`.
fn plain(name: &str, field: &Field, error: &ValidationError<'_>) -> Fault {
    let item = error.instance_path().as_str().strip_prefix('/');
    let kind = match (&field.items, item) {
        (Some(items), Some(_)) => items.kind,
        _ => field.kind,
    };
    let name = item.map_or_else(|| name.to_owned(), |item| format!("{name}.{item}"));
    let (code, message) = match error.kind() {
        Kind::MinLength { limit } => ("too_short", format!("must have at least {limit} characters")),
        Kind::MaxLength { limit } => ("too_long", format!("must have at most {limit} characters")),
        Kind::Minimum { limit } => ("too_small", format!("must be at least {limit}")),
        Kind::Maximum { limit } => ("too_large", format!("must be at most {limit}")),
        Kind::MinItems { limit } => ("too_few", format!("must have at least {limit} items")),
        Kind::MaxItems { limit } => ("too_many", format!("must have at most {limit} items")),
        Kind::Format { .. } => ("not_a_date", "must be a date such as 2000-01-31".to_owned()),
        Kind::Enum { options } => ("not_one_of", format!("must be one of: {}", listed(options))),
        Kind::Type { .. } => ("wrong_type", format!("must be {}", wanted(kind))),
        _ => ("pattern", "does not have the form that is asked for".to_owned()),
    };
    fault(&name, code, message)
}

/// What a field of that type must be, for people.
pub(super) const fn wanted(kind: FieldType) -> &'static str {
    match kind {
        FieldType::String | FieldType::Enum => "a text",
        FieldType::Integer => "a whole number",
        FieldType::Number => "a number",
        FieldType::Boolean => "true or false",
        FieldType::Date => "a date such as 2000-01-31, in a text",
        FieldType::List => "a list",
        FieldType::Object => "an object",
    }
}

fn listed(options: &Value) -> String {
    let texts = options.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.take(50).collect::<Vec<_>>().join(", ")
}

/// A fault inside an object, whose place is `profile.FIELD.path/inside`.
fn inside(name: &str, error: &ValidationError<'_>) -> (String, Fault) {
    let mut path = error.instance_path().as_str().trim_start_matches('/').to_owned();
    let below =
        |path: &str, key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}/{key}") };
    let message = match error.kind() {
        Kind::Required { property } => {
            path = below(&path, property.as_str().unwrap_or_default());
            "is required".to_owned()
        }
        Kind::AdditionalProperties { unexpected } => {
            path = below(&path, unexpected.first().map_or("", String::as_str));
            "is not known here".to_owned()
        }
        Kind::Type { .. } if path.is_empty() => {
            return (path, fault(name, "wrong_type", "must be an object"));
        }
        other => format!("does not fit `{}` of its schema", other.keyword()),
    };
    let path: String = path.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    let place = if path.is_empty() { name.to_owned() } else { format!("{name}.{path}") };
    (path, fault(&place, "schema", message))
}
