//! What waits in one session when another changes the account, and what was shown there.

use multauth::auth::operator;
use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::settings::{Confirm, Settings};
use serde_json::json;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::token::totp;

const MAIL: &str = "ada@example.org";
const EVIL: &str = "eve@thief.example";
const NUMBER: &str = "+12124567890";

fn free(settings: &mut Settings) {
    unlimited(settings, &["signin", "send", "attempt", "confirm", "devices", "reauth", "recovery"]);
}

/// By the built-in flows.
async fn enters(app: &TestApp, password: &str) -> Person {
    app.pass(MINUTE + SECOND);
    app.mail().await;
    let client = app.client();
    let asked = client.signin(json!({ "email": MAIL, "password": password })).await.asks();
    let done = client.passcode(&asked.attempt, app.code().await.code()).await.done();
    Person::with(&client, done)
}

/// A device that a thief has begun to add by the mailbox alone is gone once its owner enrols something better.
#[tokio::test]
async fn what_was_begun_elsewhere_is_gone_when_a_device_is_confirmed() {
    for app in TestApp::each(free).await {
        app.signup(json!({ "email": MAIL, "password": PASSWORD })).await;
        let thief = enters(&app, PASSWORD).await;
        let owner = enters(&app, PASSWORD).await;
        let begun = thief.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
        let mail = thief.client.add(json!({ "kind": "email", "email": EVIL })).await.is(201).json();
        let code = app.code().await;
        let own = owner.client.add(json!({ "kind": "phone", "phone": NUMBER })).await.is(201).json();
        let by_phone = app.code().await;
        owner.enrol(&app).await;
        let (begun, seed) = (begun["id"].as_str().unwrap(), begun["secret"].as_str().unwrap());
        thief.client.confirm(begun, &totp(seed, app.clock.now())).await.fails(404, "not_found");
        thief.client.confirm(mail["id"].as_str().unwrap(), code.code()).await.fails(404, "not_found");
        // What was begun in the same session goes on.
        owner.client.confirm(own["id"].as_str().unwrap(), by_phone.code()).await.is(200);
    }
}

/// Whoever removes an old app while a new one is being set up goes on with the new one; and what was corrected elsewhere
/// waits where it was corrected.
#[tokio::test]
async fn what_its_owner_is_about_to_confirm_is_not_gone() {
    for app in TestApp::each(free).await {
        app.signup(json!({ "email": MAIL, "password": PASSWORD })).await;
        let owner = enters(&app, PASSWORD).await;
        let (old, seed) = owner.enrol(&app).await;
        let mut owner = owner;
        let shown = json!({ "password": PASSWORD, "passcode": totp(&seed, app.clock.now()) });
        owner.reauth(shown).await;
        let begun = owner.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
        owner.client.delete(&format!("/v1/me/devices/{old}")).await.is(204);
        let (id, seed) = (begun["id"].as_str().unwrap(), begun["secret"].as_str().unwrap());
        owner.client.confirm(id, &totp(seed, app.clock.now())).await.is(200);
    }
    let after = |settings: &mut Settings| {
        free(settings);
        settings.flows = flows(&[&["username", "password"], &["email", "password"], &["phone", "password"]]);
        settings.email.confirm = Confirm::After;
        settings.phone.confirm = Confirm::After;
    };
    for app in TestApp::each(after).await {
        let given =
            json!({ "username": "ada", "email": MAIL, "phone": "+12025550143", "password": PASSWORD });
        app.signup(given).await;
        let web = app.client();
        let done = web.signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
        let web = web.bearing(&done.access);
        let all = web.get("/v1/me/devices").await.is(200).json();
        let id = |kind: &str| {
            let found = all.as_array().unwrap().iter().find(|device| device["kind"] == kind).unwrap();
            found["id"].as_str().unwrap().to_owned()
        };
        app.pass(MINUTE + SECOND);
        web.patch(&format!("/v1/me/devices/{}", id("phone")), json!({ "phone": NUMBER })).await.is(200);
        let mail = app.mail().await;
        let of = |to: &str| mail.iter().rev().find(|mail| mail.to == to).unwrap().code().to_owned();
        web.confirm(&id("email"), &of(MAIL)).await.is(200);
        web.confirm(&id("phone"), &of(NUMBER)).await.is(200);
    }
}

/// So is an app that was begun in the very session, whose token may be in two hands; and what waits when the operator gives
/// somebody more.
#[tokio::test]
async fn another_app_of_the_same_session_is_gone_and_what_waits_when_the_operator_gives() {
    for app in TestApp::each(free).await {
        let ada = app.signup(json!({ "email": MAIL, "password": PASSWORD })).await;
        let owner = enters(&app, PASSWORD).await;
        let begun = owner.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
        let (id, seed) = (begun["id"].as_str().unwrap(), begun["secret"].as_str().unwrap());
        let (enrolled, _) = owner.enrol(&app).await;
        owner.client.confirm(id, &totp(seed, app.clock.now())).await.fails(404, "not_found");
        operator::remove_device(&app.app, &enrolled.as_str().into(), false).await.unwrap();
        let thief = enters(&app, PASSWORD).await;
        let mail = thief.client.add(json!({ "kind": "email", "email": EVIL })).await.is(201).json();
        let code = app.code().await;
        operator::add_identifier(&app.app, &ada.done.user.as_str().into(), "phone", NUMBER).await.unwrap();
        thief.client.confirm(mail["id"].as_str().unwrap(), code.code()).await.fails(404, "not_found");
        thief.client.add(json!({ "kind": "email", "email": EVIL })).await.fails(403, "reauth_required");
    }
}

