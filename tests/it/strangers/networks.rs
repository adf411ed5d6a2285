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

/// So has a link that is opened with a session or the attempt of a known device, and a refresh of a live session.
#[tokio::test]
async fn links_and_refreshes_go_on_beside_a_stranger() {
    for app in TestApp::each(by(&[&["email", "passcode"], &["username", "password"]])).await {
        let ada = app.named("ada").await;
        let mallory = app.named("mallory").await;
        app.mail().await;
        let company = Client::new(&app.base, "10.253.1.1".into());
        let link = async |client: &Client, key: &str, attempt: Option<&str>| {
            let mut body = json!({ "key": key });
            if let Some(attempt) = attempt {
                body["attempt"] = json!(attempt);
            }
            client.post("/v1/confirm", body).await
        };
        // The last token of a session that its owner ended is nobody's any more.
        let old = mallory.done.refresh.clone();
        mallory.client.delete("/v1/me/sessions").await.is(204);
        let mut told = Vec::new();
        for n in 0..605 {
            told.push(company.refresh(&old).await.status);
            if n < 31 {
                link(&company, &format!("{n:0>43}"), None).await;
            }
        }
        assert_eq!((told[0], told[604]), (401, 429), "{}", app.database());
        let bare = Client::new(&app.base, "10.253.1.1".into());
        let renewed = bare.refresh(&ada.done.refresh).await.is(200).json();
        let own = bare.bearing(renewed["access_token"].as_str().unwrap());
        // What is only made up after the id of a live session opens no window.
        let mut forged = renewed["refresh_token"].as_str().unwrap().to_owned();
        forged.replace_range(forged.len() - 8.., "AAAAAAAA");
        bare.refresh(&forged).await.fails(429, "too_many");
        own.add(json!({ "kind": "email", "email": EMAIL })).await.is(201);
        let mail = app.code().await;
        link(&bare, mail.key(), None).await.fails(429, "too_many");
        link(&own, mail.key(), None).await.is(200);
        let known = ada.done.known_device.clone().unwrap();
        let asked = bare.signin(json!({ "email": EMAIL, "known_device": known })).await.asks();
        let mail = app.code().await;
        let stranger = company.signin(json!({ "email": "nobody@example.org" })).await.asks();
        link(&company, mail.key(), Some(&stranger.attempt)).await.fails(429, "too_many");
        link(&bare, mail.key(), Some(&asked.attempt)).await.is(200);
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
