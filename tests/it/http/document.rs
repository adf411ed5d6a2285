//! The API document: committed, complete, and no wider than the settings.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use multauth::api::{self, problem::CASES};
use multauth::base::TupleSpec;
use multauth::settings::Settings;
use serde_json::Value;

use crate::support::raw::Call;
use crate::support::server::Server;

/// Operations that can give an access token, a refresh token or both, and what asks for each of them here
/// (R12). An operation that begins to give one has to be added, with its tests.
const GIVES_TOKENS: [&str; 6] = ["answer", "confirm", "reauth", "refresh", "signin", "signup"];
/// Operations whose answer has the shape of an attempt and never a token of a session.
const GIVES_NONE: [&str; 2] = ["recovery", "send"];

fn document() -> Value {
    api::document(&Settings::built_in(), &multauth::extensions::Extensions::default())
}

/// Every operation: path, method, itself.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let item = item.as_object().unwrap().clone();
        let path = path.clone();
        item.into_iter().map(move |(method, operation)| (path.clone(), method, operation)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/multauth.json")
}

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let made = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(committed().parent().unwrap()).unwrap();
        std::fs::write(committed(), &made).unwrap();
    }
    let kept = std::fs::read_to_string(committed()).unwrap_or_default();
    let differs = kept.lines().zip(made.lines()).enumerate().find(|(_, (kept, made))| kept != made);
    assert!(
        kept == made,
        "openapi/multauth.json is old; run UPDATE=1 cargo test --test it document. First difference: {differs:#?}"
    );
}

#[test]
fn without_a_phone_flow_no_door_takes_a_phone() {
    let mut settings = Settings::built_in();
    let flow = |words: &[&str]| TupleSpec::Plain(words.iter().map(|&word| word.to_owned()).collect());
    settings.flows = vec![flow(&["username", "password"]), flow(&["email", "password"])];
    settings.recovery = vec![flow(&["email", "passcode"])];
    let with = api::document(&Settings::built_in(), &multauth::extensions::Extensions::default());
    let without = api::document(&settings, &multauth::extensions::Extensions::default());
    let takes = |document: &Value, body: &str, field: &str| {
        let schema = &document["components"]["schemas"][body];
        assert_eq!(schema["additionalProperties"], false, "{body}");
        schema["properties"].get(field).is_some()
    };
    for body in ["SigninRequest", "SignupRequest", "RecoveryRequest"] {
        assert!(takes(&with, body, "phone"), "{body} of the built-in flows takes a phone");
        assert!(!takes(&without, body, "phone"), "{body} takes a phone that no flow knows");
        assert!(takes(&without, body, "email"), "{body} takes an email");
    }
    for body in ["SigninRequest", "SignupRequest", "AnswerRequest", "ReauthRequest"] {
        assert!(takes(&with, body, "hardcode") && !takes(&without, body, "hardcode"), "{body}");
    }
    assert!(!takes(&without, "AnswerRequest", "phone"));
}

#[test]
fn every_failure_is_documented_and_every_operation_names_its_own() {
    let document = document();
    let text = document["info"]["description"].as_str().unwrap();
    let known =
        document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().unwrap();
    for case in CASES {
        assert!(text.contains(&format!("| `{}` | {} |", case.code, case.status)), "{}", case.code);
        assert!(known.iter().any(|code| code == case.code), "{}", case.code);
    }
    assert_eq!(known.len(), CASES.len());
    for (path, method, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap();
        for status in ["400", "414", "429", "500"] {
            assert!(answers.contains_key(status), "{method} {path} does not document {status}");
        }
        // What an instance says of itself asks neither the database nor for time.
        let busy = operation["tags"][0] != "About";
        assert_eq!(answers.contains_key("503"), busy, "{method} {path}");
        let guarded = operation["security"].as_array().is_some_and(|list| !list.is_empty());
        assert!(!guarded || answers.contains_key("401"), "{method} {path} does not document 401");
        let bodied = operation.get("requestBody").is_some();
        for status in ["413", "415"] {
            assert_eq!(answers.contains_key(status), bodied, "{method} {path} {status}");
        }
    }
}

#[test]
fn what_can_give_a_token_is_known() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let mut giving = BTreeSet::new();
    for (_, _, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap();
        let good = answers.iter().filter(|(status, _)| status.starts_with('2'));
        if good.into_iter().any(|(_, answer)| leads_to_a_token(schemas, answer, &mut BTreeSet::new())) {
            giving.insert(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    let known: BTreeSet<String> = GIVES_TOKENS.iter().chain(&GIVES_NONE).map(|&id| id.to_owned()).collect();
    assert_eq!(
        giving, known,
        "an operation gives a token, or gives none any more: mend the list and its tests"
    );
}

fn leads_to_a_token(schemas: &Value, value: &Value, seen: &mut BTreeSet<String>) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| {
            let reference = value.as_str().filter(|_| key == "$ref").and_then(|r| r.rsplit('/').next());
            let behind = reference.filter(|name| seen.insert((*name).to_owned())).map(str::to_owned);
            matches!(key.as_str(), "access_token" | "refresh_token")
                || behind.is_some_and(|name| leads_to_a_token(schemas, &schemas[&name], seen))
                || leads_to_a_token(schemas, value, seen)
        }),
        Value::Array(items) => items.iter().any(|item| leads_to_a_token(schemas, item, seen)),
        _ => false,
    }
}

#[tokio::test]
async fn every_operation_is_served_and_the_served_document_is_this_one() {
    let server = Server::start(|_| {}).await;
    for (path, method, operation) in operations(&document()) {
        let path = path.replace("{id}", "00000000-0000-4000-8000-000000000000");
        let path = path.replace("{attempt}", "at_x").replace("{verification}", "vf_x");
        let mut call = Call::new(&method.to_uppercase(), &path);
        if operation.get("requestBody").is_some() {
            call = call.json("{");
        }
        let answer = server.call(call).await;
        let named = operation["responses"].get(answer.status.to_string()).is_some();
        assert!(named, "{method} {path} answered {}, which it does not document", answer.status);
        assert_ne!(answer.status, 405, "{method} {path}");
        let wrong_path = answer.status == 404 && answer.code() == "not_found" && !path.contains("vf_x");
        assert!(!wrong_path, "{method} {path} is not served");
    }
    let served = server.get("/openapi.json").await.json();
    assert_eq!(served, api::document(&server.app.settings, &multauth::extensions::Extensions::default()));
}
