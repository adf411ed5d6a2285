//! A value that a field would take, for documents and simulations.

use serde_json::{Map, Value, json};

use super::rules::Rule;
use crate::settings::FieldType;

/// A value that fits; none where a pattern or a schema is too much to guess.
pub fn of(rule: &Rule) -> Option<Value> {
    let texts = match rule.name.as_str() {
        "first_name" => "Ada",
        "last_name" => "Lovelace",
        "language" => "en",
        _ => "Maria",
    };
    let default = rule.field.default.clone();
    let needed = || guess(&rule.schema, false, texts);
    let guess = default.unwrap_or_else(|| guess(&rule.schema, true, texts));
    let (first, last) = super::shape::days(&rule.field).unwrap_or_default();
    let near = |day: &str| Value::String(day.to_owned());
    let guesses = match (&guess, rule.field.kind) {
        (_, FieldType::Date) => vec![json!("2000-01-31"), near(first), near(last)],
        (_, FieldType::List) if !first.is_empty() => vec![json!(["2000-01-31"]), json!([first])],
        (Value::String(_), FieldType::String) => {
            let others =
                ["A1", "AB123", "AB-1234", "A-123456", "12345", "+12025550123", "ada", "https://example.com"];
            std::iter::once(guess).chain(others.into_iter().map(Value::from)).collect()
        }
        _ => vec![guess, needed()],
    };
    guesses.into_iter().find(|value| rule.faults(value).is_empty())
}

fn guess(schema: &Value, all: bool, text: &str) -> Value {
    if let Some(first) = schema["enum"].get(0).or(schema.get("const")) {
        return first.clone();
    }
    match schema["type"].as_str().unwrap_or_default() {
        "integer" | "number" => number(schema),
        "boolean" => json!(true),
        "array" => {
            let count = schema["minItems"].as_u64().unwrap_or(0).max(1);
            (0..count).map(|_| guess(&schema["items"], false, text)).collect()
        }
        "object" => {
            let needed = schema["required"].as_array().cloned().unwrap_or_default();
            let wanted = |name: &str| all || needed.iter().any(|needed| needed == name);
            let properties = schema["properties"].as_object().into_iter().flatten();
            let one = |(name, schema): (&String, &Value)| (name.clone(), guess(schema, false, text));
            properties.filter(|(name, _)| wanted(name)).map(one).collect::<Map<_, _>>().into()
        }
        _ if schema["format"] == "date" => json!("2000-01-31"),
        _ => {
            let most = schema["maxLength"]
                .as_u64()
                .map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
            let least = schema["minLength"].as_u64().map_or(0, |least| usize::try_from(least).unwrap_or(0));
            json!(text.chars().cycle().take(text.chars().count().max(least).min(most)).collect::<String>())
        }
    }
}

fn number(schema: &Value) -> Value {
    let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
    let fits = least.is_none_or(|least| least <= 42.0) && most.is_none_or(|most| most >= 42.0);
    if fits {
        json!(42)
    } else {
        schema.get("minimum").or(schema.get("maximum")).cloned().unwrap_or_else(|| json!(42))
    }
}
