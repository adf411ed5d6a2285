//! Sessions and links go on beside strangers behind the same address, who guess there, have codes sent, refresh, and open
//! links that lead nowhere.

use multauth::base::clock::{DAY, SECOND};
use serde_json::{Value, json};

use super::{EMAIL, by, goes_on};
use crate::support::app::TestApp;
use crate::support::client::Client;
use crate::support::person::{OTHER, PASSWORD, Person};

const BOTH: &[&[&str]] = &[&["email", "passcode"], &["username", "password"]];
const IP: &str = "10.253.1.1";

fn company(app: &TestApp) -> Client {
    Client::new(&app.base, IP.into())
}

/// As many wrong secrets from the company as refuse whoever comes from there, and dead links.
async fn guesses(app: &TestApp) {
    let company = company(app);
    for n in 0..22 {
        company.signin(json!({ "username": format!("nobody{n}"), "password": OTHER })).await;
        company.post("/v1/confirm", json!({ "key": format!("{n:0>43}") })).await;
        company.post("/v1/confirm", json!({ "key": format!("{n:1>43}") })).await;
        app.pass(3 * SECOND);
    }
    for n in 0..31 {
        company.post("/v1/confirm", json!({ "key": format!("{n:2>43}") })).await;
    }
    let right = json!({ "username": "ada", "password": PASSWORD });
    company.signin(right).await.fails(429, "too_many");
    let dead = json!({ "key": "nothing" });
    company.post("/v1/confirm", dead).await.fails(429, "too_many");
}

/// Somebody signed in at the company, who has just proven who they are.
async fn inside(app: &TestApp, person: &Person) -> Client {
    let renewed = app.client().refresh(&person.done.refresh).await.is(200).json();
    let own = company(app).bearing(renewed["access_token"].as_str().unwrap());
    let done = own.reauth(json!({ "password": PASSWORD })).await.done();
    own.bearing(&done.access)
}

#[tokio::test]
async fn a_refresh_of_a_live_session_goes_on() {
    for app in TestApp::each(by(&[&["username", "password"]])).await {
        let (ada, mallory) = (app.named("ada").await, app.named("mallory").await);
        // The last token of a session that was ended is nobody's any more.
        let old = mallory.done.refresh.clone();
        mallory.client.delete("/v1/me/sessions").await.is(204);
        let mut told = Vec::new();
        for _ in 0..605 {
            told.push(company(&app).refresh(&old).await.status);
        }
        assert_eq!((told[0], told[604]), (401, 429), "{}", app.database());
        let mut live = ada.done.refresh.clone();
        let forged = format!("{}{}", &live[..live.len() - 8], "A".repeat(8));
        company(&app).refresh(&forged).await.fails(429, "too_many");
        // A few a minute for each account: strangers may have some too.
        for _ in 0..10 {
            let renewed = company(&app).refresh(&live).await.is(200).json();
            live = renewed["refresh_token"].as_str().unwrap().to_owned();
        }
        company(&app).refresh(&live).await.fails(429, "too_many");
    }
}

/// Strangers use up what may be sent from the address: with nothing proven, and by accounts of theirs.
#[tokio::test]
async fn a_session_is_sent_its_codes() {
    for app in TestApp::each(by(&[&["email", "password", "passcode"], &["username", "password"]])).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let mut mails = 0;
        for n in 0..5 {
            app.signup(json!({ "email": format!("m{n}@example.net"), "password": PASSWORD })).await;
        }
        app.pass(2 * DAY);
        app.mail().await;
        let renewed = app.client().refresh(&ada.done.refresh).await.is(200).json();
        for n in 0..25 {
            let name = format!("m{}@example.net", n % 5);
            company(&app).signin(json!({ "email": name, "password": PASSWORD })).await;
            mails += app.mail().await.len();
            app.pass(4 * SECOND);
        }
        assert_eq!(mails, 20, "the address has had its share, {}", app.database());
        let own = company(&app).bearing(renewed["access_token"].as_str().unwrap());
        let asked = own.reauth(json!({ "password": PASSWORD })).await.asks();
        let code = app.code().await;
        let own = own.bearing(&own.passcode(&asked.attempt, code.code()).await.done().access);
        let devices = own.get("/v1/me/devices").await.json();
        let id = devices[0]["id"].as_str().unwrap();
        own.post(&format!("/v1/me/devices/{id}/send"), json!({})).await.is(204);
        app.code().await;
    }
}

