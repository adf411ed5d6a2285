//! What may be taken back and what not, one case at a time.

use multauth::auth::operator;
use multauth::base::clock::{DAY, MINUTE};
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Client;
use crate::support::mailbox::{Mail, wrong};
use crate::support::person::{OTHER, PASSWORD, Person};

pub const A: &str = "first@owner.example";
pub const C: &str = "second@owner.example";
pub const B: &str = "eve@thief.example";

pub fn by_email(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password"], &["email", "password", "passcode"]]);
    unlimited(settings, &["signin", "signup", "send", "devices", "attempt", "recovery", "confirm", "reauth"]);
}

/// Somebody with both addresses for four days, who has just signed in.
pub async fn ada(app: &TestApp) -> Person {
    let ada = app.signup(json!({ "email": A, "password": PASSWORD })).await;
    app.pass(MINUTE);
    ada.add(app, "email", C).await;
    app.pass(4 * DAY);
    again(app).await
}

pub async fn again(app: &TestApp) -> Person {
    let client = app.client();
    let mut answer = client.signin(json!({ "email": A, "password": PASSWORD })).await.is(200);
    if answer.json()["state"] == "ask" {
        let code = app.code().await;
        answer = client.passcode(&answer.asks().attempt, code.code()).await;
    }
    app.mail().await;
    Person::with(&client, answer.done())
}

/// The device with that address.
pub async fn device(ada: &Person, address: &str) -> String {
    let all = ada.client.get("/v1/me/devices").await.is(200).json();
    let found = all.as_array().unwrap().iter().find(|device| device["address"] == address);
    found.unwrap_or_else(|| panic!("{address}: {all}"))["id"].as_str().unwrap().to_owned()
}

pub async fn remove(ada: &Person, address: &str) {
    let id = device(ada, address).await;
    ada.client.delete(&format!("/v1/me/devices/{id}")).await.is(204);
}

/// Lets an address take the place of another.
pub async fn replace(app: &TestApp, ada: &Person, old: &str, new: &str) {
    let path = format!("/v1/me/devices/{}", device(ada, old).await);
    let id = ada.client.patch(&path, json!({ "email": new })).await.is(200).json()["id"].clone();
    let code = app.code().await;
    ada.client.confirm(id.as_str().unwrap(), code.code()).await.is(200);
}

pub fn undo(mail: &[Mail], to: &str) -> (String, String) {
    let told = mail.iter().filter(|mail| mail.to == to).find_map(Mail::undo);
    let (key, code) = told.unwrap_or_else(|| panic!("no undo to {to}: {mail:#?}"));
    (key.to_owned(), code.to_owned())
}

/// Takes a change back, and sets the password that the recovery asks for.
pub async fn take_back(client: &Client, (key, code): &(String, String)) -> Value {
    let spent = client.post("/v1/confirm", json!({ "key": key, "passcode": code })).await.is(200).json();
    assert_eq!(spent["confirmed"], true);
    let attempt = spent["attempt"]["attempt"].as_str().unwrap();
    client.answer(attempt, json!({ "new_password": OTHER })).await.done();
    spent
}

pub async fn addresses(app: &TestApp, user: &str) -> Vec<String> {
    let (account, _) = operator::show(&app.app, &user.into()).await.unwrap();
    let mut all: Vec<_> =
        account.confirmed().map(|device| device.delivery.clone().unwrap_or_default()).collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_robots_press_puts_no_address_into_an_account_that_has_a_password() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
    };
    for app in TestApp::each(list).await {
        let eve = app.named("eve").await;
        eve.client.add(json!({ "kind": "email", "email": A })).await.is(201);
        let mail = app.code().await;
        assert_eq!(mail.to, A);
        let robot = app.client();
        robot.raw("POST", &format!("/confirm/{}", mail.key()), None).await.is(200);
        let answer = robot.post("/v1/confirm", json!({ "key": mail.key() })).await.is(200).json();
        assert_eq!((&answer["confirmed"], &answer["code"]), (&json!(false), &json!(mail.code())));
        // The code beside it says no more.
        let body = json!({ "key": mail.key(), "passcode": mail.code() });
        assert_eq!(robot.post("/v1/confirm", body).await.is(200).json()["confirmed"], false);
        assert_eq!(addresses(&app, &eve.done.user).await, ["eve"], "{}", app.database());
        app.client().signin(json!({ "email": A, "password": PASSWORD })).await.wrong();
        let victim = app.client();
        let answer = victim.signup(json!({ "username": "ada", "email": A, "password": OTHER })).await;
        let code = app.code().await;
        let done = victim.passcode(&answer.asks().attempt, code.code()).await.done();
        assert_ne!(done.user, eve.done.user);
        assert_eq!(addresses(&app, &done.user).await, ["ada", A]);
        app.client().signin(json!({ "email": A, "password": OTHER })).await.done();
    }
}

