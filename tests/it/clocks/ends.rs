//! What began while the clock was ahead ends as if it had begun now.

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::settings::{Settings, Span};
use multauth::store::ahead;
use serde_json::json;

use super::FAR;
use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::PASSWORD;
use crate::support::token::totp;

const EMAIL: &str = "ada@example.org";

fn both(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "passcode"], &["username", "password"]]);
    settings.tokens.session_lifetime = Span(30 * DAY);
    settings.tokens.idle_lifetime = Span(30 * DAY);
    unlimited(settings, &["signin", "failures", "attempt", "send"]);
}

#[tokio::test]
async fn a_session_that_is_refreshed_lives_no_longer_for_it() {
    for app in TestApp::each(both).await {
        app.named("ada").await;
        app.pass(FAR);
        let ahead = app.client().signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
        app.pass(-FAR);
        let mut next = ahead.refresh;
        for days in [0, 29] {
            app.pass(days * DAY);
            let given = app.client().refresh(&next).await.is(200).json();
            next = given["refresh_token"].as_str().unwrap().to_owned();
        }
        app.pass(DAY + SECOND);
        app.client().refresh(&next).await.fails(401, "invalid_token");
    }
}

/// The token before is good for a moment more, and not for as long as the clock was ahead.
#[tokio::test]
async fn a_token_that_was_rotated_ahead_is_found_stolen_once_the_grace_is_over() {
    for app in TestApp::each(both).await {
        let ada = app.named("ada").await;
        app.pass(HOUR);
        app.client().refresh(&ada.done.refresh).await.is(200);
        app.pass(-HOUR);
        app.client().refresh(&ada.done.refresh).await.is(200);
        app.pass(11 * SECOND);
        app.client().refresh(&ada.done.refresh).await.fails(401, "invalid_token");
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM sessions").await, 0, "{}", app.database());
    }
}

#[tokio::test]
async fn a_code_that_was_sent_ahead_bars_another_for_a_minute() {
    for app in TestApp::each(both).await {
        app.signup(json!({ "email": EMAIL })).await;
        let client = app.client();
        app.pass(FAR);
        let asked = client.signin(json!({ "email": EMAIL })).await.asks();
        let code = app.code().await;
        app.pass(-FAR);
        let wait = client.send(&asked.attempt, json!({})).await.fails(429, "too_many");
        assert_eq!(wait.header("retry-after"), Some("60"), "{}", app.database());
        app.pass(MINUTE - SECOND);
        client.send(&asked.attempt, json!({})).await.fails(429, "too_many");
        app.pass(SECOND);
        client.send(&asked.attempt, json!({})).await.asks();
        client.passcode(&asked.attempt, code.code()).await.wrong();
        client.passcode(&asked.attempt, app.code().await.code()).await.done();
    }
}

#[tokio::test]
async fn a_code_that_was_sent_ahead_lives_for_ten_minutes() {
    for app in TestApp::each(both).await {
        app.signup(json!({ "email": EMAIL })).await;
        let client = app.client();
        app.pass(FAR);
        let asked = client.signin(json!({ "email": EMAIL })).await.asks();
        let code = app.code().await;
        app.pass(-FAR);
        assert!(ahead::soon(&app.app.store, app.clock.now()).await.unwrap() > 0);
        app.pass(10 * MINUTE + SECOND);
        client.passcode(&asked.attempt, code.code()).await.is(410);
        app.pass(6 * MINUTE);
        client.passcode(&asked.attempt, code.code()).await.fails(404, "attempt_gone");
    }
}

#[tokio::test]
async fn a_message_that_was_queued_ahead_goes_out() {
    for app in TestApp::each(both).await {
        app.signup(json!({ "email": EMAIL })).await;
        app.pass(FAR);
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        app.pass(-FAR);
        TestApp::assert_silent(&app.mail().await);
        ahead::queues(&app.app.store, app.clock.now()).await.unwrap();
        app.code().await;
    }
}

/// No app is closed for years, and no code is good twice.
#[tokio::test]
async fn a_step_that_was_taken_ahead_closes_no_app() {
    let two = |settings: &mut Settings| {
        settings.flows = flows(&[&["username", "password"], &["username", "password", "passcode"]]);
        unlimited(settings, &["signin", "failures", "attempt"]);
    };
    for app in TestApp::each(two).await {
        let ada = app.named("ada").await;
        let (_, seed) = ada.enrol(&app).await;
        let enter = async |code: String| {
            app.client().signin(json!({ "username": "ada", "password": PASSWORD, "passcode": code })).await
        };
        app.pass(FAR);
        enter(totp(&seed, app.clock.now())).await.done();
        app.pass(-FAR + 30 * SECOND);
        enter(totp(&seed, app.clock.now())).await.wrong();
        app.pass(30 * SECOND);
        let code = totp(&seed, app.clock.now());
        enter(code.clone()).await.done();
        enter(code).await.wrong();
        app.pass(30 * SECOND);
        enter(totp(&seed, app.clock.now())).await.done();
    }
}
