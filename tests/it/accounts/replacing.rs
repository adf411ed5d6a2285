//! An address that is replaced by another, and the change taken back (R125).

use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Answer;
use crate::support::person::{PASSWORD, Person};
use multauth::base::clock::{DAY, HOUR, MINUTE};
use multauth::messages::Kind;

const OLD: &str = "ada@old.example";
const NEW: &str = "ada@new.example";

async fn app() -> TestApp {
    TestApp::new(|settings| {
        settings.flows = flows(&[&["email", "password"]]);
        unlimited(settings, &["signin", "signup", "send", "devices", "attempt", "recovery"]);
    })
    .await
}

/// Somebody with the old address, and the id of its device.
async fn ada(app: &TestApp) -> (Person, String) {
    let client = app.client();
    let asked = client.signup(json!({ "email": OLD, "password": PASSWORD })).await.is(200).asks();
    let code = app.code().await;
    let done = client.passcode(&asked.attempt, code.code()).await.is(200).done();
    let ada = Person::with(&client, done);
    let devices = ada.client.get("/v1/me/devices").await.is(200).json();
    (ada, devices[0]["id"].as_str().unwrap().to_owned())
}

/// Asks for the new address; gives the id of the device that waits for its proof.
async fn replace(ada: &Person, device: &str) -> String {
    let path = format!("/v1/me/devices/{device}");
    let body = json!({ "email": NEW }).to_string();
    let answer = ada.client.raw("PATCH", &path, Some(&body)).await.is(200).json();
    assert_eq!(answer["confirmed"], false);
    answer["id"].as_str().unwrap().to_owned()
}

async fn signs_in(app: &TestApp, email: &str) -> bool {
    app.client().signin(json!({ "email": email, "password": PASSWORD })).await.status == 200
}

#[tokio::test]
async fn the_old_address_stays_good_until_the_new_one_is_proven() {
    let app = app().await;
    let (ada, device) = ada(&app).await;
    let new = replace(&ada, &device).await;
    let mail = app.code().await;
    assert_eq!(mail.to, NEW);
    assert!(signs_in(&app, OLD).await && !signs_in(&app, NEW).await);
    ada.client.confirm(&new, mail.code()).await.is(200);
    assert!(!signs_in(&app, OLD).await && signs_in(&app, NEW).await);
    let left: Value = ada.client.get("/v1/me/devices").await.is(200).json();
    let left: Vec<_> = left.as_array().unwrap().iter().map(|d| d["address"].as_str().unwrap()).collect();
    assert_eq!(left, [NEW]);
}

#[tokio::test]
async fn the_old_address_takes_the_change_back_for_three_days() {
    for (late, taken_back) in [(3 * DAY - MINUTE, true), (3 * DAY + MINUTE, false)] {
        let app = app().await;
        let (ada, device) = ada(&app).await;
        let new = replace(&ada, &device).await;
        let code = app.code().await;
        ada.client.confirm(&new, code.code()).await.is(200);
        let mail = app.mail().await;
        let told = mail.iter().find(|m| m.kind == Kind::DeviceReplaced).expect("the old address is told");
        assert_eq!(told.to, OLD);
        assert!(!told.text.contains(NEW), "the old address does not learn the new one");
        app.pass(late);
        let page = ada.client.raw("GET", &format!("/confirm/{}", told.key()), None).await;
        assert_eq!(page.status, if taken_back { 200 } else { 404 }, "opening it changes nothing");
        assert!(!signs_in(&app, OLD).await);
        let (key, code) = told.undo().unwrap();
        let spent = app.client().post("/v1/confirm", json!({ "key": key, "passcode": code })).await;
        assert_eq!(spent.status, if taken_back { 200 } else { 404 });
        if taken_back {
            assert!(!signs_in(&app, OLD).await, "the password is dropped");
            recovered(&app, &spent).await;
            ada.client.get("/v1/me").await.fails(401, "invalid_token");
            let again = json!({ "key": key, "passcode": code });
            app.client().post("/v1/confirm", again).await.fails(404, "link_dead");
        }
        assert_eq!(signs_in(&app, OLD).await, taken_back);
        assert_eq!(signs_in(&app, NEW).await, !taken_back);
    }
}

