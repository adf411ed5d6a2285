//! The profile in the document: the fields of the settings as OpenAPI 3.0 describes them.

use serde_json::{Map, Value, json};

use super::openapi30;
use super::schemas::PLAIN;
use crate::settings::{Field, FieldType, Required, Who, Words};
use crate::users::rules::{ProfileRules, Rule};
use crate::users::shape;

/// The JSON Schema of the profile: as it is answered, or as it is `sent`, where `null` leaves a field out. An answer
/// may have members that are not known yet, so that a client made before a field was added reads it all the same.
pub(in crate::api) fn profile(rules: &ProfileRules, language: &str, sent: bool) -> Value {
    let open = |rule: &&Rule| if sent { rule.field.writes(Who::User) } else { rule.field.reads(Who::User) };
    let one = |rule: &Rule| (rule.name.clone(), property(rule, language, sent));
    let properties: Map<_, _> = rules.iter().filter(open).map(one).collect();
    let mut schema = json!({
        "type": "object",
        "description": "The profile, as `[user.fields]` of the settings declares it.",
        "properties": properties
    });
    if sent {
        schema["additionalProperties"] = json!(false);
    }
    schema
}

fn property(rule: &Rule, language: &str, sent: bool) -> Value {
    let field = &rule.field;
    let mut schema = openapi30::schema(&rule.schema);
    match field.kind {
        FieldType::List => {
            typed(&mut schema["items"], field.items.as_ref().map_or(FieldType::String, |i| i.kind));
        }
        kind => typed(&mut schema, kind),
    }
    if let Some(label) = words(field.label.as_ref(), language).filter(|_| !makes_a_type(field)) {
        schema["title"] = json!(label);
    }
    schema["description"] = json!(about(rule, language, sent));
    if sent {
        schema["nullable"] = json!(true);
        if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            values.push(Value::Null);
        }
    }
    schema
}

/// What OpenAPI says more of a type than JSON Schema does.
fn typed(schema: &mut Value, kind: FieldType) {
    match kind {
        FieldType::String => {
            let own = schema.get("pattern").and_then(Value::as_str).map(str::to_owned);
            match own {
                None => schema["pattern"] = json!(PLAIN),
                Some(pattern) if openapi30::portable(&pattern) => {}
                Some(_) => drop(schema.as_object_mut().map(|map| map.remove("pattern"))),
            }
        }
        FieldType::Integer => schema["format"] = json!("int64"),
        FieldType::Number => schema["format"] = json!("double"),
        _ => {}
    }
}

fn words<'a>(words: Option<&'a Words>, language: &'a str) -> Option<&'a str> {
    words.map(|words| words.in_language([language]))
}

/// Whether generators make a type of it, which they would call by its title: a client must not change with a label.
const fn makes_a_type(field: &Field) -> bool {
    matches!(field.kind, FieldType::Enum | FieldType::Object)
}

/// What helps, then what the schema cannot say.
fn about(rule: &Rule, language: &str, sent: bool) -> String {
    let field = &rule.field;
    let mut parts = Vec::new();
    parts.extend(
        words(field.label.as_ref(), language)
            .filter(|_| makes_a_type(field))
            .map(|label| format!("{label}.")),
    );
    parts.extend(words(field.help.as_ref(), language).map(str::to_owned));
    parts.push(limits(field));
    match field.required {
        Required::No => {}
        Required::Signup if sent => parts.push("The attempt asks for it where it is missing.".into()),
        _ if sent => parts.push("Sign-in asks for it where it is missing.".into()),
        _ => {}
    }
    if field.unique && sent {
        parts.push("Only one account may have a value.".into());
    }
    if let Some(default) = &field.default {
        parts.push(format!("Without it: `{default}`."));
    }
    parts.join(" ")
}

fn limits(field: &Field) -> String {
    match field.kind {
        FieldType::String => format!("At most {} characters.", field.longest()),
        FieldType::Integer => "A whole number.".to_owned(),
        FieldType::Number => "A number.".to_owned(),
        FieldType::Boolean => "True or false.".to_owned(),
        FieldType::Date => {
            let (first, last) = shape::days(field).unwrap_or_default();
            format!("A day from {first} to {last}.")
        }
        FieldType::Enum => "One of its values.".to_owned(),
        FieldType::List => format!("At most {} items.", field.most_items()),
        FieldType::Object => "An object.".to_owned(),
    }
}
