//! Before an access token is made.

use multauth::settings::{Confirm, Settings};
use serde_json::{Value, json};

use super::{allow, ask, questions, refuse, says};
use crate::support::app::{TestApp, flows};
use crate::support::fields::declare;
use crate::support::person::PASSWORD;
use crate::support::token::claims;
use crate::support::vendor::{Does, Vendor};

async fn with(does: Does) -> (Vec<TestApp>, Vendor) {
    let vendor = Vendor::start(does).await;
    let change = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "passcode"], &["username", "password"]]);
        ask(settings, "before_tokens", &vendor);
    };
    (TestApp::each(change).await, vendor)
}

fn signin() -> Value {
    json!({ "username": "ada", "password": PASSWORD })
}

/// How many sessions the holder of that token has.
async fn sessions(client: &crate::support::client::Client) -> usize {
    client.get("/v1/me/sessions").await.is(200).json().as_array().unwrap().len()
}

#[tokio::test]
async fn claims_are_added_at_every_door_that_gives_a_token() {
    let (apps, vendor) = with(says(json!({ "decision": "allow", "claims": { "plan": "gold" } }))).await;
    for app in apps {
        let ada = app.named("ada").await;
        let signed_in = app.client().signin(signin()).await.done();
        let refreshed = app.client().refresh(&signed_in.refresh).await.is(200).json();
        let raised = ada.client.reauth(json!({ "password": PASSWORD })).await.done();
        let tokens = [
            &ada.done.access,
            &signed_in.access,
            refreshed["access_token"].as_str().unwrap(),
            &raised.access,
        ];
        for token in tokens {
            assert_eq!(claims(&app, token).await["plan"], "gold");
            app.client().bearing(token).get("/v1/me").await.is(200);
        }
        let asked = questions(&vendor);
        let purposes: Vec<_> = asked.iter().map(|q| q["data"]["purpose"].as_str().unwrap()).collect();
        assert_eq!(purposes, ["signup", "signin", "refresh", "reauth"]);
        for question in &asked {
            let data = &question["data"];
            assert_eq!(data["user"], ada.done.user.as_str());
            assert_eq!(data["identifiers"], json!([{ "kind": "username", "value": "ada" }]));
            assert_eq!((&data["flow"], &data["amr"]), (&json!("username+password"), &json!(["pwd"])));
        }
        assert_eq!(asked[1]["data"]["session"], asked[2]["data"]["session"]);
    }
}

#[tokio::test]
async fn a_claim_stands_over_what_the_user_wrote_and_under_what_the_operator_says() {
    let said = json!({ "plan": "gold", "grade": 9, "groups": ["admins"], "teams": ["admins"], "club": true });
    let vendor = Vendor::start(says(json!({ "decision": "allow", "claims": said }))).await;
    let change = |settings: &mut Settings| {
        settings.flows = flows(&[&["username", "password"]]);
        settings.user.groups = vec!["members".into()];
        settings.tokens.groups_claim = "teams".into();
        declare(settings, "[fields.plan]\ntype = 'string'\nclaim = true\n");
        declare(settings, "[fields.size]\ntype = 'string'\nclaim = true\n");
        declare(settings, "[fields.grade]\ntype = 'integer'\nclaim = true\nwrite = ['admin']\ndefault = 1\n");
        ask(settings, "before_tokens", &vendor);
    };
    for app in TestApp::each(change).await {
        let profile = json!({ "plan": "platinum", "size": "m" });
        let ada = json!({ "username": "ada", "password": PASSWORD, "profile": profile });
        let ada = app.signup(ada).await;
        let signed_in = app.client().signin(signin()).await.done();
        let refreshed = app.client().refresh(&signed_in.refresh).await.is(200).json();
        let again = app.client().refresh(&signed_in.refresh).await.is(200).json();
        let raised = ada.client.reauth(json!({ "password": PASSWORD })).await.done();
        let text = |answer: &Value| answer["access_token"].as_str().unwrap().to_owned();
        for token in [ada.done.access, signed_in.access, text(&refreshed), text(&again), raised.access] {
            let found = claims(&app, &token).await;
            let shown = ["plan", "size", "grade", "groups", "teams", "club"].map(|name| found[name].clone());
            let expected = json!(["gold", "m", 1, null, ["members"], true]);
            assert_eq!(Value::from(shown.to_vec()), expected, "{}", app.database());
        }
    }
}

#[tokio::test]
async fn a_forged_claim_is_left_out() {
    let forged = json!({
        "iss": "evil", "sub": "root", "aud": "x", "exp": 9_999_999_999_u64, "iat": 0, "nbf": 9_999_999_999_u64,
        "jti": "1", "sid": "s", "acr": "3", "amr": ["hwk"], "auth_time": 0, "groups": ["admins"], "scope": "all",
        "client_id": "c", "honest": true
    });
    let (apps, _vendor) = with(says(json!({ "decision": "allow", "claims": forged }))).await;
    for app in apps {
        let ada = app.named("ada").await;
        let found = claims(&app, &ada.done.access).await;
        assert_eq!(found["sub"], ada.done.user.as_str());
        assert_eq!((&found["honest"], &found["amr"]), (&json!(true), &json!(["pwd"])));
        for absent in ["nbf", "groups", "scope", "client_id"] {
            assert!(found.get(absent).is_none(), "{absent}: {found}");
        }
        ada.client.get("/v1/me").await.is(200);
    }
}

