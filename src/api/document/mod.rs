//! The OpenAPI document of an instance: what poem-openapi writes of the operations, with the bodies that
//! follow the settings, as OpenAPI 3.0.

pub(super) mod examples;
pub(super) mod failures;
pub(super) mod openapi30;
pub(super) mod profile;
pub(super) mod schemas;
pub(super) mod tidy;

use serde_json::{Map, Value, json};

use super::body::bodies::{self, Body};
use super::problem::CASES;
use crate::extensions::Extensions;
use crate::plan::{self, Plan};
use crate::settings::Settings;

/// The document that an instance with these settings serves. Settings whose flows are wrong have no body
/// fields; a server with such settings does not start.
pub fn document(settings: &Settings, extensions: &Extensions) -> Value {
    let mut document: Value = serde_json::from_str(&super::service().spec()).unwrap_or_default();
    let url = settings.base_url();
    document["servers"] = json!([{ "url": url, "description": "This instance." }]);
    document["info"]["description"] = json!(about());
    document["info"]["contact"] = json!({ "name": settings.name, "url": url });
    tidy::tidy(&mut document);
    failures::share(&mut document);
    if let Ok(plan) = plan::read(settings, extensions) {
        if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
            fill(schemas, &plan, settings);
        }
        examples::add(&mut document, &plan, settings);
        own_secrets(&mut document, &plan);
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.sort_keys();
    }
    document
}

fn fill(schemas: &mut Map<String, Value>, plan: &Plan, settings: &Settings) {
    for body in Body::ALL {
        let fields = body.fields(&plan.surface());
        let mut schema = schemas::body(&fields, body == Body::Send);
        schema["description"] = json!(body.about());
        schemas.insert(body.name().to_owned(), schema);
    }
    let language = &settings.messages.language;
    schemas.insert("Profile".to_owned(), profile::profile(&plan.profile, language, false));
    schemas.insert("ProfileRequest".to_owned(), profile::profile(&plan.profile, language, true));
    schemas.insert("Problem".to_owned(), schemas::problem());
    schemas.insert("FieldError".to_owned(), schemas::field_error());
    if let Some(me) = schemas.get_mut("Me").and_then(|me| me["properties"].as_object_mut()) {
        names(me, plan);
    }
}

/// The identifiers that a user is called by, behind the profile; the secrets of own kinds where there are any.
fn names(me: &mut Map<String, Value>, plan: &Plan) {
    for (name, schema) in std::mem::take(me) {
        let profile = name == "profile";
        if name != "secrets" || plan.secrets.own().next().is_some() {
            me.insert(name, schema);
        }
        for kind in bodies::named(&plan.surface()).into_iter().filter(|_| profile) {
            let about = format!("{}: the primary confirmed one.", kind.title());
            let schema = json!({ "type": "string", "description": about, "example": kind.example() });
            me.insert(kind.name().to_owned(), schema);
        }
    }
}

/// Without kinds of its own an instance has no secrets that are changed by their name.
fn own_secrets(document: &mut Value, plan: &Plan) {
    let names: Vec<&str> = plan.secrets.own().map(|kind| kind.name()).collect();
    let path = "/v1/me/secrets/{secret}";
    if names.is_empty() {
        for (list, gone) in [("/paths", path), ("/components/schemas", Body::ChangeSecret.name())] {
            if let Some(list) = document.pointer_mut(list).and_then(Value::as_object_mut) {
                list.shift_remove(gone);
            }
        }
    }
    let parameters = document.pointer_mut("/paths/~1v1~1me~1secrets~1{secret}/put/parameters");
    for parameter in parameters.and_then(Value::as_array_mut).into_iter().flatten() {
        parameter["description"] = json!("Which secret.");
        parameter["schema"] = json!({ "type": "string", "enum": names });
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn each<'a>(value: &'a Value, look: &mut impl FnMut(&'a Map<String, Value>)) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| each(item, look)),
            Value::Object(map) => {
                look(map);
                map.values().for_each(|item| each(item, look));
            }
            _ => {}
        }
    }

    #[test]
    fn everything_is_described() {
        let document = document(&Settings::built_in(), &Extensions::default());
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                for part in ["summary", "description", "operationId", "security", "tags"] {
                    assert!(operation.get(part).is_some(), "{method} {path} {part}");
                }
            }
        }
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            assert!(schema["description"].is_string(), "{name}");
            for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
                let about = schema["description"].as_str().unwrap_or_default();
                assert!(!about.is_empty(), "{name}.{property}");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(&Settings::built_in(), &Extensions::default());
        each(&document, &mut |map| {
            if let Some(Value::String(target)) = map.get("$ref") {
                assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
            }
        });
    }

    #[test]
    fn an_attempt_is_told_by_its_state() {
        let document = document(&Settings::built_in(), &Extensions::default());
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Attempt"]["discriminator"]["mapping"]["ask"], "#/components/schemas/Asking");
        assert_eq!(schemas["Asking"]["properties"]["state"]["enum"], json!(["ask"]));
        assert_eq!(schemas["Done"]["properties"]["state"]["enum"], json!(["done"]));
    }

    #[test]
    fn every_example_fits_its_schema() {
        let document = document(&Settings::built_in(), &Extensions::default());
        let components = document["components"].clone();
        let mut pairs = Vec::new();
        each(&document, &mut |map| {
            let whole = map.get("example").map(|example| (map.get("schema"), map, example));
            let several = map.get("examples").and_then(Value::as_object).into_iter().flat_map(Map::values);
            let named = |example: &'_ Value| {
                example["$ref"].as_str().and_then(|target| document.pointer(&target[1..]))
            };
            let several =
                several.map(|example| (map.get("schema"), map, &named(example).unwrap_or(example)["value"]));
            pairs.extend(whole.into_iter().chain(several));
        });
        assert!(pairs.len() > 50, "{}", pairs.len());
        for (schema, map, example) in pairs {
            // Of a media type or a parameter it is the schema beside it, of a schema that itself.
            let mut schema = schema.cloned().unwrap_or_else(|| Value::Object(map.clone()));
            schema["components"] = components.clone();
            // What OpenAPI 3.0 has of JSON Schema is draft 4.
            let judge = jsonschema::draft4::new(&schema).unwrap();
            let faults: Vec<String> = judge.iter_errors(example).map(|error| error.to_string()).collect();
            assert!(faults.is_empty(), "{example}: {faults:?}");
        }
    }
}
