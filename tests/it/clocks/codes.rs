//! What was refused because it was over stays over when the clock goes back.

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::settings::{Settings, Span};
use serde_json::json;
use tracing::Level;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::log::Log;
use crate::support::person::PASSWORD;

const EMAIL: &str = "ada@example.org";

fn by_code(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "passcode"], &["username", "password"]]);
    unlimited(settings, &["signin", "failures", "attempt", "send", "confirm"]);
}

#[tokio::test]
async fn a_code_that_was_refused_as_over_is_dead() {
    for app in TestApp::each(by_code).await {
        app.signup(json!({ "email": EMAIL })).await;
        let client = app.client();
        let asked = client.signin(json!({ "email": EMAIL })).await.asks();
        let code = app.code().await;
        app.pass(11 * MINUTE);
        client.passcode(&asked.attempt, code.code()).await.is(410);
        app.pass(-11 * MINUTE);
        client.passcode(&asked.attempt, code.code()).await.is(410);
        // Another one is sent, and is good.
        app.pass(MINUTE);
        client.send(&asked.attempt, json!({})).await.asks();
        client.passcode(&asked.attempt, app.code().await.code()).await.done();
    }
}

#[tokio::test]
async fn an_attempt_that_was_refused_as_over_is_gone() {
    for app in TestApp::each(by_code).await {
        app.named("ada").await;
        let client = app.client();
        for name in ["ada", "nobody"] {
            let asked = client.signin(json!({ "username": name })).await.asks();
            app.pass(16 * MINUTE);
            client.answer(&asked.attempt, json!({ "password": PASSWORD })).await.fails(404, "attempt_gone");
            app.pass(-16 * MINUTE);
            client.answer(&asked.attempt, json!({ "password": PASSWORD })).await.fails(404, "attempt_gone");
        }
    }
}

/// One that passed a secret waits for its owner to be told, and lets nobody go on.
#[tokio::test]
async fn an_attempt_that_passed_a_secret_is_gone_and_told() {
    let two = |settings: &mut Settings| {
        by_code(settings);
        settings.flows = flows(&[&["email", "password", "passcode"]]);
    };
    for app in TestApp::each(two).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let client = app.client();
        let asked = client.signin(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
        let code = app.code().await;
        for _ in 0..2 {
            app.pass(16 * MINUTE);
            client.passcode(&asked.attempt, code.code()).await.fails(404, "attempt_gone");
            app.pass(-16 * MINUTE);
            client.passcode(&asked.attempt, code.code()).await.fails(404, "attempt_gone");
        }
        app.pass(16 * MINUTE);
        assert_eq!(
            multauth::auth::attempts::unfinished::tell(&app.app).await.unwrap(),
            1,
            "{}",
            app.database()
        );
    }
}

#[tokio::test]
async fn a_link_that_was_refused_as_over_is_dead() {
    for app in TestApp::each(by_code).await {
        let ada = app.named("ada").await;
        let email = json!({ "kind": "email", "email": EMAIL });
        let added = ada.client.add(email).await.is(201).json();
        let mail = app.code().await;
        let client = app.client();
        let pressed = async || client.post("/v1/confirm", json!({ "key": mail.key() })).await;
        pressed().await.is(200);
        app.pass(31 * MINUTE);
        pressed().await.fails(404, "link_dead");
        app.pass(-31 * MINUTE);
        pressed().await.fails(404, "link_dead");
        ada.client.confirm(added["id"].as_str().unwrap(), mail.code()).await.is(410);
    }
}

/// The way that a mail opens lives by itself.
#[tokio::test]
async fn a_way_that_was_refused_as_over_is_closed() {
    for app in TestApp::each(by_code).await {
        app.signup(json!({ "email": EMAIL })).await;
        let client = app.client();
        client.signin(json!({ "email": EMAIL })).await.asks();
        let mail = app.code().await;
        let body = json!({ "key": mail.key(), "passcode": mail.code() });
        app.pass(11 * MINUTE);
        client.post("/v1/confirm", body.clone()).await.fails(404, "link_dead");
        app.pass(-11 * MINUTE);
        client.post("/v1/confirm", body).await.fails(404, "link_dead");
    }
}

#[tokio::test]
async fn a_verification_that_was_refused_as_over_is_dead() {
    for reuse in [false, true] {
        let change = |settings: &mut Settings| {
            by_code(settings);
            settings.verification.reuse = reuse;
        };
        for app in TestApp::each(change).await {
            let backend = app.backend().await;
            let begun = backend.post("/v1/verifications", json!({ "to": EMAIL })).await.is(201).json();
            let path = format!("/v1/verifications/{}/check", begun["verification"].as_str().unwrap());
            let code = app.code().await;
            app.pass(DAY);
            backend.post(&path, json!({ "passcode": code.code() })).await.is(410);
            app.pass(-DAY);
            backend.post(&path, json!({ "passcode": code.code() })).await.is(410);
        }
    }
}

#[tokio::test]
async fn a_refresh_token_that_was_refused_as_over_ends_its_session() {
    let change = |settings: &mut Settings| {
        by_code(settings);
        settings.tokens.idle_lifetime = Span(DAY);
        settings.tokens.session_lifetime = Span(10 * DAY);
    };
    for app in TestApp::each(change).await {
        app.named("ada").await;
        let backend = app.backend().await;
        for (after, inspected) in [(DAY, false), (11 * DAY, false), (DAY, true)] {
            let right = json!({ "username": "ada", "password": PASSWORD });
            let done = app.client().signin(right).await.done();
            app.pass(after + SECOND);
            if inspected {
                let told =
                    backend.post("/v1/introspect", json!({ "token": done.refresh })).await.is(200).json();
                assert_eq!(told["active"], false);
            } else {
                app.client().refresh(&done.refresh).await.fails(401, "invalid_token");
            }
            app.pass(-after - SECOND);
            app.client().refresh(&done.refresh).await.fails(401, "invalid_token");
            app.client().bearing(&done.access).get("/v1/me").await.is(401);
        }
    }
}

/// What is over is marked once: whoever asks again and again has nothing written.
#[tokio::test]
async fn what_is_over_is_marked_once_and_alike_for_nobody() {
    for app in TestApp::each(by_code).await {
        app.signup(json!({ "email": EMAIL })).await;
        let (log, _guard) = Log::listen(Level::TRACE);
        let mut seen = Vec::new();
        for email in ["nobody@example.org", "noone@example.org", EMAIL] {
            let client = app.client();
            let asked = client.signin(json!({ "email": email })).await.asks();
            app.mail().await;
            app.pass(11 * MINUTE);
            let mut told = Vec::new();
            for wait in [0, 0, 5 * MINUTE, 0] {
                app.pass(wait);
                let from = log.text().len();
                let status = client.passcode(&asked.attempt, "123456").await.status;
                let text = log.text();
                let written = text[from..].lines().filter(|line| {
                    line.contains("statement=\"UPDATE challenges")
                        || line.contains("statement=\"DELETE FROM attempts")
                });
                told.push((status, written.count()));
            }
            seen.push(told);
            app.pass(HOUR);
        }
        assert_eq!(seen[1], [(410, 1), (410, 0), (404, 1), (404, 0)], "{}", app.database());
        assert_eq!(seen[1], seen[2], "{}", app.database());
    }
}
