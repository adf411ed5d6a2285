//! A factor goes, or is replaced, only where it was shown, or one of its class or a better one, or a recovery code
//! (R67).

use multauth::base::clock::{DAY, SECOND};
use multauth::messages::Kind;
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Answer;
use crate::support::kinds::own;
use crate::support::mailbox::wrong;
use crate::support::person::{CARD, PASSWORD, Person, path};
use crate::support::token::totp;

const EMAIL: &str = "ada@example.org";
const PHONE: &str = "+12124567890";
const NEW: &str = "+12125550142";

/// Three flows of the same level, each with another device.
fn alike(settings: &mut Settings) {
    settings.flows = flows(&[
        &["email", "hardcode", "passcode:email"],
        &["email", "hardcode", "passcode:phone"],
        &["email", "hardcode", "passcode:authenticator"],
    ]);
    unlimited(settings, &["signin", "send", "attempt", "devices", "reauth"]);
}

/// Somebody who has had all three for four days, and has just shown the `nth`; the recovery codes of the app.
async fn ada(app: &TestApp, shows: usize) -> (Person, Vec<Value>) {
    let given = json!({ "email": EMAIL, "phone": PHONE, "hardcode": CARD });
    let mut ada = app.signup(given).await;
    ada.confirm_all(app).await;
    let (_, seed) = ada.enrol(app).await;
    app.pass(4 * DAY);
    let codes = shows_again(app, &mut ada, 2, &seed).await["recovery_codes"].as_array().cloned();
    let codes = match codes {
        Some(codes) => codes,
        None => {
            let made = ada.client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
            made["codes"].as_array().unwrap().clone()
        }
    };
    app.pass(DAY);
    shows_again(app, &mut ada, shows, &seed).await;
    (ada, codes)
}

/// Signs in anew by the card and that device.
async fn shows_again(app: &TestApp, ada: &mut Person, nth: usize, seed: &str) -> Value {
    app.pass(61 * SECOND);
    app.mail().await;
    let client = app.client();
    let asked = client.signin(json!({ "email": EMAIL, "hardcode": CARD })).await.asks();
    let answer = if nth == 2 {
        client.passcode(&asked.attempt, &totp(seed, app.clock.now())).await
    } else {
        let device = asked.device(["email", "sms"][nth]).to_owned();
        client.send(&asked.attempt, json!({ "device": device })).await.is(200);
        client.passcode(&asked.attempt, app.code().await.code()).await
    };
    app.mail().await;
    *ada = Person::with(&client, answer.done());
    answer.json()
}

/// Asks for another number in the place of the phone's, with what vouches for that.
async fn replaces(ada: &Person, with: Value) -> Answer {
    let mut body = json!({ "phone": NEW });
    body.as_object_mut().unwrap().extend(with.as_object().cloned().unwrap());
    ada.client.patch(&path(ada, "phone").await, body).await
}

/// The new number has the place of the old one once it is confirmed.
async fn becomes(app: &TestApp, ada: &Person, answer: Answer) {
    let id = answer.is(200).json()["id"].as_str().unwrap().to_owned();
    let sent = app.mail().await.into_iter().find(|mail| mail.to == NEW).unwrap();
    ada.client.confirm(&id, sent.code()).await.is(200);
    let all = ada.client.get("/v1/me/devices").await.is(200).json();
    let numbers: Vec<_> = all.as_array().unwrap().iter().filter(|device| device["kind"] == "phone").collect();
    assert_eq!((numbers.len(), &numbers[0]["address"]), (1, &json!(NEW)), "{}", app.database());
}

#[tokio::test]
async fn a_phone_is_replaced_by_nobody_who_showed_a_mailbox_alone() {
    for app in TestApp::each(alike).await {
        let (ada, _) = ada(&app, 0).await;
        replaces(&ada, json!({})).await.fails(403, "proof_required");
        TestApp::assert_silent(&app.mail().await);
        // Its own code in the request vouches for it.
        let phone = path(&ada, "phone").await;
        ada.client.post(&format!("{phone}/send"), json!({})).await.is(204);
        let code = app.code().await;
        assert_eq!(code.to, PHONE);
        replaces(&ada, json!({ "passcode": wrong(code.code(), 1) })).await.wrong();
        TestApp::assert_silent(&app.mail().await);
        let answer = replaces(&ada, json!({ "passcode": code.code() })).await;
        becomes(&app, &ada, answer).await;
    }
}

#[tokio::test]
async fn a_phone_is_replaced_where_it_or_a_better_device_was_shown() {
    for shows in [1, 2] {
        for app in TestApp::each(alike).await {
            let (ada, _) = ada(&app, shows).await;
            let answer = replaces(&ada, json!({})).await;
            becomes(&app, &ada, answer).await;
        }
    }
}

#[tokio::test]
async fn a_recovery_code_in_the_request_replaces_and_removes_once() {
    for app in TestApp::each(alike).await {
        let (ada, codes) = ada(&app, 0).await;
        let with = |n: usize| json!({ "recovery_code": codes[n] });
        replaces(&ada, json!({ "recovery_code": "AAAA-AAAA-AAAA-AAAA" })).await.wrong();
        TestApp::assert_silent(&app.mail().await);
        let answer = replaces(&ada, with(0)).await.is(200);
        let told = app.mail().await;
        assert!(told.iter().any(|mail| mail.kind == Kind::RecoveryCodeUsed && mail.to == EMAIL), "{told:?}");
        let sent = told.iter().find(|mail| mail.to == NEW).unwrap();
        ada.client.confirm(answer.json()["id"].as_str().unwrap(), sent.code()).await.is(200);
        let authenticator = path(&ada, "authenticator").await;
        let removes =
            async |with: Value| ada.client.raw("DELETE", &authenticator, Some(&with.to_string())).await;
        removes(json!({})).await.fails(403, "proof_required");
        removes(with(0)).await.wrong();
        removes(with(1)).await.is(204);
        let me = ada.client.get("/v1/me").await.is(200).json();
        assert_eq!(me["recovery_codes"], 8, "{}: they have no successors here", app.database());
    }
}

/// Any device vouches for a card, which is worth less than all of them; a session that showed none needs its number.
#[tokio::test]
async fn a_card_goes_by_its_number_in_the_request() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["username", "password"], &["username", "hardcode", "pin"]]);
    };
    for app in TestApp::each_with(&own(), list).await {
        let given = json!({ "username": "ada", "password": PASSWORD, "hardcode": CARD, "pin": "493071" });
        app.signup(given).await;
        app.pass(DAY);
        let client = app.client();
        let done = client.signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
        let ada = Person::with(&client, done);
        let card = path(&ada, "card").await;
        let removes = async |with: Value| ada.client.raw("DELETE", &card, Some(&with.to_string())).await;
        removes(json!({})).await.fails(403, "proof_required");
        removes(json!({ "hardcode": "4711-0815-2343" })).await.wrong();
        removes(json!({ "hardcode": CARD })).await.is(204);
        app.client().signin(json!({ "username": "ada", "hardcode": CARD })).await.wrong();
    }
}
