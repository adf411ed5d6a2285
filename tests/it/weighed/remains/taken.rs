//! Addresses that a sign-up only took as confirmed.

use multauth::auth::operator;
use multauth::base::clock::{DAY, MINUTE};
use multauth::settings::{Confirm, Settings};
use serde_json::json;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::weighed::thief_plain::{A, B, addresses, by_email, remove, take_back, undo};

const NUMBER: &str = "+12124567890";

fn taken(settings: &mut Settings) {
    by_email(settings);
    settings.flows = flows(&[&["email", "password"]]);
    settings.email.confirm = Confirm::Never;
}

async fn id(ada: &Person, kind: &str) -> String {
    let all = ada.client.get("/v1/me/devices").await.is(200).json();
    let found = all.as_array().unwrap().iter().find(|device| device["kind"] == kind).unwrap().clone();
    found["id"].as_str().unwrap().to_owned()
}

async fn recovers(app: &TestApp, address: &str) {
    app.mail().await;
    let asked = app.client().recovery(json!({ "email": address })).await.asks();
    let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
    app.client().answer(&asked.attempt, json!({ "new_password": OTHER })).await.done();
}

/// Its owner proves it by the code that is sent on demand; then a recovery by it leaves what stands beside it.
#[tokio::test]
async fn one_is_proven_from_inside_and_recovers_as_any_other() {
    for app in TestApp::each(taken).await {
        let ada = app.signup(json!({ "email": A, "password": PASSWORD })).await;
        app.pass(MINUTE);
        let mail = id(&ada, "email").await;
        ada.client.post(&format!("/v1/me/devices/{mail}/send"), json!({})).await.is(204);
        let code = app.code().await;
        let shown = ada.client.confirm(&mail, code.code()).await.is(200).json();
        assert_eq!(shown["confirmed"], true, "{shown}");
        TestApp::assert_silent(&app.mail().await);
        ada.add(&app, "phone", NUMBER).await;
        app.pass(DAY + MINUTE);
        recovers(&app, A).await;
        assert_eq!(addresses(&app, &ada.done.user).await, [NUMBER, A], "{}", app.database());
    }
}

/// What an undo brings back is there when the recovery is over that it ends in.
#[tokio::test]
async fn what_an_undo_restores_stays_behind_an_unproven_address() {
    for app in TestApp::each(taken).await {
        let ada = app.signup(json!({ "email": A, "password": PASSWORD })).await;
        app.pass(MINUTE);
        ada.add(&app, "email", B).await;
        app.mail().await;
        app.pass(MINUTE);
        remove(&ada, B).await;
        let link = undo(&app.mail().await, A);
        take_back(&app.client(), &link).await;
        assert_eq!(addresses(&app, &ada.done.user).await, [B, A], "{}", app.database());
        // The code of it was read there: it is its owner's own from now on.
        app.pass(MINUTE);
        recovers(&app, A).await;
        assert_eq!(addresses(&app, &ada.done.user).await, [B, A], "{}", app.database());
    }
}

/// Whoever signed up with somebody else's address and a phone of their own, which was only taken too, does not keep it when
/// that address takes a change back.
#[tokio::test]
async fn an_undo_by_an_unproven_address_leaves_no_other_unproven_one() {
    let list = |settings: &mut Settings| {
        taken(settings);
        settings.flows = flows(&[&["email", "password"], &["phone", "password"]]);
        settings.phone.confirm = Confirm::Never;
    };
    for app in TestApp::each(list).await {
        let mallory = app.signup(json!({ "email": A, "phone": NUMBER, "password": PASSWORD })).await;
        app.pass(MINUTE);
        mallory.client.add(json!({ "kind": "email", "email": B })).await.is(201);
        let code = app.mail().await.into_iter().find(|mail| mail.to == B).unwrap();
        let waiting = mallory.client.get("/v1/me/devices").await.json();
        let id =
            waiting.as_array().unwrap().iter().find(|device| device["address"] == B).unwrap()["id"].clone();
        mallory.client.confirm(id.as_str().unwrap(), code.code()).await.is(200);
        let link = undo(&app.mail().await, A);
        take_back(&app.client(), &link).await;
        assert_eq!(addresses(&app, &mallory.done.user).await, [A], "{}", app.database());
        app.mail().await;
        app.client().recovery(json!({ "phone": NUMBER })).await.asks();
        assert!(app.mail().await.iter().all(|mail| !mail.to.starts_with('+')));
    }
}

/// Whoever waits for the operator confirms their address meanwhile, and is in as soon as they are let in.
#[tokio::test]
async fn an_account_that_waits_for_the_operator_confirms_its_address_meanwhile() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password"]]);
        settings.email.confirm = Confirm::After;
        settings.user.active = false;
        unlimited(settings, &["signin"]);
    };
    for app in TestApp::each(list).await {
        let made = app.client().signup(json!({ "email": A, "password": PASSWORD })).await.is(200).json();
        let user = made["user"]["id"].as_str().unwrap();
        let body = json!({ "key": app.code().await.key(), "password": PASSWORD });
        assert_eq!(app.client().post("/v1/confirm", body).await.is(200).json()["confirmed"], true);
        app.client().signin(json!({ "email": A, "password": PASSWORD })).await.wrong();
        operator::set_disabled(&app.app, &user.into(), false).await.unwrap();
        app.client().signin(json!({ "email": A, "password": PASSWORD })).await.done();
    }
}

/// Whoever signed up, signed out again, and opens the link elsewhere has nothing but that address.
#[tokio::test]
async fn the_address_of_a_sign_up_is_confirmed_though_its_session_is_over() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password"]]);
        settings.email.confirm = Confirm::After;
    };
    for app in TestApp::each(list).await {
        let ada = app.signup(json!({ "email": A, "password": PASSWORD })).await;
        let key = app.code().await.key().to_owned();
        ada.client.delete("/v1/me/sessions").await.is(204);
        let body = json!({ "key": key, "password": PASSWORD });
        assert_eq!(app.client().post("/v1/confirm", body).await.is(200).json()["confirmed"], true);
        app.client().signin(json!({ "email": A, "password": PASSWORD })).await.done();
    }
}

/// Whom the operator has shut out, or deleted, confirms nothing.
#[tokio::test]
async fn an_account_that_was_shut_out_confirms_nothing() {
    for (active, deleted) in [(true, false), (true, true), (false, true)] {
        let list = |settings: &mut Settings| {
            settings.flows = flows(&[&["email", "password"]]);
            settings.email.confirm = Confirm::After;
            settings.user.active = active;
        };
        for app in TestApp::each(list).await {
            let made = app.client().signup(json!({ "email": A, "password": PASSWORD })).await.is(200).json();
            let user = made["user"]["id"].as_str().unwrap();
            let body = json!({ "key": app.code().await.key(), "password": PASSWORD });
            app.pass(MINUTE);
            if deleted {
                operator::delete(&app.app, &user.into()).await.unwrap();
            } else {
                operator::set_disabled(&app.app, &user.into(), true).await.unwrap();
            }
            app.client().post("/v1/confirm", body).await.fails(404, "link_dead");
        }
    }
}
