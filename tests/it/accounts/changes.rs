//! What changes an account: it takes a fresh proof (R67), kills what is under way (R7), is told to every
//! address (R128), and never takes the last way in (R126).

use multauth::auth::operator;
use multauth::base::clock::{MINUTE, SECOND};
use multauth::messages::Kind;
use multauth::settings::{Settings, Span};
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::client::{Asked, Client};
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::token::{claims, totp};

const EMAIL: &str = "maria@example.org";
const PHONE: &str = "+12124567890";

fn two_steps(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password", "passcode"]]);
}

/// An attempt that waits for its code.
async fn halfway(app: &TestApp, client: &Client) -> (Asked, String) {
    let asked = client.signin(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
    (asked, app.code().await.code().to_owned())
}

#[tokio::test]
async fn a_changed_password_kills_what_is_under_way_and_every_other_session() {
    for app in TestApp::each(two_steps).await {
        let one = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let client = app.client();
        let (asked, code) = halfway(&app, &client).await;
        let other = Person::with(&client, client.passcode(&asked.attempt, &code).await.done());
        let (running, code) = halfway(&app, &client).await;
        let change = json!({ "password": PASSWORD, "new_password": OTHER });
        one.client.put("/v1/me/password", change).await.is(204);
        client.passcode(&running.attempt, &code).await.fails(404, "attempt_gone");
        other.client.get("/v1/me").await.fails(401, "invalid_token");
        other.client.refresh(&other.done.refresh).await.fails(401, "invalid_token");
        one.client.get("/v1/me").await.is(200);
        one.client.refresh(&one.done.refresh).await.is(200);
        let told: Vec<_> = app.mail().await.into_iter().map(|mail| (mail.kind, mail.to)).collect();
        assert_eq!(told, [(Kind::PasswordChanged, EMAIL.to_owned())]);
    }
}

#[tokio::test]
async fn the_current_password_is_needed_and_guesses_at_it_are_counted() {
    let app = TestApp::new(|_| ()).await;
    let ada = app.named("ada").await;
    let change = async |current: &str| {
        let body = json!({ "password": current, "new_password": OTHER });
        ada.client.put("/v1/me/password", body).await
    };
    ada.client.put("/v1/me/password", json!({ "new_password": OTHER })).await.fails(400, "invalid_request");
    for _ in 0..3 {
        change("not the right one").await.wrong();
    }
    change(PASSWORD).await.fails(429, "too_many");
    app.pass(30 * SECOND);
    change(PASSWORD).await.is(204);
}

#[tokio::test]
async fn disabling_kills_what_is_under_way_and_every_session() {
    for app in TestApp::each(two_steps).await {
        let maria = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let client = app.client();
        let (running, code) = halfway(&app, &client).await;
        operator::set_disabled(&app.app, &maria.done.user.as_str().into(), true).await.unwrap();
        client.passcode(&running.attempt, &code).await.fails(404, "attempt_gone");
        maria.client.get("/v1/me").await.fails(401, "invalid_token");
        maria.client.refresh(&maria.done.refresh).await.fails(401, "invalid_token");
        client.signin(json!({ "email": EMAIL, "password": PASSWORD })).await.wrong();
        operator::set_disabled(&app.app, &maria.done.user.as_str().into(), false).await.unwrap();
        client.passcode(&running.attempt, &code).await.fails(404, "attempt_gone");
        maria.client.get("/v1/me").await.fails(401, "invalid_token");
        halfway(&app, &client).await;
    }
}

#[tokio::test]
async fn deleting_without_a_grace_period_frees_the_address_and_ends_everything() {
    for app in TestApp::each(|settings| {
        two_steps(settings);
        settings.user.deletion_grace = Span(0);
    })
    .await
    {
        let maria = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let client = app.client();
        let (running, code) = halfway(&app, &client).await;
        maria.client.delete("/v1/me").await.is(204);
        maria.client.get("/v1/me").await.fails(401, "invalid_token");
        client.passcode(&running.attempt, &code).await.fails(404, "attempt_gone");
        app.mail().await;
        let again = app.signup(json!({ "email": EMAIL, "password": OTHER })).await;
        assert_ne!(again.done.user, maria.done.user);
    }
}

#[tokio::test]
async fn a_changed_device_kills_what_is_under_way_and_is_told_to_every_address() {
    for app in TestApp::each(two_steps).await {
        let maria = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let client = app.client();
        let (running, code) = halfway(&app, &client).await;
        let added = maria.client.add(json!({ "kind": "email", "email": "second@example.org" })).await;
        let id = added.is(201).json()["id"].as_str().unwrap().to_owned();
        let proof = app.code().await;
        maria.client.confirm(&id, proof.code()).await.is(200);
        client.passcode(&running.attempt, &code).await.fails(404, "attempt_gone");
        let told: Vec<_> = app.mail().await.into_iter().map(|mail| (mail.kind, mail.to)).collect();
        assert!(told.contains(&(Kind::DeviceAdded, EMAIL.to_owned())), "{told:?}");
        maria.client.delete(&format!("/v1/me/devices/{id}")).await.is(204);
        let told: Vec<_> = app.mail().await.into_iter().map(|mail| (mail.kind, mail.to)).collect();
        assert!(told.contains(&(Kind::DeviceRemoved, EMAIL.to_owned())), "{told:?}");
    }
}

#[tokio::test]
async fn the_last_way_in_stays() {
    for app in TestApp::each(two_steps).await {
        let maria = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let devices = maria.client.get("/v1/me/devices").await.is(200).json();
        let path = format!("/v1/me/devices/{}", devices[0]["id"].as_str().unwrap());
        maria.client.delete(&path).await.fails(409, "last_way_in");
        let second = maria.add(&app, "email", "second@example.org").await;
        maria.client.delete(&path).await.is(204);
        let path = format!("/v1/me/devices/{second}");
        maria.client.delete(&path).await.fails(409, "last_way_in");
        maria.client.get("/v1/me").await.is(200);
    }
}

#[tokio::test]
async fn a_device_is_nobody_elses_business() {
    let app = TestApp::new(|_| ()).await;
    let (ada, eve) = (app.named("ada").await, app.named("eve").await);
    let phone = ada.add(&app, "phone", PHONE).await;
    let path = format!("/v1/me/devices/{phone}");
    eve.client.delete(&path).await.fails(404, "not_found");
    eve.client.confirm(&phone, "000000").await.fails(404, "not_found");
    eve.client.post(&format!("{path}/send"), json!({})).await.fails(404, "not_found");
    let renamed = eve.client.raw("PATCH", &path, Some(r#"{"label":"mine"}"#)).await;
    renamed.fails(404, "not_found");
}

#[tokio::test]
async fn a_change_takes_a_proof_of_the_last_five_minutes() {
    for app in TestApp::each(|_| ()).await {
        let mut ada = app.named("ada").await;
        let phone = json!({ "kind": "phone", "phone": PHONE });
        app.pass(5 * MINUTE + SECOND);
        ada.client.add(phone.clone()).await.fails(403, "reauth_required");
        ada.client.delete("/v1/me").await.fails(403, "reauth_required");
        ada.client.post("/v1/me/recovery-codes", json!({})).await.fails(403, "reauth_required");
        TestApp::assert_silent(&app.mail().await);
        ada.client.reauth(json!({ "password": OTHER })).await.wrong();
        ada.client.add(phone.clone()).await.fails(403, "reauth_required");
        let session = claims(&app, &ada.done.access).await["sid"].clone();
        ada.reauth(json!({ "password": PASSWORD })).await;
        let raised = claims(&app, &ada.done.access).await;
        assert_eq!((&raised["sid"], &raised["auth_time"]), (&session, &json!(app.clock.now() / SECOND)));
        app.pass(5 * MINUTE);
        ada.client.add(phone).await.is(201);
    }
}

#[tokio::test]
async fn re_authentication_raises_the_session_to_what_was_proven() {
    let tuples: &[&[&str]] = &[&["username", "password"], &["username", "password", "passcode"]];
    for app in TestApp::each(|settings| settings.flows = flows(tuples)).await {
        let mut ada = app.named("ada").await;
        let (_, seed) = ada.enrol(&app).await;
        // The session is as fresh as can be, and yet below what the account can do now.
        ada.client.add(json!({ "kind": "phone", "phone": PHONE })).await.fails(403, "reauth_required");
        let asked = ada.client.reauth(json!({ "password": PASSWORD })).await.asks();
        assert_eq!(asked.ask[0]["channel"], "authenticator");
        let code = totp(&seed, app.clock.now());
        let done = ada.client.passcode(&asked.attempt, &code).await.done();
        assert_eq!(done.refresh, "", "the session keeps its own");
        assert_eq!(claims(&app, &done.access).await["acr"], "urn:multauth:acr:multifactor");
        ada = Person::with(&ada.client, done);
        ada.client.add(json!({ "kind": "phone", "phone": PHONE })).await.is(201);
    }
}

/// Somebody else's session is not raised by one's own proof, nor by none.
#[tokio::test]
async fn re_authentication_is_by_and_for_the_caller() {
    let app = TestApp::new(|_| ()).await;
    let ada = app.named("ada").await;
    app.signup(json!({ "username": "eve", "password": OTHER })).await;
    app.client().reauth(json!({ "password": PASSWORD })).await.fails(401, "invalid_token");
    ada.client.reauth(json!({ "password": OTHER })).await.wrong();
    let named = json!({ "username": "eve", "password": OTHER });
    ada.client.reauth(named).await.fails(400, "invalid_request");
}