#[tokio::test]
async fn an_address_comes_back_that_was_given_up_and_taken_again() {
    // No flow asks for a code: otherwise the young address is no proof for its own replacement.
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["email", "password"]]);
    };
    for app in TestApp::each(list).await {
        let ada = ada(&app).await;
        let before = device(&ada, A).await;
        replace(&app, &ada, A, B).await;
        let first = undo(&app.mail().await, A);
        app.pass(MINUTE);
        replace(&app, &ada, B, A).await;
        assert_ne!(device(&ada, A).await, before);
        assert_eq!(addresses(&app, &ada.done.user).await, [A, C]);
        app.mail().await;
        let spent = take_back(&app.client(), &first).await;
        assert_eq!(spent.get("lost"), None);
        assert_eq!(addresses(&app, &ada.done.user).await, [A, C], "{}", app.database());
        let done = app.client().signin(json!({ "email": A, "password": OTHER })).await;
        assert_eq!(done.status, 200);
        let (account, _) = operator::show(&app.app, &ada.done.user.as_str().into()).await.unwrap();
        assert!(account.device(&before).is_some_and(|device| device.is_primary));
    }
}

#[tokio::test]
async fn an_address_that_somebody_else_has_proven_is_lost_and_bars_nobody() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        remove(&ada, A).await;
        let mail = app.mail().await;
        let (by_a, by_c) = (undo(&mail, A), undo(&mail, C));
        let other = app.signup(json!({ "email": A, "password": OTHER })).await;
        assert_ne!(other.done.user, ada.done.user);
        app.mail().await;
        // Whoever has the address now reads the old mail too: the account is not theirs.
        let body = json!({ "key": by_a.0, "passcode": by_a.1 });
        app.client().post("/v1/confirm", body).await.fails(404, "link_dead");
        assert_eq!(addresses(&app, &ada.done.user).await, [C]);
        let spent = take_back(&app.client(), &by_c).await;
        let lost = spent["lost"].as_array().unwrap();
        assert!(lost.len() == 1 && lost[0].as_str().unwrap().ends_with("@owner.example"), "{spent}");
        assert_eq!(addresses(&app, &ada.done.user).await, [C]);
        assert_eq!(addresses(&app, &other.done.user).await, [A]);
        other.client.get("/v1/me").await.is(200);
    }
}

#[tokio::test]
async fn a_link_takes_nothing_back_without_its_code() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        ada.add_late(&app).await;
        let mail = app.mail().await;
        let (by_a, by_c) = (undo(&mail, A), undo(&mail, C));
        let client = app.client();
        client.raw("POST", &format!("/confirm/{}", by_a.0), None).await.is(200);
        let answer = client.post("/v1/confirm", json!({ "key": by_a.0 })).await.is(200).json();
        assert_eq!((&answer["confirmed"], answer.get("code")), (&json!(false), None));
        for n in 0..5 {
            let body = json!({ "key": by_a.0, "passcode": wrong(&by_a.1, n) });
            client.post("/v1/confirm", body).await.wrong();
        }
        let body = json!({ "key": by_a.0, "passcode": by_a.1 });
        client.post("/v1/confirm", body).await.fails(404, "link_dead");
        assert_eq!(addresses(&app, &ada.done.user).await, [B, A, C]);
        ada.client.get("/v1/me").await.is(200);
        take_back(&client, &by_c).await;
        assert_eq!(addresses(&app, &ada.done.user).await, [A, C]);
    }
}

impl Person {
    /// Adds the late address, and leaves what is told of it unread.
    pub async fn add_late(&self, app: &TestApp) {
        let id = self.client.add(json!({ "kind": "email", "email": B })).await.is(201).json()["id"].clone();
        let code = app.code().await;
        self.client.confirm(id.as_str().unwrap(), code.code()).await.is(200);
    }
}
