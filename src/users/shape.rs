//! A field of the profile as a JSON Schema (2020-12).

use serde_json::{Value, json};

use crate::settings::{Field, FieldType, Items, Limit, Required};

/// The largest whole number that every reader of JSON keeps exactly (RFC 8259, 6).
pub const EXACT: i64 = 9_007_199_254_740_991;
/// The first day that there is a calendar for.
const FIRST_DAY: &str = "0001-01-01";

/// What a value or an item is: the keys that both have.
struct Plain<'a> {
    kind: FieldType,
    min_length: u32,
    max_length: Option<u32>,
    pattern: Option<&'a str>,
    minimum: Option<&'a Limit>,
    maximum: Option<&'a Limit>,
    values: Option<&'a [String]>,
}

/// The JSON Schema of a field. The limits of dates are in no schema; [`days`] has them.
pub fn schema(field: &Field) -> Value {
    match field.kind {
        FieldType::List => {
            let items = field.items.as_ref().map_or_else(|| json!({}), |items| plain_item(items).schema());
            let least = field.min_items.unwrap_or(0).max(u32::from(field.required != Required::No));
            let mut schema = json!({ "type": "array", "items": items, "maxItems": field.most_items() });
            if least > 0 {
                schema["minItems"] = json!(least);
            }
            schema
        }
        FieldType::Object => {
            let mut schema = field.object_schema().unwrap_or_else(|| json!({}));
            if let Some(map) = schema.as_object_mut() {
                map.insert("type".into(), json!("object"));
            }
            schema
        }
        _ => plain(field).schema(),
    }
}

/// The first and the last day that a date, or a date in a list, may be.
pub fn days(field: &Field) -> Option<(&str, &str)> {
    let plain = match &field.items {
        Some(items) if field.kind == FieldType::List => plain_item(items),
        _ => plain(field),
    };
    (plain.kind == FieldType::Date).then(|| (day(plain.minimum, FIRST_DAY), day(plain.maximum, "9999-12-31")))
}

fn day<'a>(limit: Option<&'a Limit>, usual: &'static str) -> &'a str {
    match limit {
        Some(Limit::Text(text)) => text,
        _ => usual,
    }
}

fn plain(field: &Field) -> Plain<'_> {
    // What is required is more than nothing.
    let least = u32::from(field.required != Required::No);
    Plain {
        kind: field.kind,
        min_length: field.min_length.unwrap_or(0).max(least),
        max_length: Some(field.longest()),
        pattern: field.pattern.as_deref(),
        minimum: field.minimum.as_ref(),
        maximum: field.maximum.as_ref(),
        values: field.values.as_deref(),
    }
}

fn plain_item(items: &Items) -> Plain<'_> {
    Plain {
        kind: items.kind,
        min_length: items.min_length.unwrap_or(0),
        max_length: items.max_length,
        pattern: items.pattern.as_deref(),
        minimum: items.minimum.as_ref(),
        maximum: items.maximum.as_ref(),
        values: items.values.as_deref(),
    }
}

impl Plain<'_> {
    fn schema(&self) -> Value {
        match self.kind {
            FieldType::String => self.text(),
            FieldType::Integer => {
                let limit = |limit: Option<&Limit>, usual: i64| number(limit).unwrap_or_else(|| json!(usual));
                json!({
                    "type": "integer", "minimum": limit(self.minimum, -EXACT), "maximum": limit(self.maximum, EXACT)
                })
            }
            FieldType::Number => {
                let mut schema = json!({ "type": "number" });
                for (key, limit) in [("minimum", self.minimum), ("maximum", self.maximum)] {
                    if let Some(limit) = number(limit) {
                        schema[key] = limit;
                    }
                }
                schema
            }
            FieldType::Boolean => json!({ "type": "boolean" }),
            FieldType::Date => json!({ "type": "string", "format": "date" }),
            FieldType::Enum => json!({ "type": "string", "enum": self.values.unwrap_or_default() }),
            FieldType::List | FieldType::Object => json!({}),
        }
    }

    fn text(&self) -> Value {
        let mut schema = json!({ "type": "string", "maxLength": self.max_length.unwrap_or(255) });
        if self.min_length > 0 {
            schema["minLength"] = json!(self.min_length);
        }
        if let Some(pattern) = self.pattern {
            schema["pattern"] = json!(anchored(pattern));
        }
        schema
    }
}

fn number(limit: Option<&Limit>) -> Option<Value> {
    match limit? {
        Limit::Number(number) => Some(Value::Number(number.clone())),
        Limit::Text(_) => None,
    }
}

/// A pattern that the whole text must match.
pub(super) fn anchored(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}
