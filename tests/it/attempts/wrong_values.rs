//! What each of the twelve fields refuses, by its place and its rule, wherever a profile is sent.

use serde_json::{Value, json};

use crate::support::app::{TestApp, unlimited};
use crate::support::client::Answer;
use crate::support::fields::twelve;
use crate::support::person::PASSWORD;

/// A value of a field, the place that its fault names below `profile.`, and the code of the rule.
type Case = (&'static str, Value, &'static str, &'static str);

fn of(field: &'static str, cases: Vec<(Value, &'static str)>) -> Vec<Case> {
    cases.into_iter().map(|(value, code)| (field, value, field, code)).collect()
}

fn cases() -> Vec<Case> {
    let wrong = |value: Value| (value, "wrong_type");
    let mut all = Vec::new();
    for (field, longest) in [("first_name", 30), ("last_name", 150), ("language", 35)] {
        all.extend(of(
            field,
            vec![(json!("é".repeat(longest + 1)), "too_long"), wrong(json!(7)), wrong(json!({}))],
        ));
    }
    all.extend(of(
        "birthday",
        vec![
            (json!("1899-12-31"), "too_small"),
            (json!("2026-01-01"), "too_large"),
            (json!("2023-02-29"), "not_a_date"),
            (json!("31.12.1990"), "not_a_date"),
            (json!("1990-12-31T00:00:00Z"), "not_a_date"),
            (json!(""), "not_a_date"),
            (json!(null), "missing"),
            wrong(json!(19_901_231)),
        ],
    ));
    all.extend(of(
        "member_number",
        vec![
            (json!("ab-1234"), "pattern"),
            (json!("AB-123"), "pattern"),
            (json!("AB-1234567890"), "too_long"),
            wrong(json!(1234)),
        ],
    ));
    all.extend(of(
        "children",
        vec![
            (json!(-1), "too_small"),
            (json!(31), "too_large"),
            (json!(u64::MAX), "too_large"),
            wrong(json!(1.5)),
            wrong(json!("3")),
            wrong(json!(true)),
        ],
    ));
    all.extend(of(
        "height",
        vec![
            (json!(0.29), "too_small"),
            (json!(2.81), "too_large"),
            wrong(json!("1.61")),
            wrong(json!([1.61])),
        ],
    ));
    all.extend(of("newsletter", vec![wrong(json!("true")), wrong(json!(1)), wrong(json!({}))]));
    all.extend(of(
        "size",
        vec![
            (json!("xs"), "not_one_of"),
            (json!("M"), "not_one_of"),
            (json!(""), "not_one_of"),
            wrong(json!(1)),
        ],
    ));
    let many = json!(["a", "b", "c", "d", "e", "f"]);
    all.extend(of(
        "interests",
        vec![(many, "too_many"), wrong(json!("poetry")), wrong(json!({ "0": "poetry" }))],
    ));
    all.extend([
        ("interests", json!(["a", "x".repeat(21)]), "interests.1", "too_long"),
        ("interests", json!([3]), "interests.0", "wrong_type"),
        ("interests", json!([null]), "interests.0", "wrong_type"),
    ]);
    all.extend(of("address", vec![wrong(json!("London")), wrong(json!(["London"]))]));
    all.extend([
        ("address", json!({}), "address.city", "schema"),
        ("address", json!({ "city": "" }), "address.city", "schema"),
        ("address", json!({ "city": 5 }), "address.city", "schema"),
        ("address", json!({ "city": "London", "street": "s".repeat(101) }), "address.street", "schema"),
        ("address", json!({ "city": "London", "country": "gb" }), "address.country", "schema"),
        ("address", json!({ "city": "London", "zip": "1" }), "address.zip", "schema"),
    ]);
    all.extend(of(
        "credit",
        vec![(json!(5), "read_only"), (json!(null), "read_only"), (json!("x"), "read_only")],
    ));
    all.extend(of("shoe", vec![(json!(42), "unknown_field")]));
    all
}

/// One fault, at that place, of that rule, in words, and with nothing of what was sent in it.
fn refused(answer: Answer, (field, value, place, code): &Case) {
    let answer = answer.fails(400, "invalid_request");
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{field} {value}: {problem}");
    assert_eq!(errors[0]["field"], format!("profile.{place}"), "{field} {value}: {problem}");
    assert_eq!(errors[0]["code"], *code, "{field} {value}: {problem}");
    assert!(!errors[0]["message"].as_str().unwrap().is_empty(), "{field} {value}: {problem}");
    if let Some(text) = value.as_str().filter(|text| text.len() > 4) {
        assert!(!answer.text.contains(text), "{field}: the value is quoted: {problem}");
    }
}

#[tokio::test]
async fn every_wrong_value_is_refused_with_its_field_and_its_rule_and_changes_nothing() {
    let app = TestApp::new(|settings| {
        twelve(settings);
        unlimited(settings, &["signup", "username_lookup"]);
    })
    .await;
    let whole = json!({ "birthday": "1915-12-10", "children": 3, "size": "m" });
    let ada = app.signup(json!({ "username": "ada", "password": PASSWORD, "profile": whole })).await;
    let before = ada.client.get("/v1/me").await.json()["profile"].clone();
    let asked = app.client().signup(json!({ "username": "eve", "password": PASSWORD })).await.asks();
    for case in cases() {
        let (field, value, ..) = &case;
        let patch = ada.client.patch("/v1/me", json!({ "profile": { *field: value } })).await;
        refused(patch, &case);
        let mut profile = json!({ "birthday": "1915-12-10" });
        profile[*field] = value.clone();
        let body = json!({ "username": "bob", "password": PASSWORD, "profile": profile });
        refused(app.client().signup(body).await, &case);
        refused(app.client().answer(&asked.attempt, json!({ "profile": profile })).await, &case);
    }
    assert_eq!(ada.client.get("/v1/me").await.json()["profile"], before);
    assert_eq!(app.rows().number("SELECT COUNT(*) FROM users").await, 1);
}

#[tokio::test]
async fn all_twelve_wrong_at_once_are_told_at_once() {
    let app = TestApp::new(twelve).await;
    let profile = json!({
        "first_name": 1, "last_name": 1, "language": 1, "birthday": 1, "member_number": 1, "children": "1",
        "height": "1", "newsletter": 1, "size": 1, "interests": 1, "address": 1, "credit": 1
    });
    let body = json!({ "username": "bob", "password": PASSWORD, "profile": profile });
    let problem = app.client().signup(body).await.fails(400, "invalid_request").json();
    let errors = problem["errors"].as_array().unwrap().iter();
    let mut told: Vec<&str> = errors.map(|error| error["field"].as_str().unwrap()).collect();
    told.sort_unstable();
    let mut sent: Vec<String> =
        profile.as_object().unwrap().keys().map(|name| format!("profile.{name}")).collect();
    sent.sort_unstable();
    assert_eq!(told, sent);
}

#[tokio::test]
async fn a_control_character_is_refused_before_any_field_is_looked_at() {
    let app = TestApp::new(twelve).await;
    let profile = json!({ "birthday": "1915-12-10", "member_number": "AB-\n1234" });
    let body = json!({ "username": "bob", "password": PASSWORD, "profile": profile });
    let problem = app.client().signup(body).await.fails(400, "invalid_request").json();
    assert!(problem["detail"].as_str().unwrap().contains("control characters"), "{problem}");
}