#[tokio::test]
async fn claims_that_are_too_long_count_as_no_answer() {
    let (apps, _vendor) =
        with(says(json!({ "decision": "allow", "claims": { "x": "y".repeat(3_000) } }))).await;
    for app in apps {
        let ada = app.named("ada").await;
        assert!(claims(&app, &ada.done.access).await.get("x").is_none());
    }
}

#[tokio::test]
async fn a_refused_signin_leaves_no_session() {
    let (apps, vendor) = with(says(allow())).await;
    for app in apps {
        vendor.now(says(allow()));
        let ada = app.named("ada").await;
        vendor.now(says(refuse()));
        let answer = app.client().signin(signin()).await.fails(403, "refused");
        assert_eq!(answer.json()["detail"], "Members only.");
        assert_eq!(sessions(&ada.client).await, 1);
        ada.client.reauth(json!({ "password": PASSWORD })).await.fails(403, "refused");
        app.client().signup(json!({ "username": "bob", "password": PASSWORD })).await.fails(403, "refused");
        vendor.now(says(allow()));
        app.named("bob").await;
    }
}

#[tokio::test]
async fn a_refused_refresh_leaves_the_refresh_token_good() {
    let (apps, vendor) = with(says(allow())).await;
    for app in apps {
        vendor.now(says(allow()));
        let ada = app.named("ada").await;
        vendor.now(says(refuse()));
        for _ in 0..2 {
            app.client().refresh(&ada.done.refresh).await.fails(403, "refused");
        }
        vendor.now(says(allow()));
        let next = app.client().refresh(&ada.done.refresh).await.is(200).json();
        let next = next["refresh_token"].as_str().unwrap();
        // A retry within the grace is asked about, too.
        questions(&vendor);
        let again = app.client().refresh(&ada.done.refresh).await.is(200).json();
        assert_eq!((again["refresh_token"].as_str(), questions(&vendor).len()), (Some(next), 1));
    }
}

#[tokio::test]
async fn nobody_is_asked_about_a_token_that_gives_nothing() {
    let (apps, vendor) = with(says(allow())).await;
    for app in apps {
        let ada = app.named("ada").await;
        app.client().refresh(&ada.done.refresh).await.is(200);
        questions(&vendor);
        app.pass(60_000);
        app.client().refresh(&ada.done.refresh).await.fails(401, "invalid_token");
        app.client().refresh("rt_nonsense").await.fails(401, "invalid_token");
        app.client().signin(json!({ "username": "ada", "password": "wrong" })).await.wrong();
        assert!(questions(&vendor).is_empty());
    }
}

#[tokio::test]
async fn a_sign_up_that_was_refused_behind_its_code_can_be_answered_again() {
    let (apps, vendor) = with(says(allow())).await;
    for app in apps {
        vendor.now(says(refuse()));
        let client = app.client();
        let asked = client.signup(json!({ "email": "ada@example.com" })).await.asks();
        let code = app.code().await;
        client.passcode(&asked.attempt, code.code()).await.fails(403, "refused");
        client.passcode(&asked.attempt, code.code()).await.fails(403, "refused");
        vendor.now(says(allow()));
        client.passcode(&asked.attempt, code.code()).await.done();
        client.passcode(&asked.attempt, code.code()).await.fails(404, "attempt_gone");
    }
}

#[tokio::test]
async fn a_signin_that_was_refused_behind_its_code_can_be_answered_again() {
    let (apps, vendor) = with(says(allow())).await;
    for app in apps {
        vendor.now(says(allow()));
        app.signup(json!({ "email": "ada@example.com" })).await;
        vendor.now(says(refuse()));
        let client = app.client();
        let asked = client.signin(json!({ "email": "ada@example.com" })).await.asks();
        let code = app.code().await;
        client.passcode(&asked.attempt, code.code()).await.fails(403, "refused");
        vendor.now(says(allow()));
        client.passcode(&asked.attempt, code.code()).await.done();
        client.passcode(&asked.attempt, code.code()).await.fails(404, "attempt_gone");
    }
}

#[tokio::test]
async fn an_address_that_nobody_proved_is_not_told_as_the_users() {
    let vendor = Vendor::start(says(allow())).await;
    let change = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "passcode"], &["phone", "passcode"], &["username", "password"]]);
        (settings.email.confirm, settings.phone.confirm) = (Confirm::Before, Confirm::After);
        ask(settings, "before_tokens", &vendor);
    };
    let app = TestApp::new(change).await;
    let body = json!({ "email": "ada@example.com", "phone": "+12025550124" });
    let asked = app.client().signup(body).await.asks();
    let code = app.code().await;
    app.client().passcode(&asked.attempt, code.code()).await.done();
    let question = questions(&vendor).remove(0);
    let proven = json!([{ "kind": "email", "value": "ada@example.com" }]);
    assert_eq!(question["data"]["identifiers"], proven, "the number may be anybody's");
}
