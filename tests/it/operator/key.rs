//! The key of a reset: a recovery that somebody vouched for. It is good once and for a day, dies with the next change,
//! signs nobody in, and cannot be made from outside.

use multauth::auth::operator::{self, reset};
use multauth::base::clock::{DAY, MINUTE};
use multauth::settings::Settings;
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::client::Answer;
use crate::support::kinds::{own, with_pin};
use crate::support::person::{OTHER, PASSWORD};

const EMAIL: &str = "ada@example.org";

fn by_email(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password"]]);
    settings.recovery = Vec::new();
}

/// Resets somebody without a password; gives the handle of the key.
async fn key(app: &TestApp, user: &str) -> String {
    let done = reset::reset(&app.app, &user.into(), None, &[]).await.unwrap();
    app.mail().await;
    let key = done.key.unwrap();
    assert_eq!(key.link.expose(), format!("http://localhost:8080/recover/{}", key.handle.expose()));
    key.handle.expose().to_owned()
}

async fn ada(app: &TestApp) -> String {
    let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
    app.mail().await;
    ada.done.user
}

async fn signs_in(app: &TestApp, password: &str) -> bool {
    app.client().signin(json!({ "email": EMAIL, "password": password })).await.json()["state"] == "done"
}

#[tokio::test]
async fn it_sets_new_secrets_once_and_signs_nobody_in() {
    for app in TestApp::each(by_email).await {
        let user = ada(&app).await;
        let key = key(&app, &user).await;
        assert!(!signs_in(&app, PASSWORD).await);
        let stored = app.rows().dump().await;
        assert!(!stored.contains(&key), "it is stored as a hash");
        let client = app.client();
        client.send(&key, json!({})).await.fails(403, "no_flow");
        client.answer(&key, json!({ "new_password": "short" })).await.fails(400, "invalid_request");
        app.pass(DAY - MINUTE);
        let done = client.answer(&key, json!({ "new_password": OTHER })).await.done();
        assert_eq!((done.user, done.access, done.refresh), (user, String::new(), String::new()));
        client.answer(&key, json!({ "new_password": PASSWORD })).await.fails(404, "attempt_gone");
        assert!(signs_in(&app, OTHER).await && !signs_in(&app, PASSWORD).await, "{}", app.database());
    }
}

#[tokio::test]
async fn it_dies_by_its_time_by_any_change_and_by_the_next_one() {
    for app in TestApp::each(by_email).await {
        let user = ada(&app).await;
        let dead = async |key: &str| {
            let answer = app.client().answer(key, json!({ "new_password": OTHER })).await;
            answer.fails(404, "attempt_gone");
        };
        let late = key(&app, &user).await;
        app.pass(DAY);
        dead(&late).await;
        let first = key(&app, &user).await;
        let second = key(&app, &user).await;
        dead(&first).await;
        operator::end_sessions(&app.app, &user.as_str().into()).await.unwrap();
        dead(&second).await;
        let between = key(&app, &user).await;
        app.rows().execute("UPDATE users SET credentials = credentials + 1").await;
        dead(&between).await;
        let third = key(&app, &user).await;
        operator::set_disabled(&app.app, &user.as_str().into(), true).await.unwrap();
        operator::set_disabled(&app.app, &user.as_str().into(), false).await.unwrap();
        dead(&third).await;
        let last = key(&app, &user).await;
        app.client().delete(&format!("/v1/attempts/{last}")).await.is(204);
        dead(&last).await;
    }
}

