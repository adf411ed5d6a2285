//! A recovery asks, beside the new password, for every fixed secret that is gone and that a flow of the account
//! needs: all of it in one request, or nothing is changed.

use multauth::settings::{Confirm, Settings};
use multauth::store::trail::{self, Wanted};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::{Asked, Client};
use crate::support::kinds::{own, with_pin};
use crate::support::person::{CARD, OTHER, PASSWORD};

const EMAIL: &str = "ada@example.org";
const PHONE: &str = "+12124567890";
const NEW_CARD: &str = "2001-2002-2003";

fn by_card(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password"], &["phone", "hardcode", "passcode"]]);
    unlimited(settings, &["signin", "send", "recovery", "attempt"]);
}

/// A recovery by [`EMAIL`] whose code is passed.
async fn recovery(app: &TestApp, client: &Client) -> Asked {
    let asked = client.recovery(json!({ "email": EMAIL })).await.asks();
    client.passcode(&asked.attempt, app.code().await.code()).await.asks()
}

/// The fields that are refused, with their codes.
#[track_caller]
fn refused(answer: &Value) -> Vec<(&str, &str)> {
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{answer}"));
    errors.iter().map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
}

/// What happened lately to anybody, by name and payload.
async fn happened(app: &TestApp, name: &str) -> Vec<Value> {
    let wanted = Wanted { user: None, name: name.into(), since: 0, until: i64::MAX };
    let rows = trail::after(&mut app.app.store.read().await.unwrap(), &wanted, (-1, ""), 100).await.unwrap();
    rows.iter().map(|row| serde_json::from_str(&row.data).unwrap()).collect()
}

#[tokio::test]
async fn a_hardcode_is_asked_for_where_its_card_is_gone_and_a_flow_needs_it() {
    for app in TestApp::each(by_card).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let client = app.client();
        assert_eq!(recovery(&app, &client).await.secrets(), ["new_password"], "no flow by phone is theirs");
        ada.add(&app, "phone", PHONE).await;
        let card = ada.client.add(json!({ "kind": "card", "hardcode": CARD })).await.is(201).json();
        app.mail().await;
        assert_eq!(recovery(&app, &client).await.secrets(), ["new_password"], "the card is there");
        let removed = format!("UPDATE devices SET hidden_at = {} WHERE id = {}", app.clock.now(), card["id"]);
        app.rows().execute(Box::leak(removed.replace('"', "'").into_boxed_str())).await;

        let asked = recovery(&app, &client).await;
        assert_eq!(asked.secrets(), ["new_password", "hardcode"], "{}", app.database());
        let answer = async |body: Value| client.answer(&asked.attempt, body).await;
        let one = answer(json!({ "new_password": OTHER })).await.fails(400, "invalid_request").json();
        assert_eq!(refused(&one), [("hardcode", "missing")]);
        let other = answer(json!({ "hardcode": NEW_CARD })).await.fails(400, "invalid_request").json();
        assert_eq!(refused(&other), [("new_password", "missing")]);
        let both = answer(json!({ "new_password": "short", "hardcode": "1" })).await;
        let both = both.fails(400, "invalid_request").json();
        assert_eq!(refused(&both), [("new_password", "too_short"), ("hardcode", "too_short")]);
        app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.done();
        app.client().signin(json!({ "email": EMAIL, "password": OTHER })).await.wrong();
        answer(json!({ "new_password": OTHER, "hardcode": NEW_CARD })).await.done();

        app.mail().await;
        app.client().signin(json!({ "phone": PHONE, "hardcode": CARD })).await.wrong();
        let next = client.signin(json!({ "phone": PHONE, "hardcode": NEW_CARD })).await.asks();
        client.passcode(&next.attempt, app.code().await.code()).await.done();
        let added = happened(&app, "device.added").await.pop().unwrap();
        assert_eq!((&added["by"], &added["kind"]), (&json!("recovery"), &json!("card")), "{added}");
    }
}

#[tokio::test]
async fn a_secret_of_a_programs_own_is_asked_for_where_it_is_gone_and_is_never_replaced() {
    for app in TestApp::each_with(&own(), with_pin).await {
        let all = json!({ "email": EMAIL, "password": PASSWORD, "pin": "493071" });
        app.signup(all).await;
        let client = app.client();
        let there = recovery(&app, &client).await;
        assert_eq!(there.secrets(), ["new_password"]);
        client.answer(&there.attempt, json!({ "new_password": OTHER, "pin": "112233" })).await.done();
        app.mail().await;
        let signed_in =
            |password: &str, pin: &str| json!({ "email": EMAIL, "password": password, "pin": pin });
        app.client().signin(signed_in(OTHER, "112233")).await.wrong();
        app.client().signin(signed_in(OTHER, "493071")).await.done();

        app.rows().execute("DELETE FROM secrets WHERE kind = 'pin'").await;
        let gone = recovery(&app, &client).await;
        assert_eq!(gone.secrets(), ["new_password", "pin"], "{}", app.database());
        let letters =
            client.answer(&gone.attempt, json!({ "new_password": PASSWORD, "pin": "abcdef" })).await;
        assert_eq!(refused(&letters.fails(400, "invalid_request").json()), [("pin", "wrong_form")]);
        client.answer(&gone.attempt, json!({ "new_password": PASSWORD, "pin": "11 22 33" })).await.done();
        app.client().signin(signed_in(PASSWORD, "112233")).await.done();
        let changed = happened(&app, "secret.changed").await;
        assert_eq!(changed, [json!({ "by": "recovery", "secret": "pin" })]);
    }
}

/// What somebody prepared who never showed that the address is theirs lets nobody in: not their secrets either.
#[tokio::test]
async fn the_first_proof_of_an_address_asks_for_everything_anew() {
    let unproven = |settings: &mut Settings| {
        with_pin(settings);
        settings.email.confirm = Confirm::Never;
    };
    for app in TestApp::each_with(&own(), unproven).await {
        let prepared =
            json!({ "username": "mallory", "email": EMAIL, "password": PASSWORD, "pin": "493071" });
        let mallory = app.signup(prepared).await;
        let codes = mallory.client.post("/v1/me/recovery-codes", json!({})).await;
        assert!(codes.status < 300, "{codes:?}");
        app.mail().await;
        let client = app.client();
        let asked = recovery(&app, &client).await;
        assert_eq!(asked.secrets(), ["new_password", "pin"], "{}", app.database());
        client.answer(&asked.attempt, json!({ "new_password": OTHER, "pin": "112233" })).await.done();
        let by_hers = json!({ "email": EMAIL, "password": OTHER, "pin": "112233" });
        let done = client.signin(by_hers).await.done();
        let me = client.bearing(&done.access).get("/v1/me").await.is(200).json();
        assert_eq!(me["recovery_codes"], 0, "{me}");
    }
}
