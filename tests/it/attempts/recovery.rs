//! Recovery gives the right to set a new password and nothing else (R14, R58, R121–R123), and nobody is
//! lured into an account that somebody else prepared (R119, R120).

use multauth::base::clock::{DAY, HOUR, MINUTE};
use multauth::messages::Kind;
use multauth::settings::{Confirm, Settings};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::client::{Answer, Client};
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::token::totp;

const EMAIL: &str = "maria@example.org";

fn maria() -> Value {
    json!({ "email": EMAIL, "password": PASSWORD })
}

/// Recovers the account behind [`EMAIL`].
async fn recover(app: &TestApp, password: &str) -> Answer {
    let client = app.client();
    let asked = client.recovery(json!({ "email": EMAIL })).await.asks();
    let code = app.code().await;
    assert_eq!((code.kind, code.to.as_str()), (Kind::RecoveryCode, EMAIL));
    let next = client.passcode(&asked.attempt, code.code()).await.asks();
    assert_eq!(next.secrets(), ["new_password"]);
    client.answer(&next.attempt, json!({ "new_password": password })).await
}

/// Signs in by email, password and code.
async fn sign_in(app: &TestApp, client: &Client, password: &str) -> Answer {
    let answer = client.signin(json!({ "email": EMAIL, "password": password })).await;
    match answer.json()["state"].as_str() {
        Some("ask") => client.passcode(&answer.asks().attempt, app.code().await.code()).await,
        _ => answer,
    }
}

#[tokio::test]
async fn it_sets_a_password_ends_every_session_and_signs_nobody_in() {
    for app in TestApp::each(|_| ()).await {
        let before = app.signup(maria()).await;
        let running = app.client().signin(json!({ "email": EMAIL })).await.asks();
        app.pass(MINUTE);
        let done = recover(&app, OTHER).await.done();
        assert_eq!((done.access.as_str(), done.refresh.as_str(), done.known_device), ("", "", None));
        before.client.get("/v1/me").await.fails(401, "invalid_token");
        before.client.refresh(&before.done.refresh).await.fails(401, "invalid_token");
        let client = app.client();
        client.answer(&running.attempt, json!({ "password": OTHER })).await.fails(404, "attempt_gone");
        let told: Vec<_> = app.mail().await.into_iter().map(|mail| (mail.kind, mail.to)).collect();
        assert_eq!(told, [(Kind::RecoveryDone, EMAIL.to_owned())]);
        sign_in(&app, &client, PASSWORD).await.wrong();
        sign_in(&app, &client, OTHER).await.done();
    }
}

#[tokio::test]
async fn nothing_changes_before_the_code_is_proven_and_the_password_is_good() {
    let app = TestApp::new(|_| ()).await;
    let before = app.signup(maria()).await;
    let client = app.client();
    let asked = client.recovery(json!({ "email": EMAIL })).await.asks();
    let code = app.code().await;
    client.passcode(&asked.attempt, "000000").await.wrong();
    let next = client.passcode(&asked.attempt, code.code()).await.asks();
    for weak in ["short", "password123", "maria@example.org"] {
        let refused = client.answer(&next.attempt, json!({ "new_password": weak })).await;
        assert_eq!(refused.fails(400, "invalid_request").json()["errors"][0]["field"], "new_password");
    }
    before.client.get("/v1/me").await.is(200);
    sign_in(&app, &client, PASSWORD).await.done();
    client.answer(&next.attempt, json!({ "new_password": OTHER })).await.done();
    client.answer(&next.attempt, json!({ "new_password": PASSWORD })).await.fails(404, "attempt_gone");
    before.client.get("/v1/me").await.fails(401, "invalid_token");
}

#[tokio::test]
async fn the_second_factor_is_still_asked_for() {
    let tuples: &[&[&str]] = &[&["email", "password"], &["email", "password", "passcode:authenticator"]];
    for app in TestApp::each(|settings| settings.flows = flows(tuples)).await {
        let (_, seed) = app.signup(maria()).await.enrol(&app).await;
        recover(&app, OTHER).await.done();
        app.mail().await;
        let client = app.client();
        let asked = client.signin(json!({ "email": EMAIL, "password": OTHER })).await.asks();
        assert_eq!(asked.ask[0]["channel"], "authenticator");
        client.send(&asked.attempt, json!({ "channel": "email" })).await.fails(404, "not_found");
        client.passcode(&asked.attempt, &totp(&seed, app.clock.now())).await.done();
    }
}

/// The address that was named is the one that is written to, whichever of several it is (R10).
#[tokio::test]
async fn it_goes_by_the_address_that_was_named() {
    let app = TestApp::new(|settings| settings.flows = flows(&[&["email", "password"]])).await;
    app.signup(maria()).await.add(&app, "email", "second@example.org").await;
    app.pass(2 * DAY);
    for email in [EMAIL, "second@example.org"] {
        let asked = app.client().recovery(json!({ "email": email })).await.asks();
        let code = app.code().await;
        assert_eq!(code.to, email);
        app.client().passcode(&asked.attempt, code.code()).await.asks();
    }
}