/// The word that stands for it is no field, no secret and no proof of anything else.
#[tokio::test]
async fn it_cannot_be_made_from_outside() {
    for app in TestApp::each(|settings| settings.flows = flows(&[&["email", "password", "passcode"]])).await {
        ada(&app).await;
        let client = app.client();
        let asked = client.recovery(json!({ "email": EMAIL })).await.asks();
        app.mail().await;
        client.answer(&asked.attempt, json!({ "vouched for": "me" })).await.fails(400, "invalid_request");
        client.answer(&asked.attempt, json!({ "new_password": OTHER })).await.fails(400, "not_asked");
        // Even a row that says so lets nobody in: it means something to a recovery alone.
        let signin = client.signin(json!({ "email": EMAIL })).await.asks();
        app.rows()
            .execute(r#"UPDATE attempts SET passed = '[{"secret":"vouched for"}]' WHERE purpose = 'signin'"#)
            .await;
        client.answer(&signin.attempt, json!({ "new_password": OTHER })).await.fails(400, "not_asked");
        let next = client.answer(&signin.attempt, json!({ "password": PASSWORD })).await.asks();
        assert_eq!(next.secrets(), ["passcode"], "{}", app.database());
    }
}

#[track_caller]
fn says(page: &Answer, status: u16, what: &str) {
    assert_eq!(page.status, status, "{page:?}");
    assert!(page.text.contains("</html>") && page.text.contains(what), "{what}: {page:?}");
}

#[tokio::test]
async fn its_page_asks_for_everything_tells_faults_at_the_field_and_is_over_afterwards() {
    for app in TestApp::each_with(&own(), with_pin).await {
        let all = json!({ "email": EMAIL, "password": PASSWORD, "pin": "493071" });
        let user = app.signup(all).await.done.user;
        app.mail().await;
        let key = key(&app, &user).await;
        let (client, path) = (app.client(), format!("/recover/{key}"));
        let set = async |form: &str| client.raw("POST", &path, Some(form)).await;
        for method in ["GET", "HEAD", "GET"] {
            let page = client.raw(method, &path, None).await.is(200);
            assert!(!page.header("content-security-policy").unwrap().contains("script"), "{page:?}");
        }
        let page = client.get(&path).await;
        for part in
            ["New password", r#"name="new_password""#, ">PIN<", r#"name="pin" autocomplete="new-password""#]
        {
            says(&page, 200, part);
        }
        let both = set("new_password=short&pin=abc").await;
        says(&both, 400, "The password needs at least 8 characters.");
        says(&both, 400, r#"<strong id="pin-fault">must be 6 digits</strong>"#);
        assert!(!both.text.contains("abc"), "what was typed is not shown again");
        says(&set("new_password=violet+otter%09lantern").await, 400, "control characters");
        says(&set("").await, 400, r#"<strong id="pin-fault">This is needed.</strong>"#);
        says(&set("new_password=amber%20walrus+candle+77&pin=11+22+33&more=1").await, 200, "It is set");
        says(&client.get(&path).await, 404, "This link is over");
        says(&set("new_password=amber+walrus+candle+78&pin=112233").await, 404, "This link is over");
        let by_hers = json!({ "email": EMAIL, "password": OTHER, "pin": "112233" });
        app.client().signin(by_hers).await.done();
    }
}

#[tokio::test]
async fn the_page_is_for_the_last_step_of_a_recovery_alone() {
    let app = TestApp::new(|settings| settings.flows = flows(&[&["email", "password"]])).await;
    let user = ada(&app).await;
    let client = app.client();
    let page = async |attempt: &str| client.get(&format!("/recover/{attempt}")).await;
    let signin = client.signin(json!({ "email": EMAIL })).await.asks();
    says(&page(&signin.attempt).await, 404, "This link is over");
    let signup = client.signup(json!({ "email": "bob@example.org", "password": PASSWORD })).await.asks();
    app.mail().await;
    says(&page(&signup.attempt).await, 404, "This link is over");
    let recovery = client.recovery(json!({ "email": EMAIL })).await.asks();
    says(&page(&recovery.attempt).await, 404, "This link is over");
    client.passcode(&recovery.attempt, app.code().await.code()).await.asks();
    says(&page(&recovery.attempt).await, 200, "New password");
    operator::end_sessions(&app.app, &user.as_str().into()).await.unwrap();
    says(&page(&recovery.attempt).await, 404, "This link is over");
    says(&page("at_nothing").await, 404, "This link is over");
}
