//! A JSON Schema (2020-12) as OpenAPI 3.0 has it. What 3.0 cannot say is left out: the document then allows more than
//! the server does, and never less.

use serde_json::{Map, Value, json};

/// How deep references are followed; one that leads into itself ends as "anything".
const DEPTH: usize = 16;

/// Keywords that mean the same in both.
const SAME: &[&str] = &[
    "title",
    "description",
    "enum",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
    "default",
];

/// The schema in OpenAPI's words.
pub(in crate::api) fn schema(source: &Value) -> Value {
    convert(source, source, 0)
}

fn convert(source: &Value, root: &Value, depth: usize) -> Value {
    let Some(map) = source.as_object().filter(|_| depth < DEPTH) else { return json!({}) };
    if let Some(target) = map.get("$ref").and_then(Value::as_str) {
        let found = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return found.map_or_else(|| json!({}), |found| convert(found, root, depth + 1));
    }
    let mut out = Map::new();
    types(map, &mut out);
    for key in SAME {
        if let Some(value) = map.get(*key) {
            out.insert((*key).to_owned(), value.clone());
        }
    }
    if out.get("pattern").and_then(Value::as_str).is_some_and(|pattern| !portable(pattern)) {
        out.remove("pattern");
    }
    if out.get("required").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        out.remove("required");
    }
    limits(map, &mut out);
    if let Some(only) = map.get("const") {
        out.insert("enum".into(), json!([only]));
    }
    let inner = |value: &Value| convert(value, root, depth + 1);
    for key in ["allOf", "anyOf", "oneOf"] {
        if let Some(list) = map.get(key).and_then(Value::as_array) {
            out.insert(key.to_owned(), list.iter().map(inner).collect());
        }
    }
    if let Some(properties) = map.get("properties").and_then(Value::as_object) {
        let properties: Map<_, _> =
            properties.iter().map(|(name, value)| (name.clone(), inner(value))).collect();
        out.insert("properties".into(), properties.into());
    }
    match map.get("additionalProperties") {
        Some(Value::Bool(flag)) if *flag || !map.contains_key("patternProperties") => {
            out.insert("additionalProperties".into(), json!(flag));
        }
        Some(value @ Value::Object(_)) if !map.contains_key("patternProperties") => {
            out.insert("additionalProperties".into(), inner(value));
        }
        _ => {}
    }
    if out.get("type").is_some_and(|kind| kind == "array") {
        out.insert("items".into(), map.get("items").map_or_else(|| json!({}), inner));
    }
    out.into()
}

/// One type stays one; `null` among several becomes `nullable`; of others there is no telling.
fn types(map: &Map<String, Value>, out: &mut Map<String, Value>) {
    match map.get("type") {
        Some(Value::String(kind)) if kind != "null" => drop(out.insert("type".into(), json!(kind))),
        Some(Value::Array(kinds)) => {
            let others: Vec<&Value> = kinds.iter().filter(|kind| *kind != "null").collect();
            if let [one] = others[..] {
                out.insert("type".into(), one.clone());
                if kinds.len() > 1 {
                    out.insert("nullable".into(), json!(true));
                }
            }
        }
        _ => {}
    }
}

fn limits(map: &Map<String, Value>, out: &mut Map<String, Value>) {
    for (key, strict) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if let Some(limit) = map.get(key) {
            out.insert(key.to_owned(), limit.clone());
        } else if let Some(limit) = map.get(strict).filter(|limit| limit.is_number()) {
            out.insert(key.to_owned(), limit.clone());
            out.insert(strict.to_owned(), json!(true));
        }
    }
}

/// Whether other engines read a pattern as ours does.
pub(in crate::api) fn portable(pattern: &str) -> bool {
    let groups = pattern.match_indices("(?").all(|(at, _)| pattern[at + 2..].starts_with(':'));
    groups
        && !["\\A", "\\z", "\\p", "\\P", "\\x{", "[:", "&&", "--", "~~", "\\h", "\\b{"]
            .iter()
            .any(|odd| pattern.contains(odd))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_openapi_has_no_word_for_is_said_in_its_own_or_left_out() {
        let source = json!({
            "type": "object", "required": ["a"], "additionalProperties": false,
            "$defs": { "zip": { "type": "string", "pattern": "^[0-9]+$" }, "tree": { "$ref": "#/$defs/tree" } },
            "properties": {
                "a": { "const": 3 }, "b": { "type": ["string", "null"] }, "c": { "type": "array" },
                "d": { "type": "number", "exclusiveMinimum": 0 }, "e": { "$ref": "#/$defs/zip" },
                "f": { "$ref": "#/$defs/tree" }, "g": { "type": "string", "pattern": "(?i)x" }
            },
            "if": { "required": ["a"] }
        });
        let expected = json!({
            "type": "object", "required": ["a"], "additionalProperties": false,
            "properties": {
                "a": { "enum": [3] }, "b": { "type": "string", "nullable": true },
                "c": { "type": "array", "items": {} }, "d": { "type": "number", "minimum": 0, "exclusiveMinimum": true },
                "e": { "type": "string", "pattern": "^[0-9]+$" }, "f": {}, "g": { "type": "string" }
            }
        });
        assert_eq!(schema(&source), expected);
    }
}
