//! The OpenAPI document of an instance: what poem-openapi writes of the operations, with the bodies that
//! follow the settings, as OpenAPI 3.0.

use poem_openapi::registry::{MetaSchema, Registry};
use serde_json::{Map, Value, json};

use super::fields::{self, Body};
use super::problem::CASES;
use crate::plan::{self, Plan};
use crate::settings::Settings;

/// Leaves a place for a schema that [`document`] fills.
pub(super) fn register(registry: &mut Registry, name: &str) {
    registry.schemas.entry(name.to_owned()).or_insert_with(|| MetaSchema::new("object"));
}

/// The document that an instance with these settings serves. Settings whose flows are wrong have no body
/// fields; a server with such settings does not start.
pub fn document(settings: &Settings) -> Value {
    let mut document: Value = serde_json::from_str(&super::service().spec()).unwrap_or_default();
    document["servers"] = json!([{ "url": settings.base_url() }]);
    document["info"]["description"] = json!(about());
    if let (Ok(plan), Some(schemas)) =
        (plan::read(settings), document["components"]["schemas"].as_object_mut())
    {
        fill(schemas, &plan, settings);
    }
    tidy(&mut document);
    document
}

fn fill(schemas: &mut Map<String, Value>, plan: &Plan, settings: &Settings) {
    for body in Body::ALL {
        let fields = body.fields(&plan.signin, &plan.recovery);
        schemas.insert(body.name().to_owned(), fields::schema(&fields, &settings.user));
    }
    schemas.insert("Profile".to_owned(), fields::profile(&settings.user));
    schemas.insert("Problem".to_owned(), problem());
}

fn problem() -> Value {
    let codes: Vec<_> = CASES.iter().map(|case| case.code).collect();
    json!({
        "type": "object",
        "description": "A failure (RFC 9457).",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": { "type": "string", "description": "A URN that ends in the code." },
            "title": { "type": "string", "description": "What the code means." },
            "status": { "type": "integer", "format": "int32", "description": "The HTTP status." },
            "code": { "type": "string", "enum": codes, "description": "The stable code." },
            "detail": { "type": "string", "description": "What is wrong in this case." },
            "errors": {
                "type": "array",
                "description": "The fields that are wrong.",
                "items": {
                    "type": "object",
                    "required": ["field", "code", "message"],
                    "properties": {
                        "field": { "type": "string" },
                        "code": { "type": "string" },
                        "message": { "type": "string" }
                    }
                }
            },
            "attempts_left": { "type": "integer", "format": "int64", "description": "Guesses left for the code." },
            "retry_after": { "type": "integer", "format": "int64", "description": "Seconds to wait." }
        }
    })
}

fn about() -> String {
    let mut text = String::from(
        "Sign-up, sign-in, recovery and re-authentication each begin an attempt; every attempt is answered at \
         `POST /v1/attempts/{attempt}` until it is done. Every failure is `application/problem+json` with a \
         stable `code`:\n\n| code | status | |\n| --- | --- | --- |\n",
    );
    for case in CASES {
        text.push_str(&format!("| `{}` | {} | {} |\n", case.code, case.status, case.title));
    }
    text
}

/// What poem-openapi writes and readers of OpenAPI stumble over: formats that are not registered, charsets
/// in media types, public operations that do not say so.
fn tidy(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(map) => {
            if let Some(format) =
                map.get("format").and_then(Value::as_str).and_then(|f| f.strip_prefix("uint"))
            {
                let format = if format == "64" { "int64" } else { "int32" };
                map.insert("format".into(), json!(format));
                map.entry("minimum").or_insert(json!(0));
            }
            if let Some(Value::Object(content)) = map.get_mut("content") {
                let plain = std::mem::take(content).into_iter();
                *content = plain
                    .map(|(kind, v)| (kind.split(';').next().unwrap_or_default().to_owned(), v))
                    .collect();
            }
            if map.contains_key("operationId") {
                map.entry("security").or_insert(json!([]));
            }
            map.values_mut().for_each(tidy);
        }
        _ => {}
    }
}
