//! What a value of the profile does wrong, in stable codes. No value is ever quoted, and of what a client names inside
//! an object no more than a little.

use std::collections::BTreeMap;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use crate::base::{Fault, Wrong};
use crate::settings::{Field, FieldType};

/// Faults of one field that are told at most.
const MOST: usize = 20;
/// Characters of a path inside an object that are told at most.
const LONGEST: usize = 120;

/// A fault of the field of that name.
pub fn fault(name: &str, wrong: Wrong) -> Fault {
    Fault::new(format!("profile.{name}"), wrong)
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
    let wrong = match error.kind() {
        Kind::MinLength { limit } => Wrong::TooShort { least: *limit },
        Kind::MaxLength { limit } => Wrong::TooLong { most: usize::try_from(*limit).unwrap_or(usize::MAX) },
        Kind::Minimum { limit } => Wrong::TooSmall { least: limit.to_string() },
        Kind::Maximum { limit } => Wrong::TooLarge { most: limit.to_string() },
        Kind::MinItems { limit } => Wrong::TooFew { least: *limit },
        Kind::MaxItems { limit } => Wrong::TooMany { most: *limit },
        Kind::Format { .. } => Wrong::NotADate,
        Kind::Enum { options } => Wrong::NotOneOf { options: listed(options) },
        Kind::Type { .. } => other_type(kind),
        _ => Wrong::Pattern,
    };
    fault(&name, wrong)
}

/// The fault of a value of another type than the field's.
const fn other_type(kind: FieldType) -> Wrong {
    match kind {
        FieldType::String | FieldType::Enum => Wrong::NoText,
        FieldType::Integer => Wrong::NoInteger,
        FieldType::Number => Wrong::NoNumber,
        FieldType::Boolean => Wrong::NoFlag,
        FieldType::Date => Wrong::NoDate,
        FieldType::List => Wrong::NoList,
        FieldType::Object => Wrong::NoObject,
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
    let wrong = match error.kind() {
        Kind::Required { property } => {
            path = below(&path, property.as_str().unwrap_or_default());
            Wrong::SchemaMissing
        }
        Kind::AdditionalProperties { unexpected } => {
            path = below(&path, unexpected.first().map_or("", String::as_str));
            Wrong::SchemaUnknown
        }
        Kind::Type { .. } if path.is_empty() => {
            return (path, fault(name, Wrong::NoObject));
        }
        other => Wrong::Schema { rule: other.keyword().to_owned() },
    };
    let path: String = path.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    let place = if path.is_empty() { name.to_owned() } else { format!("{name}.{path}") };
    (path, fault(&place, wrong))
}