/// What is sent for nobody takes nothing of whoever adds an address.
#[tokio::test]
async fn a_session_adds_an_address() {
    for app in TestApp::each(by(BOTH)).await {
        let ada = app.named("ada").await;
        for n in 0..25 {
            company(&app).recovery(json!({ "email": format!("y{n}@example.net") })).await;
            app.pass(3 * SECOND);
        }
        app.mail().await;
        company(&app).bearing(&ada.done.access).add(json!({ "kind": "email", "email": EMAIL })).await.is(201);
        app.code().await;
    }
}

#[tokio::test]
async fn a_session_changes_its_factors() {
    for app in TestApp::each(by(BOTH)).await {
        let ada = app.named("ada").await;
        let id = ada.add(&app, "email", EMAIL).await;
        app.pass(2 * DAY);
        app.mail().await;
        let own = inside(&app, &ada).await;
        guesses(&app).await;
        let path = format!("/v1/me/devices/{id}");
        own.post(&format!("{path}/send"), json!({})).await.is(204);
        let mail = app.code().await;
        let body = json!({ "email": "other@example.org", "passcode": mail.code() });
        own.patch(&path, body).await.is(200);
        app.mail().await;
        app.pass(61 * SECOND);
        own.post(&format!("{path}/send"), json!({})).await.is(204);
        let mail = app.code().await;
        let body = json!({ "passcode": mail.code() }).to_string();
        own.raw("DELETE", &path, Some(&body)).await.is(204);
    }
}

/// Nobody guesses the key of a link: a live one goes on, and the guesses at its code are its own.
#[tokio::test]
async fn links_go_on() {
    for app in TestApp::each(by(BOTH)).await {
        let ada = app.named("ada").await;
        ada.add(&app, "email", EMAIL).await;
        app.mail().await;
        let undo = undo_of_a_thief(&app, &ada).await;
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        let muting = app.code().await;
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        let leading = app.code().await;
        guesses(&app).await;
        let company = company(&app);
        for _ in 0..61 {
            company.answer("at_nobodys", json!({ "passcode": "123456" })).await;
        }
        goes_on(&company, &muting, json!({ "wish": "mute" })).await.is(200);
        company.get(&format!("/confirm/{}", leading.key())).await.is(200);
        goes_on(&company, &muting, json!({})).await.is(200);
        let wrong =
            json!({ "key": leading.key(), "passcode": crate::support::mailbox::wrong(leading.code(), 0) });
        company.post("/v1/confirm", wrong).await.wrong();
        goes_on(&company, &leading, json!({})).await.is(200);
        // What may be hashed is no link's own.
        let typed = json!({ "key": undo["key"], "password": PASSWORD });
        company.post("/v1/confirm", typed).await.fails(429, "too_many");
        company.get(&format!("/confirm/{}", undo["key"].as_str().unwrap())).await.is(200);
        company.post("/v1/confirm", undo).await.is(200);
    }
}

/// What takes back that somebody else added an address.
async fn undo_of_a_thief(app: &TestApp, ada: &Person) -> Value {
    let thief = inside(app, ada).await;
    let added = thief.add(json!({ "kind": "email", "email": "thief@example.net" })).await.is(201).json();
    let mail = app.code().await;
    thief.confirm(added["id"].as_str().unwrap(), mail.code()).await.is(200);
    let told = app.mail().await;
    let (key, code) = told.iter().filter(|mail| mail.to == EMAIL).find_map(|mail| mail.undo()).unwrap();
    json!({ "key": key, "passcode": code })
}
