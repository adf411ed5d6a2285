//! The failures of the document: an example for each code, and what several operations answer written once.

use serde_json::{Map, Value, json};

use crate::api::problem::{CASES, Case};

/// Gives the failures of all operations their examples, and a place that they share.
pub(in crate::api) fn share(document: &mut Value) {
    let (mut examples, mut responses) = (Map::new(), Map::new());
    let items = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in items.flat_map(|item| item.as_object_mut().into_iter().flat_map(Map::values_mut)) {
        for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
            let about = response["description"].as_str().unwrap_or_default().to_owned();
            let Some(media) = response.pointer_mut("/content/application~1problem+json") else { continue };
            let said = |case: &&Case| about.contains(&format!("`{}`: ", case.code));
            let cases: Vec<&Case> = CASES.iter().filter(said).collect();
            for case in &cases {
                media["examples"][case.code] = reference("examples", case.code);
                let example = || json!({ "summary": case.title, "value": problem(case) });
                examples.entry(case.code).or_insert_with(example);
            }
            let name = cases.iter().map(|case| case.code).collect::<Vec<_>>().join("-or-");
            let shared = reference("responses", &name);
            responses.insert(name, std::mem::replace(response, shared));
        }
    }
    examples.sort_keys();
    responses.sort_keys();
    document["components"]["examples"] = examples.into();
    document["components"]["responses"] = responses.into();
}

fn reference(part: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{part}/{name}") })
}

/// A problem of that code, with what belongs to it.
fn problem(case: &Case) -> Value {
    let mut value = json!({
        "type": format!("urn:multauth:problem:{}", case.code),
        "title": case.title,
        "status": case.status,
        "code": case.code
    });
    match case.code {
        "invalid_request" => {
            value["errors"] = json!([{ "field": "label", "code": "empty", "message": "is empty" }]);
        }
        "wrong_secret" => value["attempts_left"] = json!(4),
        "too_many" | "busy" => value["retry_after"] = json!(30),
        _ => {}
    }
    value
}
