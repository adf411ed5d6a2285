//! How long things live (R8, R27), and that sending again gives no guess back (R28).

use multauth::base::Millis;
use multauth::base::clock::{MINUTE, SECOND};
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::client::Answer;
use crate::support::mailbox::{Mail, wrong};
use crate::support::person::{OTHER, PASSWORD};

fn codes(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "passcode"], &["phone", "passcode"], &["username", "password"]]);
}

const EMAIL: &str = "maria@example.org";
const PHONE: &str = "+12124567890";

/// Lets a code of `lifetime` be answered one second before its end and one after: right, then wrong.
async fn ends_at(lifetime: Millis, ask: impl AsyncFn() -> (Mail, TestApp, String)) {
    for (wait, good) in [(lifetime - SECOND, true), (lifetime + SECOND, false)] {
        let (code, app, path) = ask().await;
        app.pass(wait);
        let answer = app.client().post(&path, json!({ "passcode": code.code() })).await;
        assert_eq!(answer.status == 200, good, "after {wait} ms: {answer:?}");
    }
}

async fn begun(signed_up: Option<Value>, door: &str, body: Value) -> (Mail, TestApp, String) {
    let app = TestApp::new(codes).await;
    if let Some(given) = signed_up {
        app.signup(given).await;
    }
    let asked = app.client().post(door, body).await.asks();
    let path = format!("/v1/attempts/{}", asked.attempt);
    (app.code().await, app, path)
}

#[tokio::test]
async fn a_code_lives_as_long_as_its_channel_allows() {
    let (email, phone) = (json!({ "email": EMAIL }), json!({ "phone": PHONE }));
    let signin = async |who: &Value| begun(Some(who.clone()), "/v1/signin", who.clone()).await;
    ends_at(10 * MINUTE, async || signin(&email).await).await;
    ends_at(5 * MINUTE, async || signin(&phone).await).await;
    ends_at(5 * MINUTE, async || begun(None, "/v1/signup", phone.clone()).await).await;
    ends_at(5 * MINUTE, async || begun(Some(phone.clone()), "/v1/recovery", phone.clone()).await).await;
}

/// A code is promised no longer than the attempt that it belongs to.
#[tokio::test]
async fn a_code_never_outlives_its_attempt() {
    let email = json!({ "email": EMAIL });
    ends_at(15 * MINUTE, async || begun(None, "/v1/signup", email.clone()).await).await;
    ends_at(15 * MINUTE, async || begun(Some(email.clone()), "/v1/recovery", email.clone()).await).await;
    let app = TestApp::new(codes).await;
    let asked = app.client().signup(email).await.asks();
    assert_eq!(asked.ask[0]["expires_in"], 15 * 60);
    let mail = app.code().await;
    assert!(mail.text.contains("for 15 minutes"), "{}", mail.text);
}

#[tokio::test]
async fn a_code_that_confirms_an_address_lives_half_an_hour() {
    for (wait, status) in [(30 * MINUTE - SECOND, 200), (30 * MINUTE + SECOND, 410)] {
        let app = TestApp::new(|settings| {
            codes(settings);
            // Longer than the code, so that only the code ends.
            settings.tokens.access_lifetime = multauth::settings::Span(60 * MINUTE);
        })
        .await;
        let ada = app.named("ada").await;
        let added = ada.client.add(json!({ "kind": "email", "email": EMAIL })).await.is(201).json();
        let code = app.code().await;
        app.pass(wait);
        ada.client.confirm(added["id"].as_str().unwrap(), code.code()).await.is(status);
    }
}

#[tokio::test]
async fn an_attempt_lives_a_quarter_of_an_hour_however_busy_it_is() {
    for app in TestApp::each(|_| ()).await {
        app.named("ada").await;
        let right = json!({ "password": PASSWORD });
        let client = app.client();
        for (wait, good) in [(15 * MINUTE - SECOND, true), (15 * MINUTE + SECOND, false)] {
            let asked = client.signin(json!({ "username": "ada" })).await.asks();
            app.pass(wait / 2);
            client.answer(&asked.attempt, json!({ "password": OTHER })).await.wrong();
            app.pass(wait - wait / 2);
            let answer = client.answer(&asked.attempt, right.clone()).await;
            if good { drop(answer.done()) } else { drop(answer.fails(404, "attempt_gone")) }
        }
    }
}

#[tokio::test]
async fn a_code_is_sent_again_after_a_minute_and_replaces_the_one_before() {
    for app in TestApp::each(codes).await {
        app.signup(json!({ "email": EMAIL })).await;
        let client = app.client();
        let asked = client.signin(json!({ "email": EMAIL })).await.asks();
        assert_eq!(asked.ask[0]["resend_in"], 60);
        let first = app.code().await;
        app.pass(MINUTE - SECOND);
        let early = client.send(&asked.attempt, json!({})).await.fails(429, "too_many");
        assert!(early.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        TestApp::assert_silent(&app.mail().await);
        app.pass(SECOND);
        client.send(&asked.attempt, json!({})).await.is(200);
        let second = app.code().await;
        assert_ne!(first.code(), second.code());
        client.passcode(&asked.attempt, first.code()).await.wrong();
        client.passcode(&asked.attempt, second.code()).await.done();
    }
}

#[tokio::test]
async fn sending_again_gives_no_guess_back() {
    for app in TestApp::each(codes).await {
        app.signup(json!({ "email": EMAIL })).await;
        let client = app.client();
        let asked = client.signin(json!({ "email": EMAIL })).await.asks();
        let code = app.code().await;
        let left = |answer: Answer| answer.wrong().json()["attempts_left"].as_u64();
        for n in 0..4 {
            let answer = client.passcode(&asked.attempt, &wrong(code.code(), n)).await;
            assert_eq!(left(answer), Some(u64::from(4 - n)));
        }
        app.pass(MINUTE);
        let again = client.send(&asked.attempt, json!({})).await.asks();
        assert_eq!(again.ask[0]["attempts_left"], 1);
        let code = app.code().await;
        assert_eq!(left(client.passcode(&asked.attempt, &wrong(code.code(), 0)).await), Some(0));
        client.passcode(&asked.attempt, code.code()).await.fails(410, "code_dead");
        app.pass(MINUTE);
        client.send(&asked.attempt, json!({})).await.fails(409, "no_code");
        TestApp::assert_silent(&app.mail().await);
    }
}
