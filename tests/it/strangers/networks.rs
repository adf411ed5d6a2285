//! What bounds a network, and whom it does not concern.

use multauth::base::clock::MINUTE;
use serde_json::json;

use super::{EMAIL, by};
use crate::support::app::TestApp;
use crate::support::client::Client;
use crate::support::person::{OTHER, PASSWORD};

const LIST: &[&[&str]] = &[&["email", "password"]];

/// A company behind one address, with somebody in it who guesses: known devices come in, new ones within ten minutes.
#[tokio::test]
async fn a_guesser_in_the_company_bars_no_known_device_and_new_ones_for_ten_minutes() {
    for app in TestApp::each(by(LIST)).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let company = Client::new(&app.base, "10.250.1.1".into());
        let mut refused = None;
        for n in 0..40 {
            let guess = json!({ "email": format!("somebody{n}@example.org"), "password": OTHER });
            if company.signin(guess).await.status == 429 {
                refused = refused.or(Some(n));
            }
        }
        assert_eq!(refused, Some(20), "twenty in ten minutes, {}", app.database());
        let right = json!({ "email": EMAIL, "password": PASSWORD });
        let mut known = right.clone();
        known["known_device"] = json!(ada.done.known_device.clone().unwrap());
        company.signin(known.clone()).await.done();
        // Whatever they bring: of a list of stolen pairs no more than twenty wrong ones are looked at, nor right ones
        // after them.
        company.signin(right.clone()).await.fails(429, "too_many");
        // Who is signed in changes what is theirs.
        let inside = company.bearing(&ada.done.access);
        let body = json!({ "password": PASSWORD, "new_password": OTHER });
        inside.put("/v1/me/password", body).await.is(204);
        app.pass(10 * MINUTE);
        company.signin(json!({ "email": EMAIL, "password": OTHER })).await.done();
    }
}

/// A known device has windows of its own at every step.
#[tokio::test]
async fn a_known_device_has_windows_of_its_own() {
    for app in TestApp::each(by(&[&["email", "password", "passcode"]])).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.mail().await;
        let company = Client::new(&app.base, "10.251.1.1".into());
        for n in 0..70 {
            let begun = company.signin(json!({ "email": format!("x{n}@example.org") })).await;
            if begun.status == 200 {
                company.answer(&begun.asks().attempt, json!({ "password": OTHER })).await;
            }
            company.answer("at_nobodys", json!({ "password": OTHER })).await;
            company.recovery(json!({ "email": format!("x{n}@example.org") })).await;
        }
        app.mail().await;
        let known = json!({
            "email": EMAIL, "password": PASSWORD, "known_device": ada.done.known_device.clone().unwrap(),
        });
        let asked = company.signin(known).await.asks();
        let code = app.code().await;
        company.passcode(&asked.attempt, code.code()).await.done();
        // One that is made up is none.
        let forged = json!({ "email": EMAIL, "password": PASSWORD, "known_device": "kd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" });
        company.signin(forged).await.fails(429, "too_many");
    }
}

/// So has a session: who proves again what they are goes on, whoever guesses or asks behind the same address.
#[tokio::test]
async fn a_session_proves_again_beside_a_guesser() {
    for app in TestApp::each(by(&[&["email", "password", "passcode"]])).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.pass(6 * MINUTE);
        app.mail().await;
        let company = Client::new(&app.base, "10.251.1.1".into());
        let own = Client::new(&app.base, "10.251.1.1".into()).bearing(&ada.done.access);
        for n in 0..70 {
            company.signin(json!({ "email": format!("x{n}@example.org"), "password": OTHER })).await;
            company.answer("at_nobodys", json!({ "password": OTHER })).await;
        }
        company.signin(json!({ "email": EMAIL, "password": PASSWORD })).await.fails(429, "too_many");
        let asked = own.reauth(json!({ "password": PASSWORD })).await.asks();
        let code = app.code().await;
        own.passcode(&asked.attempt, code.code()).await.done();
    }
}

/// Where an operator counts by identifier, a secret that comes along is looked at before that window refuses.
#[tokio::test]
async fn a_window_by_identifier_closes_no_door_to_a_right_secret() {
    let change = |settings: &mut multauth::settings::Settings| {
        by(LIST)(settings);
        settings.throttle.insert("signin".into(), "5/10m/identifier".into());
    };
    for app in TestApp::each(change).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        for _ in 0..5 {
            app.client().signin(json!({ "email": EMAIL })).await.asks();
        }
        app.client().signin(json!({ "email": EMAIL })).await.fails(429, "too_many");
        app.client().signin(json!({ "email": EMAIL, "password": OTHER })).await.fails(429, "too_many");
        app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.done();
    }
}

/// Nobody can guess a key of 256 bits: a right one is let in, whatever was typed beside it.
#[tokio::test]
async fn wrong_api_keys_bar_no_right_one() {
    for app in TestApp::each(by(LIST)).await {
        let company = Client::new(&app.base, "10.252.1.1".into());
        let right = app.backend().await;
        let right = company.bearing(right.token().unwrap());
        let asks =
            async |client: &Client| client.post("/v1/introspect", json!({ "token": "x" })).await.status;
        for n in 0..30 {
            let wrong = company.bearing(&format!("mk_{}", char::from(b'A' + n % 26).to_string().repeat(43)));
            assert_eq!(asks(&wrong).await, if n < 20 { 401 } else { 429 }, "{n}, {}", app.database());
        }
        assert_eq!(asks(&right).await, 200);
        right.post("/v1/verifications", json!({ "to": EMAIL })).await.is(201);
        // They count as wrong secrets do, and of what strangers bring nothing more is looked at.
        let signin = json!({ "email": EMAIL, "password": PASSWORD });
        company.signin(signin).await.fails(429, "too_many");
    }
}
