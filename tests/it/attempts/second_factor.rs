//! No downgrade (R3): who has enrolled a second factor is asked for it, whichever way they come.

use multauth::base::tuple::{Detailed, TupleSpec};
use multauth::settings::Settings;
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::client::{Answer, Asked, Client};
use crate::support::mailbox::wrong;
use crate::support::person::{PASSWORD, Person};
use crate::support::token::{claims, totp};

const PHONE: &str = "+12124567890";

fn optional(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"], &["username", "password", "passcode"]]);
}

async fn by_password(client: &Client) -> Answer {
    client.signin(json!({ "username": "ada", "password": PASSWORD })).await
}

/// What stands between a password and a session cannot be left out.
async fn nothing_skips(client: &Client, asked: &Asked) {
    for body in [json!({}), json!({ "passcode": null }), json!({ "passcode": "" })] {
        client.answer(&asked.attempt, body).await.fails(400, "invalid_request");
    }
    client.answer(&asked.attempt, json!({ "password": PASSWORD })).await.fails(400, "not_asked");
    let both = json!({ "username": "ada", "password": PASSWORD, "passcode": "" });
    client.signin(both).await.fails(400, "invalid_request");
    let guessed = json!({ "username": "ada", "password": PASSWORD, "passcode": "000000" });
    client.signin(guessed).await.wrong();
}

#[tokio::test]
async fn without_a_second_factor_the_password_is_enough() {
    for app in TestApp::each(optional).await {
        let ada = app.named("ada").await;
        let done = by_password(&app.client()).await.done();
        assert_eq!(claims(&app, &done.access).await["amr"], json!(["pwd"]));
        let unconfirmed = ada.client.add(json!({ "kind": "phone", "phone": PHONE })).await.is(201);
        assert_eq!(unconfirmed.json()["confirmed"], false);
        ada.client.add(json!({ "kind": "authenticator" })).await.is(201);
        by_password(&app.client()).await.done();
    }
}

#[tokio::test]
async fn a_confirmed_phone_is_asked_for_and_nothing_skips_it() {
    for app in TestApp::each(optional).await {
        app.named("ada").await.add(&app, "phone", PHONE).await;
        let client = app.client();
        let asked = by_password(&client).await.asks();
        assert_eq!(asked.secrets(), ["passcode"]);
        let code = app.code().await;
        assert_eq!(code.to, PHONE);
        nothing_skips(&client, &asked).await;
        client.passcode(&asked.attempt, &wrong(code.code(), 0)).await.wrong();
        let done = client.passcode(&asked.attempt, code.code()).await.done();
        let claims = claims(&app, &done.access).await;
        assert_eq!(claims["amr"], json!(["pwd", "otp", "sms", "mfa"]));
        assert_eq!(claims["acr"], "urn:multauth:acr:multifactor");
    }
}

#[tokio::test]
async fn a_confirmed_authenticator_is_asked_for_and_its_code_passes_once() {
    for app in TestApp::each(optional).await {
        let (_, seed) = app.named("ada").await.enrol(&app).await;
        let client = app.client();
        let asked = by_password(&client).await.asks();
        assert_eq!(asked.ask[0]["channel"], "authenticator");
        TestApp::assert_silent(&app.mail().await);
        nothing_skips(&client, &asked).await;
        let code = totp(&seed, app.clock.now());
        let done = client.passcode(&asked.attempt, &code).await.done();
        assert_eq!(claims(&app, &done.access).await["amr"], json!(["pwd", "otp", "mfa"]));
        let again = by_password(&client).await.asks();
        client.passcode(&again.attempt, &code).await.wrong();
    }
}

#[tokio::test]
async fn another_identifier_is_no_way_around() {
    let app = TestApp::new(|settings| {
        let weak: &[&[&str]] = &[&["username", "password"], &["email", "password"]];
        let strong: &[&str] = &["username", "password", "passcode:authenticator"];
        settings.flows = flows(&[weak[0], weak[1], strong]);
        settings.email.confirm = multauth::settings::Confirm::Never;
    })
    .await;
    let both = json!({ "username": "ada", "email": "ada@example.org", "password": PASSWORD });
    let ada = app.signup(both).await;
    let by_email = json!({ "email": "ada@example.org", "password": PASSWORD });
    app.client().signin(by_email.clone()).await.done();
    let (_, seed) = ada.enrol(&app).await;
    let client = app.client();
    let asked = client.signin(by_email).await.asks();
    assert_eq!(asked.secrets(), ["passcode"]);
    client.passcode(&asked.attempt, &totp(&seed, app.clock.now())).await.done();
}

#[tokio::test]
async fn the_operator_may_allow_a_downgrade() {
    let app = TestApp::new(|settings| {
        optional(settings);
        let words = settings.flows[0].words().to_vec();
        settings.flows[0] = TupleSpec::Detailed(Detailed { words, name: None, allow_downgrade: true });
    })
    .await;
    app.named("ada").await.add(&app, "phone", PHONE).await;
    let done = by_password(&app.client()).await.done();
    assert_eq!(claims(&app, &done.access).await["acr"], "urn:multauth:acr:single");
    TestApp::assert_silent(&app.mail().await);
}

#[tokio::test]
async fn a_recovery_code_stands_in_once_for_the_lost_second_factor() {
    let app = TestApp::new(optional).await;
    let mut ada = app.named("ada").await;
    let (_, seed) = ada.enrol(&app).await;
    let code = totp(&seed, app.clock.now());
    ada.reauth(json!({ "password": PASSWORD, "passcode": code })).await;
    let codes = ada.client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
    let code = codes["codes"][0].as_str().unwrap();
    let client = app.client();
    let spend = async |code: &str| {
        let asked = by_password(&client).await.asks();
        client.answer(&asked.attempt, json!({ "recovery_code": code })).await
    };
    app.mail().await;
    let answer = spend(code).await;
    let successor = answer.json()["recovery_code"].as_str().unwrap().to_owned();
    let done = answer.done();
    spend(code).await.wrong();
    let me = Person::with(&client, done).client.get("/v1/me").await.json();
    assert_eq!(me["recovery_codes"], 10, "the one that was used has a successor");
    let claims = claims(&app, &spend(&successor).await.done().access).await;
    assert_ne!(claims["acr"], "urn:multauth:acr:multifactor", "it is not rated as the lost device");
    // Before the password is proven a recovery code is worth nothing.
    let early = client.signin(json!({ "username": "ada" })).await.asks();
    let code = codes["codes"][1].as_str().unwrap();
    client.answer(&early.attempt, json!({ "recovery_code": code })).await.fails(400, "not_asked");
}
