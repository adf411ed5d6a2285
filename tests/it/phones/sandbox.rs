//! Sandbox addresses at every door: their fixed codes pass, are guessed at as others are, and nothing ever leaves for
//! them.

use multauth::base::clock::{DAY, SECOND};
use multauth::settings::{SandboxEntry, Settings};
use serde_json::json;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Client;

const NUMBER: &str = "+12025550100";
const SPELT: &str = "+1 (202) 555-0100";
const EMAIL: &str = "Review@Example.org";
const CODE: &str = "424242";

fn settings(settings: &mut Settings) {
    settings.flows = flows(&[&["phone", "passcode"], &["email", "passcode"]]);
    let entry = |to: &str| SandboxEntry {
        to: to.into(),
        code: CODE.into(),
        until: Some("2026-03-10".parse().unwrap()),
    };
    settings.sandbox = vec![entry(NUMBER), entry(EMAIL)];
}

/// Messages that are for somebody, whatever became of them.
async fn written(app: &TestApp) -> i64 {
    app.rows().number("SELECT COUNT(*) FROM outbox WHERE channel <> 'none'").await
}

async fn enter(client: &Client, door: &str, phone: &str) {
    let asked = client.post(door, json!({ "phone": phone })).await.asks();
    client.passcode(&asked.attempt, CODE).await.done();
}

#[tokio::test]
async fn every_door_takes_the_fixed_code_and_writes_to_nobody() {
    for app in TestApp::each(settings).await {
        let asked = app.client().signup(json!({ "phone": SPELT })).await.asks();
        let done = app.client().passcode(&asked.attempt, CODE).await.done();
        app.pass(61 * SECOND);
        enter(&app.client(), "/v1/signin", NUMBER).await;
        enter(&app.client(), "/v1/signin", SPELT).await;
        let taken = app.client().signup(json!({ "phone": NUMBER })).await.asks();
        app.client().passcode(&taken.attempt, CODE).await.wrong();
        let me = app.client().bearing(&done.access);
        let added = me.add(json!({ "kind": "email", "email": "rEVIEW@example.ORG" })).await.is(201);
        me.confirm(added.json()["id"].as_str().unwrap(), CODE).await.is(200);
        let backend = app.backend().await;
        for to in [SPELT, EMAIL, "review@EXAMPLE.org"] {
            let begun = backend.post("/v1/verifications", json!({ "to": to })).await.is(201);
            let check = format!("/v1/verifications/{}/check", begun.json()["verification"].as_str().unwrap());
            backend.post(&check, json!({ "passcode": "424243" })).await.wrong();
            backend.post(&check, json!({ "passcode": CODE })).await.is(200);
        }
        TestApp::assert_silent(&app.mail().await);
        assert_eq!(written(&app).await, 0, "{}", app.database());
    }
}

#[tokio::test]
async fn guesses_at_a_fixed_code_are_counted_over_attempts_and_barred() {
    let app = TestApp::new(|changed| {
        settings(changed);
        unlimited(changed, &["signin", "signup", "failures", "attempt"]);
    })
    .await;
    for door in ["/v1/signup", "/v1/signin"] {
        let mut looked_at = 0;
        for _ in 0..10 {
            let client = app.client();
            let asked = client.post(door, json!({ "phone": NUMBER })).await.asks();
            for _ in 0..5 {
                let answer = client.passcode(&asked.attempt, "000000").await;
                looked_at += u32::from(answer.json()["code"] == "wrong_secret");
            }
        }
        assert!(looked_at <= 20, "{door}: {looked_at} guesses a day");
        let client = app.client();
        let asked = client.post(door, json!({ "phone": NUMBER })).await.asks();
        assert_eq!(client.passcode(&asked.attempt, CODE).await.status, 429, "{door}: not even the right one");
        app.pass(DAY);
        enter(&app.client(), door, NUMBER).await;
    }
}

#[tokio::test]
async fn after_its_last_day_a_number_is_one_like_any_other() {
    let app = TestApp::new(settings).await;
    enter(&app.client(), "/v1/signup", NUMBER).await;
    app.pass(12 * DAY);
    let asked = app.client().signin(json!({ "phone": NUMBER })).await.asks();
    let sent = app.code().await;
    assert_ne!(sent.code(), CODE);
    app.client().passcode(&asked.attempt, CODE).await.wrong();
    app.client().passcode(&asked.attempt, sent.code()).await.done();
}