/// What was shown in other sessions was weighed against another account.
#[tokio::test]
async fn a_session_that_showed_less_proves_again_once_there_is_more() {
    let equal = |settings: &mut Settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        free(settings);
    };
    for app in TestApp::each(equal).await {
        app.signup(json!({ "phone": NUMBER })).await;
        let by_phone = async || {
            app.pass(MINUTE + SECOND);
            app.mail().await;
            let client = app.client();
            let asked = client.signin(json!({ "phone": NUMBER })).await.asks();
            Person::with(&client, client.passcode(&asked.attempt, app.code().await.code()).await.done())
        };
        let thief = by_phone().await;
        by_phone().await.enrol(&app).await;
        let refused = thief.client.add(json!({ "kind": "authenticator" })).await;
        refused.fails(403, "reauth_required");
    }
}

/// Three days have to pass before a new app vouches for an older one, by recovery codes neither.
#[tokio::test]
async fn a_young_app_makes_no_codes_that_would_remove_an_older_one() {
    for app in TestApp::each(free).await {
        let ada = app.signup(json!({ "email": MAIL, "password": PASSWORD })).await;
        let (_, old) = ada.enrol(&app).await;
        app.pass(4 * DAY);
        let by_app = async |seed: &str, device: &str| {
            app.pass(31 * SECOND);
            let client = app.client();
            let body = json!({ "email": MAIL, "password": PASSWORD });
            let asked = client.signin(body).await.asks();
            let given = json!({ "passcode": totp(seed, app.clock.now()), "device": device });
            Person::with(&client, client.answer(&asked.attempt, given).await.done())
        };
        let devices = ada.client.refresh(&ada.done.refresh).await.is(200).json();
        let seen = ada.client.bearing(devices["access_token"].as_str().unwrap());
        let all = seen.get("/v1/me/devices").await.is(200).json();
        let id = all.as_array().unwrap().iter().find(|d| d["kind"] == "authenticator").unwrap()["id"].clone();
        let first = by_app(&old, id.as_str().unwrap()).await;
        let (young_id, young) = first.enrol(&app).await;
        app.pass(HOUR);
        let by_young = by_app(&young, &young_id).await;
        by_young.client.post("/v1/me/recovery-codes", json!({})).await.fails(403, "reauth_required");
        let by_old = by_app(&old, id.as_str().unwrap()).await;
        by_old.client.post("/v1/me/recovery-codes", json!({})).await.is(200);
        app.pass(3 * DAY);
        by_app(&young, &young_id).await.client.post("/v1/me/recovery-codes", json!({})).await.is(200);
    }
}

/// A password that somebody set by reading the mailbox is not freed by its owner's coming in without it.
#[tokio::test]
async fn a_recovered_password_is_freed_by_nobody_who_does_not_know_it() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password"], &["phone", "passcode"]]);
        free(settings);
    };
    for app in TestApp::each(list).await {
        let ada = app.signup(json!({ "email": MAIL, "password": PASSWORD })).await;
        ada.add(&app, "phone", NUMBER).await;
        let (_, seed) = ada.enrol(&app).await;
        app.pass(4 * DAY);
        let asked = app.client().recovery(json!({ "email": MAIL })).await.asks();
        let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
        app.client().answer(&asked.attempt, json!({ "new_password": OTHER })).await.done();
        let thief = json!({ "email": MAIL, "password": OTHER });
        app.client().signin(thief.clone()).await.asks();
        app.mail().await;
        let owner = app.client();
        let asked = owner.signin(json!({ "phone": NUMBER })).await.asks();
        let asked = owner.passcode(&asked.attempt, app.code().await.code()).await.asks();
        owner.passcode(&asked.attempt, &totp(&seed, app.clock.now())).await.done();
        app.client().signin(thief).await.asks();
    }
}

/// Whoever signed up with a wrong address that is all they have corrects it in place.
#[tokio::test]
async fn the_only_address_of_a_new_account_is_mended_in_place() {
    for (kind, secret) in [("email", "passcode"), ("phone", "passcode"), ("email", "password")] {
        let list = |settings: &mut Settings| {
            settings.flows = flows(&[&[kind, secret]]);
            settings.email.confirm = Confirm::After;
            settings.phone.confirm = Confirm::After;
            free(settings);
        };
        let (wrong, right) = if kind == "email" { (EVIL, MAIL) } else { ("+12025550143", NUMBER) };
        for app in TestApp::each(list).await {
            let mut given = json!({ kind: wrong });
            if secret == "password" {
                given["password"] = json!(PASSWORD);
            }
            let ada = app.signup(given).await;
            app.mail().await;
            let id = ada.client.get("/v1/me/devices").await.json()[0]["id"].as_str().unwrap().to_owned();
            app.pass(HOUR);
            let refreshed = ada.client.refresh(&ada.done.refresh).await.is(200).json();
            let ada = ada.client.bearing(refreshed["access_token"].as_str().unwrap());
            ada.patch(&format!("/v1/me/devices/{id}"), json!({ kind: right })).await.is(200);
            let code = app.code().await;
            assert_eq!(code.to, right, "{}", app.database());
            ada.confirm(&id, code.code()).await.is(200);
        }
    }
}
