//! The flows of the default settings, from sign-up to a token that the published keys vouch for.

use multauth::base::clock::{MINUTE, SECOND};
use multauth::messages::{Channel, Kind};
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::person::{CARD, PASSWORD};
use crate::support::token::claims;

/// What a token says of how its user came in (R11).
async fn basis(app: &TestApp, token: &str) -> (String, String) {
    let claims = claims(app, token).await;
    assert_eq!(claims["auth_time"].as_i64().unwrap() * SECOND, app.clock.now());
    let amr: Vec<&str> = claims["amr"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    let acr = claims["acr"].as_str().unwrap();
    (acr.strip_prefix("urn:multauth:acr:").unwrap().to_owned(), amr.join(" "))
}

/// One flow of the example: what is given at sign-up, how sign-in goes, what the token says.
struct Case {
    given: Value,
    identifier: Value,
    secret: Value,
    code: Option<(Channel, &'static str)>,
    level: &'static str,
    amr: &'static str,
}

fn cases() -> [Case; 3] {
    [
        Case {
            given: json!({ "phone": "+12124567890", "hardcode": CARD }),
            identifier: json!({ "phone": "+1 (212) 456-7890" }),
            secret: json!({ "hardcode": CARD }),
            code: Some((Channel::Sms, "+12124567890")),
            level: "twostep",
            amr: "pin otp sms",
        },
        Case {
            given: json!({ "email": "maria@example.org", "password": PASSWORD }),
            identifier: json!({ "email": "Maria@Example.ORG" }),
            secret: json!({ "password": PASSWORD }),
            code: Some((Channel::Email, "maria@example.org")),
            level: "twostep",
            amr: "pwd otp email",
        },
        Case {
            given: json!({ "username": "maria", "password": PASSWORD }),
            identifier: json!({ "username": "MARIA" }),
            secret: json!({ "password": PASSWORD }),
            code: None,
            level: "single",
            amr: "pwd",
        },
    ]
}

#[tokio::test]
async fn everybody_of_the_example_signs_up_and_in() {
    for app in TestApp::each(|_| ()).await {
        for case in cases() {
            let (user, first) = sign_up(&app, &case).await;
            app.pass(2 * MINUTE);
            let second = sign_in(&app, &case, &user).await;
            assert_ne!(first, second, "every sign-in is a session of its own");
        }
    }
}

async fn sign_up(app: &TestApp, case: &Case) -> (String, Value) {
    let client = app.client();
    let mut answer = client.signup(case.given.clone()).await;
    if let Some((channel, to)) = case.code {
        let asked = answer.asks();
        assert_eq!(asked.secrets(), ["passcode"]);
        let mail = app.code().await;
        assert_eq!((mail.channel, mail.to.as_str(), mail.kind), (channel, to, Kind::SignupCode));
        answer = client.passcode(&asked.attempt, mail.code()).await;
    }
    let done = answer.done();
    assert_eq!(basis(app, &done.access).await, (case.level.to_owned(), case.amr.to_owned()));
    let me = client.bearing(&done.access).get("/v1/me").await.is(200).json();
    assert_eq!(me["id"], done.user.as_str());
    TestApp::assert_silent(&app.mail().await);
    (done.user, claims(app, &done.access).await["sid"].clone())
}

async fn sign_in(app: &TestApp, case: &Case, user: &str) -> Value {
    let client = app.client();
    let asked = client.signin(case.identifier.clone()).await.asks();
    assert_eq!(asked.ask, [json!({ "secret": case.secret.as_object().unwrap().keys().next() })]);
    TestApp::assert_silent(&app.mail().await);
    let mut answer = client.answer(&asked.attempt, case.secret.clone()).await;
    if let Some((channel, to)) = case.code {
        let asked = answer.asks();
        assert_eq!(asked.secrets(), ["passcode"]);
        assert_eq!(asked.ask[0]["channel"], channel.name());
        let mail = app.code().await;
        assert_eq!((mail.channel, mail.to.as_str(), mail.kind), (channel, to, Kind::SigninCode));
        answer = client.passcode(&asked.attempt, mail.code()).await;
    }
    let done = answer.done();
    assert_eq!(done.user, user);
    assert_eq!(basis(app, &done.access).await, (case.level.to_owned(), case.amr.to_owned()));
    claims(app, &done.access).await["sid"].clone()
}

#[tokio::test]
async fn one_request_may_carry_all_that_is_known() {
    let app = TestApp::new(|_| ()).await;
    for case in cases() {
        app.signup(case.given.clone()).await;
        let mut all = case.identifier.clone();
        all.as_object_mut().unwrap().extend(case.secret.as_object().unwrap().clone());
        let client = app.client();
        let mut answer = client.signin(all).await;
        if case.code.is_some() {
            answer = client.passcode(&answer.asks().attempt, app.code().await.code()).await;
        }
        answer.done();
    }
}

#[tokio::test]
async fn exactly_one_identifier_begins_a_sign_in() {
    let app = TestApp::new(|_| ()).await;
    let client = app.client();
    client.signin(json!({ "password": PASSWORD })).await.fails(400, "invalid_request");
    let two = json!({ "username": "maria", "email": "maria@example.org", "password": PASSWORD });
    client.signin(two).await.fails(400, "invalid_request");
}

#[tokio::test]
async fn a_sign_up_that_could_never_sign_in_is_refused_with_the_reason() {
    let app = TestApp::new(|_| ()).await;
    for (given, lacks) in [
        (json!({ "username": "maria" }), "password"),
        (json!({ "phone": "+12124567890" }), "hardcode"),
        (json!({ "password": PASSWORD }), "username"),
    ] {
        let refused = app.client().signup(given).await.fails(400, "invalid_request");
        assert!(refused.json()["errors"][0]["message"].as_str().unwrap().contains(lacks), "{refused:?}");
    }
    TestApp::assert_silent(&app.mail().await);
}
