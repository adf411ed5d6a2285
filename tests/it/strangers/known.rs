//! A device that is known stays so where its owner changes the account at it, however strangers guess then.

use multauth::base::clock::HOUR;
use multauth::settings::{Confirm, Settings};
use serde_json::json;

use super::{EMAIL, by, come, rests};
use crate::support::app::TestApp;
use crate::support::client::Answer;
use crate::support::person::{OTHER, PASSWORD, Person};

const FLOWS: &[&[&str]] =
    &[&["username", "password"], &["email", "password"], &["username", "password", "passcode"]];

/// Strangers guess until the password rests for whoever is not known.
pub(super) async fn guessed_at(app: &TestApp, name: &str) {
    come(app, 5, |stranger, n| {
        let guess = json!({ "username": name, "password": format!("{OTHER} {n}") });
        async move { stranger.signin(guess).await }
    })
    .await;
}

async fn comes_back(app: &TestApp, password: &str, known: &str) -> Answer {
    app.client().signin(json!({ "username": "ada", "password": password, "known_device": known })).await
}

/// A second device of hers, which signs in.
async fn second(app: &TestApp) -> String {
    let done = app.client().signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
    done.known_device.unwrap()
}

fn own(person: &Person) -> String {
    person.done.known_device.clone().unwrap()
}

#[tokio::test]
async fn a_new_password_keeps_the_device_it_was_set_at_and_no_other() {
    for app in TestApp::each(by(FLOWS)).await {
        let ada = app.named("ada").await;
        let other = second(&app).await;
        let body = json!({ "password": PASSWORD, "new_password": OTHER });
        ada.client.put("/v1/me/password", body).await.is(204);
        guessed_at(&app, "ada").await;
        comes_back(&app, OTHER, &own(&ada)).await.done();
        rests(&comes_back(&app, OTHER, &other).await);
        // The session of a later sign-in there is the same device's.
        let done = comes_back(&app, OTHER, &own(&ada)).await.done();
        let client = app.client().bearing(&done.access);
        let body = json!({ "password": OTHER, "new_password": PASSWORD });
        client.put("/v1/me/password", body).await.is(204);
        guessed_at(&app, "ada").await;
        comes_back(&app, PASSWORD, &own(&ada)).await.done();
    }
}

#[tokio::test]
async fn a_first_address_or_app_keeps_the_device_it_was_confirmed_at_and_no_other() {
    for app in TestApp::each(by(FLOWS)).await {
        for kind in ["email", "authenticator"] {
            let name = if kind == "email" { "ada" } else { "eve" };
            let person = app.named(name).await;
            let login = json!({ "username": name, "password": PASSWORD });
            let other = app.client().signin(login.clone()).await.done().known_device.unwrap();
            match kind {
                "email" => drop(person.add(&app, "email", EMAIL).await),
                _ => drop(person.enrol(&app).await),
            }
            guessed_at(&app, name).await;
            let with = |known: &str| {
                let mut body = login.clone();
                body["known_device"] = json!(known);
                body
            };
            let answer = app.client().signin(with(&own(&person))).await;
            assert_eq!(answer.status, 200, "{kind}, {}: {answer:?}", app.database());
            rests(&app.client().signin(with(&other)).await);
        }
    }
}

#[tokio::test]
async fn who_removes_a_device_keeps_the_one_they_sit_at_and_no_other() {
    for app in TestApp::each(by(&FLOWS[..2])).await {
        let ada = app.named("ada").await;
        let id = ada.add(&app, "email", EMAIL).await;
        let other = second(&app).await;
        let own_one = own(&ada);
        let done = comes_back(&app, PASSWORD, &own_one).await.done();
        let client = app.client().bearing(&done.access);
        app.mail().await;
        client.post(&format!("/v1/me/devices/{id}/send"), json!({})).await.is(204);
        let body = json!({ "passcode": app.code().await.code() }).to_string();
        client.raw("DELETE", &format!("/v1/me/devices/{id}"), Some(&body)).await.is(204);
        guessed_at(&app, "ada").await;
        comes_back(&app, PASSWORD, &own_one).await.done();
        rests(&comes_back(&app, PASSWORD, &other).await);
    }
}

/// Who is signed out by somebody else is thrown out; who signs out where they sit comes back.
#[tokio::test]
async fn a_session_that_is_ended_from_another_takes_its_device_along() {
    for app in TestApp::each(by(&FLOWS[..2])).await {
        let ada = app.named("ada").await;
        let own_one = own(&ada);
        let at_own = comes_back(&app, PASSWORD, &own_one).await.done();
        let other = second(&app).await;
        let at_other = comes_back(&app, PASSWORD, &other).await.done();
        let own_client = app.client().bearing(&at_own.access);
        let ends = async |ended: &str| {
            let all = app.client().bearing(ended).get("/v1/me/sessions").await.is(200).json();
            let one = all.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
            own_client.delete(&format!("/v1/me/sessions/{}", one["id"].as_str().unwrap())).await.is(204);
        };
        // Another session of the device that they sit at.
        ends(&ada.done.access).await;
        ends(&at_other.access).await;
        ends(&at_own.access).await;
        guessed_at(&app, "ada").await;
        comes_back(&app, PASSWORD, &own_one).await.done();
        rests(&comes_back(&app, PASSWORD, &other).await);
    }
}

/// A session that was only found open throws nobody out for good.
#[tokio::test]
async fn a_session_that_was_not_proven_lately_takes_no_device_along() {
    for app in TestApp::each(by(&FLOWS[..2])).await {
        let ada = app.named("ada").await;
        let other = app.client().signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
        app.pass(HOUR);
        let renewed = app.client().refresh(&other.refresh).await.is(200).json();
        let found = app.client().bearing(renewed["access_token"].as_str().unwrap());
        let all = found.get("/v1/me/sessions").await.json();
        for session in all.as_array().unwrap().iter().filter(|session| session["current"] == false) {
            found.delete(&format!("/v1/me/sessions/{}", session["id"].as_str().unwrap())).await.is(204);
        }
        guessed_at(&app, "ada").await;
        comes_back(&app, PASSWORD, &own(&ada)).await.done();
    }
}

#[tokio::test]
async fn a_recovery_forgets_every_device() {
    for app in TestApp::each(by(FLOWS)).await {
        let ada = app.named("ada").await;
        ada.add(&app, "email", EMAIL).await;
        let known = async || app.rows().number("SELECT COUNT(*) FROM known_devices").await;
        assert_eq!(known().await, 1);
        let client = app.client();
        let asked = client.recovery(json!({ "email": EMAIL })).await.asks();
        client.passcode(&asked.attempt, app.code().await.code()).await.asks();
        client.answer(&asked.attempt, json!({ "new_password": OTHER })).await.is(200);
        assert_eq!(known().await, 0, "{}", app.database());
    }
}

/// Where nothing that was there before is left, the one who came in is given a device that is known.
#[tokio::test]
async fn who_signs_in_and_clears_the_account_is_known_from_then_on() {
    let change = |settings: &mut Settings| {
        by(&[&["email", "password"], &["email", "passcode"]])(settings);
        settings.email.confirm = Confirm::Never;
    };
    for app in TestApp::each(change).await {
        let taken = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.mail().await;
        let client = app.client();
        let begun = client.signin(json!({ "email": EMAIL, "known_device": own(&taken) })).await.asks();
        let asked = client.send(&begun.attempt, json!({ "secret": "passcode" })).await;
        assert_eq!(asked.status, 200, "{asked:?}");
        let done = client.passcode(&begun.attempt, app.code().await.code()).await.done();
        assert!(done.known_device.is_some(), "{}", app.database());
    }
}