/// An address that was added a moment ago wins nobody's account back (R125).
#[tokio::test]
async fn a_new_address_recovers_nothing_for_a_day() {
    let app = TestApp::new(|settings| settings.flows = flows(&[&["email", "password"]])).await;
    let maria = app.signup(maria()).await;
    app.pass(MINUTE);
    maria.add(&app, "email", "second@example.org").await;
    let second = json!({ "email": "second@example.org" });
    app.pass(DAY - HOUR);
    app.client().recovery(second.clone()).await.asks();
    TestApp::assert_silent(&app.mail().await);
    app.pass(2 * HOUR);
    app.client().recovery(second).await.asks();
    assert_eq!(app.code().await.to, "second@example.org");
}

fn claims(confirm: Confirm) -> impl Fn(&mut Settings) {
    move |settings| {
        settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
        settings.email.confirm = confirm;
    }
}

/// Somebody makes an account with the victim's address before the victim comes.
async fn prepared(app: &TestApp) -> Person {
    let given = json!({ "username": "mallory", "email": EMAIL, "password": PASSWORD });
    let mallory = app.signup(given).await;
    app.mail().await;
    mallory
}

/// Confirms the one email address of somebody by its code.
async fn confirm_email(app: &TestApp, person: &Person) -> Answer {
    let devices = person.client.get("/v1/me/devices").await.is(200).json();
    let email = devices.as_array().unwrap().iter().find(|device| device["kind"] == "email").unwrap();
    let id = email["id"].as_str().unwrap();
    let code = app.code().await;
    person.client.confirm(id, code.code()).await
}

#[tokio::test]
async fn an_unproven_claim_signs_in_recovers_and_blocks_nothing() {
    for app in TestApp::each(claims(Confirm::After)).await {
        let mallory = prepared(&app).await;
        app.client().signin(maria()).await.wrong();
        let client = app.client();
        client.recovery(json!({ "email": EMAIL })).await.asks();
        TestApp::assert_silent(&app.mail().await);
        let given = json!({ "username": "maria", "email": EMAIL, "password": OTHER });
        let victim = app.signup(given).await;
        confirm_email(&app, &victim).await.is(200);
        let done = client.signin(json!({ "email": EMAIL, "password": OTHER })).await.done();
        assert_eq!(done.user, victim.done.user);
        // The claim is gone, and cannot be made good any more.
        let left = mallory.client.get("/v1/me/devices").await.is(200).json();
        assert!(left.as_array().unwrap().iter().all(|device| device["kind"] != "email"), "{left}");
    }
}

/// Where addresses are taken as they are, the first proof of one takes the account over whole.
#[tokio::test]
async fn recovering_an_unproven_address_drops_whatever_was_prepared() {
    for app in TestApp::each(claims(Confirm::Never)).await {
        let mallory = prepared(&app).await;
        let (phone, code) = {
            let added = mallory.client.add(json!({ "kind": "phone", "phone": "+12124567890" })).await;
            (added.is(201).json()["id"].as_str().unwrap().to_owned(), app.code().await)
        };
        mallory.client.confirm(&phone, code.code()).await.is(200);
        app.mail().await;
        let done = recover(&app, OTHER).await.done();
        assert_eq!(done.user, mallory.done.user);
        mallory.client.get("/v1/me").await.fails(401, "invalid_token");
        mallory.client.refresh(&mallory.done.refresh).await.fails(401, "invalid_token");
        app.client().signin(json!({ "username": "mallory", "password": PASSWORD })).await.wrong();
        app.client().signin(json!({ "username": "mallory", "password": OTHER })).await.wrong();
        app.mail().await;
        app.client().recovery(json!({ "phone": "+12124567890" })).await.asks();
        let to_phone = app.mail().await.into_iter().filter(|mail| mail.to.starts_with('+'));
        assert_eq!(to_phone.count(), 0, "the phone that was prepared recovers nothing");
        let client = app.client();
        let victim = client.signin(json!({ "email": EMAIL, "password": OTHER })).await.done();
        let left = client.bearing(&victim.access).get("/v1/me/devices").await.is(200).json();
        assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    }
}

/// Whoever proves again who they are in a session of theirs keeps it, though the address was never proven before.
#[tokio::test]
async fn a_re_authentication_by_an_address_that_nobody_proved_ends_and_clears_nothing() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "passcode"]]);
        settings.email.confirm = Confirm::Never;
    };
    for app in TestApp::each(list).await {
        let ada = app.signup(json!({ "email": EMAIL })).await;
        let asked = ada.client.reauth(json!({ "flow": "email+passcode" })).await.asks();
        let code = app.code().await;
        ada.client.passcode(&asked.attempt, code.code()).await.done();
        ada.client.get("/v1/me").await.is(200);
    }
}
