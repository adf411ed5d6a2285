//! A used, an over, a dead and a wrong code are four answers, at every place that takes one, and the same for
//! identifiers that nobody has.

use multauth::base::clock::{MINUTE, SECOND};
use multauth::settings::Settings;
use serde_json::{Value, json};

use super::by;
use crate::support::app::{TestApp, unlimited};
use crate::support::client::{Answer, Client};
use crate::support::mailbox::wrong;

const EMAIL: &str = "ada@example.org";

fn change(settings: &mut Settings) {
    by(&[&["email", "passcode"], &["username", "password"]])(settings);
    unlimited(settings, &["send", "signin", "signup", "recovery", "verification", "check", "failures"]);
    settings.attempt.lifetime = multauth::settings::Span(60 * MINUTE);
}

fn told(answer: &Answer) -> (u16, Value, Value) {
    let body = answer.json();
    (answer.status, body["code"].clone(), body["attempts_left"].clone())
}

/// Wrong five times, dead, and in another attempt over: what a stranger is told at a door.
async fn at(app: &TestApp, door: &str, email: &str) -> Vec<(u16, Value, Value)> {
    let mut seen = Vec::new();
    let begin = async |client: &Client| {
        let body = client.post(door, json!({ "email": email })).await.is(200).json();
        body["attempt"].as_str().unwrap().to_owned()
    };
    let client = app.client();
    let attempt = begin(&client).await;
    for n in 0..7 {
        seen.push(told(&client.passcode(&attempt, &format!("00000{n}")).await));
    }
    let attempt = begin(&client).await;
    app.pass(31 * MINUTE);
    seen.push(told(&client.passcode(&attempt, "000000").await));
    app.mail().await;
    seen
}

#[tokio::test]
async fn a_code_is_wrong_or_dead_or_over_alike_for_somebody_and_nobody() {
    for app in TestApp::each(change).await {
        app.signup(json!({ "email": EMAIL })).await;
        for door in ["/v1/signin", "/v1/recovery", "/v1/signup"] {
            let somebody = at(&app, door, EMAIL).await;
            assert_eq!(somebody, at(&app, door, "nobody@example.org").await, "{door} {}", app.database());
            let codes: Vec<&str> = somebody.iter().map(|(_, code, _)| code.as_str().unwrap()).collect();
            let wrong = ["wrong_secret"; 5];
            assert_eq!(codes, [&wrong[..], &["code_dead", "code_dead", "code_over"]].concat(), "{door}");
            assert_eq!(somebody[4].2, 0, "none is left");
        }
    }
}

#[tokio::test]
async fn a_verification_and_a_device_tell_that_a_code_was_used() {
    for app in TestApp::each(change).await {
        let backend = app.backend().await;
        let to = json!({ "to": "bob@example.org" });
        let begun = backend.post("/v1/verifications", to.clone()).await.is(201).json();
        let path = format!("/v1/verifications/{}/check", begun["verification"].as_str().unwrap());
        let code = app.code().await;
        let check = async |code: &str| backend.post(&path, json!({ "passcode": code })).await;
        check(&wrong(code.code(), 0)).await.wrong();
        check(code.code()).await.is(200);
        check(code.code()).await.fails(410, "code_used");
        app.pass(MINUTE);
        let begun = backend.post("/v1/verifications", to).await.is(201).json();
        let path = format!("/v1/verifications/{}/check", begun["verification"].as_str().unwrap());
        let code = app.code().await;
        app.pass(31 * MINUTE);
        backend.post(&path, json!({ "passcode": code.code() })).await.fails(410, "code_over");
        let ada = app.named("ada").await;
        let added =
            ada.client.add(json!({ "kind": "email", "email": "ada@example.com" })).await.is(201).json();
        let code = app.code().await;
        for n in 0..5 {
            ada.client.confirm(added["id"].as_str().unwrap(), &wrong(code.code(), n)).await.wrong();
        }
        let dead = ada.client.confirm(added["id"].as_str().unwrap(), code.code()).await;
        dead.fails(410, "code_dead");
    }
}

fn resting(settings: &mut Settings) {
    by(&[&["email", "password", "passcode"]])(settings);
    unlimited(settings, &["send", "signin", "failures", "attempt"]);
    settings.passcode.rest = multauth::settings::Span(10 * MINUTE);
}

/// After a code that died of guesses there may be a rest, where something was proven before it.
#[tokio::test]
async fn a_rest_after_a_dead_code_is_for_who_has_proven_something() {
    let password = crate::support::person::PASSWORD;
    for app in TestApp::each(resting).await {
        app.signup(json!({ "email": EMAIL, "password": password })).await;
        app.mail().await;
        let client = app.client();
        let first = json!({ "email": EMAIL, "password": password });
        let attempt = client.signin(first.clone()).await.asks().attempt;
        let code = app.code().await;
        for n in 0..5 {
            client.passcode(&attempt, &wrong(code.code(), n)).await.wrong();
        }
        app.pass(61 * SECOND);
        let asked = client.signin(first.clone()).await.asks();
        TestApp::assert_silent(&app.mail().await);
        assert!(asked.ask[0]["resend_in"].as_u64().unwrap() > 400, "{:?}", asked.ask);
        client.send(&asked.attempt, json!({})).await.fails(429, "too_many");
        // A recovery proves nothing before its code: the rest of another does not hold it up, and it begins none.
        let attempt = client.recovery(json!({ "email": EMAIL })).await.asks().attempt;
        let code = app.code().await;
        for n in 0..5 {
            client.passcode(&attempt, &wrong(code.code(), n)).await.wrong();
        }
        client.recovery(json!({ "email": EMAIL })).await.asks();
        app.code().await;
        app.pass(10 * MINUTE);
        client.signin(first).await.asks();
        app.code().await;
    }
}

/// A thief with the password has codes die: the rest after that is theirs, and none of a known device or a session.
#[tokio::test]
async fn a_rest_of_strangers_is_none_of_a_known_device_nor_of_a_session() {
    let password = crate::support::person::PASSWORD;
    for app in TestApp::each(resting).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": password })).await;
        app.mail().await;
        let first = json!({ "email": EMAIL, "password": password });
        let mut known = first.clone();
        known["known_device"] = json!(ada.done.known_device.clone().unwrap());
        let kills = async |attempt: &str, client: &Client| {
            let code = app.code().await;
            for n in 0..5 {
                client.passcode(attempt, &wrong(code.code(), n)).await.wrong();
            }
            app.pass(61 * SECOND);
        };
        let thief = app.client();
        kills(&thief.signin(first.clone()).await.asks().attempt, &thief).await;
        thief.signin(first.clone()).await.asks();
        TestApp::assert_silent(&app.mail().await);
        let own = app.client();
        let asked = own.signin(known.clone()).await.asks();
        own.passcode(&asked.attempt, app.code().await.code()).await.done();
        app.pass(61 * SECOND);
        let asked = ada.client.reauth(json!({ "password": password })).await.asks();
        ada.client.passcode(&asked.attempt, app.code().await.code()).await.done();
        app.pass(61 * SECOND);
        // Each rests after codes of its own that died.
        kills(&own.signin(known.clone()).await.asks().attempt, &own).await;
        own.signin(known).await.asks();
        TestApp::assert_silent(&app.mail().await);
        let begins = async || ada.client.reauth(json!({ "password": password })).await.asks().attempt;
        kills(&begins().await, &ada.client).await;
        begins().await;
        TestApp::assert_silent(&app.mail().await);
    }
}
