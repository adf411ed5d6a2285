//! Before a sign-up goes on.

use multauth::settings::{Confirm, Settings};
use serde_json::json;

use super::{allow, ask, questions, refuse, says, thinks};
use crate::support::app::{TestApp, flows};
use crate::support::person::PASSWORD;
use crate::support::token::claims;
use crate::support::vendor::{Does, Vendor};

async fn with(does: Does, change: impl Fn(&mut Settings)) -> (TestApp, Vendor) {
    let vendor = Vendor::start(does).await;
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["email", "passcode"], &["username", "password"]]);
        ask(settings, "before_signup", &vendor);
        change(settings);
    })
    .await;
    (app, vendor)
}

#[tokio::test]
async fn a_refusal_reaches_the_user_and_nothing_is_sent_or_made() {
    let (app, _vendor) = with(says(refuse()), |_| {}).await;
    let client = app.client();
    let answer = client.signup(json!({ "email": "ada@example.com" })).await.fails(403, "refused");
    assert_eq!(answer.json()["detail"], "Members only.");
    TestApp::assert_silent(&app.mail().await);
    client.signup(json!({ "username": "ada", "password": PASSWORD })).await.fails(403, "refused");
    client.signin(json!({ "username": "ada", "password": PASSWORD })).await.wrong();
}

#[tokio::test]
async fn it_is_asked_once_with_what_was_given_before_any_code_is_sent() {
    let (app, vendor) = with(says(allow()), |_| {}).await;
    let client = app.client().speaking("pl, en;q=0.5");
    let body = json!({ "email": "Ada@Example.com", "profile": { "first_name": "Ada" } });
    let asked = client.signup(body).await.asks();
    let question = questions(&vendor);
    assert_eq!(question.len(), 1);
    assert_eq!(question[0]["type"], "before_signup");
    assert_eq!(question[0]["timestamp"], "2026-03-01T10:00:00Z");
    let data = &question[0]["data"];
    assert_eq!(data["identifiers"], json!([{ "kind": "email", "value": "ada@example.com" }]));
    assert_eq!(data["profile"], json!({ "first_name": "Ada" }));
    assert_eq!(data["languages"], json!(["pl", "en"]));
    assert!(data["network"].as_str().unwrap().starts_with("10."), "{data}");
    let code = app.code().await;
    client.passcode(&asked.attempt, code.code()).await.done();
    assert!(questions(&vendor).is_empty(), "the sign-up was let through before");
}

#[tokio::test]
async fn an_amended_profile_and_groups_are_kept_with_the_account() {
    let amend = json!({ "decision": "allow", "profile": { "first_name": "Countess" }, "groups": ["members"], "more": 1 });
    let (app, _vendor) = with(says(amend), |_| {}).await;
    let ada = app.signup(json!({ "email": "ada@example.com", "profile": { "first_name": "Ada" } })).await;
    let me = ada.client.get("/v1/me").await.is(200).json();
    assert_eq!((&me["profile"]["first_name"], &me["groups"]), (&json!("Countess"), &json!(["members"])));
    assert_eq!(claims(&app, &ada.done.access).await["groups"], json!(["members"]));
}

#[tokio::test]
async fn an_amendment_that_the_user_could_not_have_made_counts_as_no_answer() {
    for wrong in
        [json!({ "shoe_size": 44 }), json!({ "first_name": 7 }), json!({ "first_name": "x".repeat(9_000) })]
    {
        let answer = json!({ "decision": "allow", "profile": wrong });
        let (app, _vendor) = with(says(answer), |_| {}).await;
        let body = json!({ "email": "ada@example.com", "profile": { "first_name": "Ada" } });
        app.client().signup(body).await.fails(403, "refused");
        TestApp::assert_silent(&app.mail().await);
    }
    let groups = json!({ "decision": "allow", "groups": ["no blanks"] });
    let (app, _vendor) = with(says(groups), |_| {}).await;
    app.client().signup(json!({ "email": "ada@example.com" })).await.fails(403, "refused");
}

#[tokio::test]
async fn a_taken_address_asks_the_same_and_is_answered_the_same() {
    for decision in [allow(), refuse()] {
        let (app, vendor) = with(says(allow()), |_| {}).await;
        app.signup(json!({ "email": "ada@example.com" })).await;
        questions(&vendor);
        vendor.now(says(decision));
        let mut seen = Vec::new();
        for address in ["ada@example.com", "bob@example.com"] {
            let answer = app.client().signup(json!({ "email": address })).await;
            let mut question = questions(&vendor).remove(0)["data"].clone();
            assert_eq!(question["identifiers"][0]["value"], address);
            (question["identifiers"], question["network"]) = (json!(null), json!(null));
            let asked = answer.json();
            seen.push((answer.status, asked["code"].clone(), asked["ask"][0]["length"].clone(), question));
        }
        assert_eq!(seen[0], seen[1]);
    }
}

#[tokio::test]
async fn another_username_is_asked_about_again() {
    let by_name = thinks(|data| {
        let admin = data["identifiers"].as_array().unwrap().iter().any(|id| id["value"] == "mallory");
        if admin { refuse() } else { allow() }
    });
    let (app, _vendor) = with(by_name, |settings| settings.email.confirm = Confirm::Before).await;
    let client = app.client();
    let body = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    let asked = client.signup(body).await.asks();
    let code = app.code().await;
    client.answer(&asked.attempt, json!({ "username": "mallory" })).await.fails(403, "refused");
    let done = client.passcode(&asked.attempt, code.code()).await.done();
    let me = client.bearing(&done.access).get("/v1/me").await.json();
    assert_eq!(me["username"], "ada");
}
