//! What the operator vouches for is no thief's: it stays, whatever is taken back, and takes back itself.

use multauth::auth::operator;
use multauth::base::clock::MINUTE;
use multauth::settings::{Confirm, Settings};
use serde_json::json;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::weighed::thief_plain::{A, B, C, addresses, by_email, replace, take_back, undo};

#[tokio::test]
async fn an_undo_leaves_what_the_operator_gave_since() {
    for app in TestApp::each(by_email).await {
        let ada = app.signup(json!({ "email": A, "password": PASSWORD })).await;
        app.pass(MINUTE);
        ada.add(&app, "email", B).await;
        app.mail().await;
        ada.client.post("/v1/me/recovery-codes", json!({})).await.is(200);
        let link = undo(&app.mail().await, A);
        operator::add_identifier(&app.app, &ada.done.user.as_str().into(), "email", C).await.unwrap();
        take_back(&app.client(), &link).await;
        assert_eq!(addresses(&app, &ada.done.user).await, [B, A, C], "{}", app.database());
    }
}

/// Of a kind of which there may be one, what the operator gave is it.
#[tokio::test]
async fn a_name_of_the_operators_stays_in_the_place_of_the_one_before() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
    };
    for app in TestApp::each(list).await {
        let ada = app.signup(json!({ "username": "ada", "email": A, "password": PASSWORD })).await;
        app.pass(MINUTE);
        let devices = ada.client.get("/v1/me/devices").await.is(200).json();
        let name = devices.as_array().unwrap().iter().find(|device| device["kind"] == "username").unwrap();
        let path = format!("/v1/me/devices/{}", name["id"].as_str().unwrap());
        app.mail().await;
        ada.client.patch(&path, json!({ "username": "zzz" })).await.is(200);
        let link = undo(&app.mail().await, A);
        operator::add_identifier(&app.app, &ada.done.user.as_str().into(), "username", "ada.lovelace")
            .await
            .unwrap();
        take_back(&app.client(), &link).await;
        assert_eq!(addresses(&app, &ada.done.user).await, ["ada.lovelace", A], "{}", app.database());
    }
}

#[tokio::test]
async fn an_address_that_the_operator_gave_takes_changes_back_at_once() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
    };
    for app in TestApp::each(list).await {
        let ada = app.named("ada").await;
        app.pass(MINUTE);
        operator::add_identifier(&app.app, &ada.done.user.as_str().into(), "email", A).await.unwrap();
        app.mail().await;
        let client = app.client();
        let ada = Person::with(
            &client,
            client.signin(json!({ "username": "ada", "password": PASSWORD })).await.done(),
        );
        replace(&app, &ada, A, B).await;
        let link = undo(&app.mail().await, A);
        take_back(&app.client(), &link).await;
        assert_eq!(addresses(&app, &ada.done.user).await, ["ada", A], "{}", app.database());
    }
}

/// Whoever proves first an address that was only taken as confirmed is rid of everything but what the operator gave.
#[tokio::test]
async fn a_first_proof_leaves_what_the_operator_gave() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
        settings.email.confirm = Confirm::Never;
        unlimited(settings, &["recovery"]);
    };
    for app in TestApp::each(list).await {
        let ada = app.signup(json!({ "username": "ada", "email": A, "password": PASSWORD })).await;
        app.pass(MINUTE);
        ada.add(&app, "email", B).await;
        operator::add_identifier(&app.app, &ada.done.user.as_str().into(), "email", C).await.unwrap();
        app.mail().await;
        let asked = app.client().recovery(json!({ "email": A })).await.asks();
        let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
        app.client().answer(&asked.attempt, json!({ "new_password": OTHER })).await.done();
        assert_eq!(addresses(&app, &ada.done.user).await, [A, C], "{}", app.database());
        let told: Vec<_> = app.mail().await.into_iter().map(|mail| mail.to).collect();
        assert!(told.contains(&B.to_owned()), "what is thrown out is told: {told:?}");
    }
}