/// Ends the recovery that an undo ends in, with the password of old.
async fn recovered(app: &TestApp, spent: &Answer) {
    let attempt = spent.json()["attempt"].clone();
    assert_eq!((&attempt["state"], &attempt["purpose"]), (&json!("ask"), &json!("recovery")));
    let handle = attempt["attempt"].as_str().unwrap();
    app.client().answer(handle, json!({ "new_password": PASSWORD })).await.done();
}

#[tokio::test]
async fn an_address_added_lately_recovers_nothing() {
    let app = app().await;
    let (ada, _) = ada(&app).await;
    app.pass(MINUTE);
    ada.add(&app, "email", NEW).await;
    app.mail().await;
    let recover = |email: &'static str| {
        let client = app.client();
        async move { client.recovery(json!({ "email": email })).await.is(200).asks() }
    };
    recover(NEW).await;
    TestApp::assert_silent(&app.mail().await);
    recover(OLD).await;
    assert_eq!(app.code().await.to, OLD);
    app.pass(DAY + HOUR);
    recover(NEW).await;
    assert_eq!(app.code().await.to, NEW);
}

#[tokio::test]
async fn whoever_holds_the_session_cannot_keep_the_old_address_from_taking_it_back() {
    let app = app().await;
    let (ada, device) = ada(&app).await;
    app.pass(MINUTE);
    let new = replace(&ada, &device).await;
    let code = app.code().await;
    ada.client.confirm(&new, code.code()).await.is(200);
    let mail = app.mail().await;
    let told = mail.iter().find(|m| m.kind == Kind::DeviceReplaced).unwrap();
    // The replaced device is none that can be removed, and a further change does not survive either.
    ada.client.delete(&format!("/v1/me/devices/{device}")).await.fails(404, "not_found");
    let path = format!("/v1/me/devices/{new}");
    let body = json!({ "email": "eve@further.example" }).to_string();
    let further = ada.client.raw("PATCH", &path, Some(&body)).await.is(200).json();
    let code = app.code().await;
    ada.client.confirm(further["id"].as_str().unwrap(), code.code()).await.is(200);
    let (key, code) = told.undo().unwrap();
    let spent = app.client().post("/v1/confirm", json!({ "key": key, "passcode": code })).await.is(200);
    recovered(&app, &spent).await;
    assert!(signs_in(&app, OLD).await);
    assert!(!signs_in(&app, NEW).await && !signs_in(&app, "eve@further.example").await);
}

#[tokio::test]
async fn a_new_address_is_proven_even_where_others_are_taken_as_they_are() {
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["email", "password"]]);
        settings.email.confirm = multauth::settings::Confirm::Never;
    })
    .await;
    let ada = app.signup(json!({ "email": OLD, "password": PASSWORD })).await;
    app.pass(MINUTE);
    let devices = ada.client.get("/v1/me/devices").await.is(200).json();
    replace(&ada, devices[0]["id"].as_str().unwrap()).await;
    assert!(signs_in(&app, OLD).await && !signs_in(&app, NEW).await);
}

#[tokio::test]
async fn wrong_codes_for_a_new_address_use_no_sends_up() {
    let app = app().await;
    let (ada, device) = ada(&app).await;
    let new = replace(&ada, &device).await;
    let code = app.code().await;
    ada.client.confirm(&new, &crate::support::mailbox::wrong(code.code(), 0)).await.wrong();
    ada.client.confirm(&new, code.code()).await.is(200);
    assert!(app.mail().await.iter().any(|m| m.kind == Kind::DeviceReplaced));
}
