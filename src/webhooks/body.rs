//! What is posted: type, timestamp and data, as Standard Webhooks recommends.

use serde_json::{Map, Value, json};

use crate::base::Millis;
use crate::base::clock::rfc3339;
use crate::store::events::Row;

/// The body of an event: its payload, and beside that `user_id`, `session_id` and what names the `user`, each where it
/// is about one.
pub(super) fn event(row: &Row) -> String {
    let payload: Map<String, Value> = serde_json::from_str(&row.data).unwrap_or_default();
    let mut data = payload;
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            data.insert(name.to_owned(), value);
        }
    };
    add("user_id", row.user_id.clone().map(Value::from));
    add("session_id", row.session_id.clone().map(Value::from));
    add("user", row.personal.as_deref().and_then(|personal| serde_json::from_str(personal).ok()));
    of(&row.name, row.at, &Value::Object(data))
}

/// The body of something called `name` that happened at `at`.
pub(super) fn of(name: &str, at: Millis, data: &Value) -> String {
    json!({ "type": name, "timestamp": rfc3339(at), "data": data }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_says_what_when_and_of_whom() {
        let mut row = Row {
            id: "e".into(),
            position: 1,
            at: 1_772_359_200_000,
            name: "user.created".into(),
            user_id: Some("u".into()),
            session_id: None,
            network: "203.0.113.0/24".into(),
            request: "r".into(),
            data: r#"{"by":"user"}"#.into(),
            personal: Some(r#"{"email":"ada@example.org"}"#.into()),
            subject: None,
        };
        assert_eq!(
            event(&row),
            r#"{"type":"user.created","timestamp":"2026-03-01T10:00:00Z","data":{"by":"user","user_id":"u","user":{"email":"ada@example.org"}}}"#
        );
        row.personal = None;
        assert!(event(&row).ends_with(r#""data":{"by":"user","user_id":"u"}}"#));
    }
}
