//! What poem-openapi writes and readers of OpenAPI stumble over, put right.

use serde_json::{Map, Value, json};

/// All of it.
pub(in crate::api) fn tidy(document: &mut Value) {
    let mut schemas = Map::new();
    if let Some(known) = document["components"]["schemas"].as_object_mut() {
        unions(known);
        schemas = known.clone();
    }
    for item in document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            self::operation(method, operation);
            answers(operation, &schemas);
        }
    }
    tags(document);
    everywhere(document);
}

/// In the order in which the operations come, which is the one to read them in.
fn tags(document: &mut Value) {
    let items = document["paths"].as_object().into_iter().flat_map(Map::values);
    let operations = items.flat_map(|item| item.as_object().into_iter().flat_map(Map::values));
    let order: Vec<Value> = operations.map(|operation| operation["tags"][0].clone()).collect();
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.sort_by_key(|tag| order.iter().position(|name| *name == tag["name"]));
    }
}

/// A member of a union is written as `allOf` of its mark and its object. Generators make better types of one
/// object that has the mark.
fn unions(schemas: &mut Map<String, Value>) {
    let names: Vec<String> =
        schemas.iter().filter(|(_, s)| s.get("discriminator").is_some()).map(|(n, _)| n.clone()).collect();
    for name in names {
        let Some(mut union) = schemas.get(&name).cloned() else { continue };
        let mark = union["discriminator"]["propertyName"].as_str().unwrap_or_default().to_owned();
        let mut members = Vec::new();
        for (value, target) in union["discriminator"]["mapping"].as_object_mut().into_iter().flatten() {
            let Some(object) = merge(schemas, last(target), &mark, value) else { continue };
            *target = json!(format!("#/components/schemas/{object}"));
            members.push(json!({ "$ref": target }));
        }
        union["oneOf"] = members.into();
        if let Some(union) = union.as_object_mut() {
            union.remove("type");
        }
        schemas.insert(name, union);
    }
}

/// Gives the object of a member the mark, and its name.
fn merge(schemas: &mut Map<String, Value>, member: &str, mark: &str, value: &str) -> Option<String> {
    let member = schemas.remove(member)?;
    let object = last(member["allOf"].get(1)?.get("$ref")?).to_owned();
    let schema = schemas.get_mut(&object)?;
    let about = format!("Always `{value}`: it tells what this is.");
    let mut properties = Map::new();
    properties.insert(mark.to_owned(), json!({ "type": "string", "enum": [value], "description": about }));
    properties.extend(schema["properties"].as_object().cloned().unwrap_or_default());
    let mut required = vec![json!(mark)];
    required.extend(schema["required"].as_array().cloned().unwrap_or_default());
    schema["required"] = required.into();
    schema["properties"] = properties.into();
    Some(object)
}

/// The name at the end of a reference.
fn last(reference: &Value) -> &str {
    reference.as_str().and_then(|text| text.rsplit('/').next()).unwrap_or_default()
}

/// Public operations say so, parameters say what they look like, and nothing is refused for its body where
/// there is none.
fn operation(method: &str, operation: &mut Value) {
    let bare = operation.get("requestBody").is_none();
    let Some(map) = operation.as_object_mut() else { return };
    map.entry("security").or_insert(json!([]));
    if let Some(responses) = map.get_mut("responses").and_then(Value::as_object_mut) {
        responses.retain(|status, _| !(bare && status == "415" || method == "get" && status == "413"));
    }
    for parameter in map.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let (about, schema) = match parameter["name"].as_str() {
            Some("attempt") => ("The handle of the attempt, as its first answer tells it.", handle("at_")),
            Some("verification") => ("The handle, as the first answer tells it.", handle("vf_")),
            _ => ("The id, as the list tells it.", json!({ "type": "string", "format": "uuid" })),
        };
        parameter["description"] = json!(about);
        parameter["schema"] = schema;
    }
}

/// An answer without words is described by what it holds.
fn answers(operation: &mut Value, schemas: &Map<String, Value>) {
    for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if response["description"] == "" {
            let schema = response.pointer("/content/application~1json; charset=utf-8/schema/$ref");
            let about = schema.and_then(|schema| schemas.get(last(schema))).map(|s| s["description"].clone());
            response["description"] = about.unwrap_or_else(|| json!("All of them."));
        }
    }
}

fn handle(prefix: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^{prefix}[A-Za-z0-9_-]{{43}}$") })
}

/// Formats that are not registered, formats that are missing, charsets in media types.
fn everywhere(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(everywhere),
        Value::Object(map) => {
            unsigned(map);
            described(map);
            if let Some(Value::Object(content)) = map.get_mut("content") {
                let plain = std::mem::take(content).into_iter();
                *content = plain
                    .map(|(kind, v)| (kind.split(';').next().unwrap_or_default().to_owned(), v))
                    .collect();
            }
            if let Some(Value::Object(properties)) = map.get_mut("properties") {
                properties.iter_mut().for_each(|(name, property)| named(name, property));
            }
            map.values_mut().for_each(everywhere);
        }
        _ => {}
    }
}

/// A reference with a description of its own: `allOf` of the reference alone, or generators see two types.
fn described(map: &mut Map<String, Value>) {
    let own = map.get("description").cloned();
    if let Some(all) = map.get_mut("allOf").and_then(Value::as_array_mut)
        && own.is_some()
    {
        all.retain(|part| part.get("$ref").is_some());
    }
}

fn unsigned(map: &mut Map<String, Value>) {
    let bits = map.get("format").and_then(Value::as_str).and_then(|format| format.strip_prefix("uint"));
    if let Some(format) = bits.map(|bits| if bits == "64" { "int64" } else { "int32" }) {
        map.insert("format".into(), json!(format));
        map.entry("minimum").or_insert(json!(0));
    }
}

/// Our names say what a text is: a moment ends in `_at`, ids are UUIDs.
fn named(name: &str, property: &mut Value) {
    if property["type"] != "string" || property.get("format").is_some() {
        return;
    }
    if name.ends_with("_at") {
        property["format"] = json!("date-time");
    } else if matches!(name, "id" | "sub" | "sid") {
        property["format"] = json!("uuid");
        if let Some(map) = property.as_object_mut() {
            map.remove("minLength");
            map.remove("maxLength");
        }
    }
}
