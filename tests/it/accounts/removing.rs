//! A device that is removed while it is confirmed: one of the two happens, and nothing else goes with it (R125, R126).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Answer;
use crate::support::person::{PASSWORD, Person};
use crate::support::until;

const OLD: &str = "ada@old.example";
const NEW: &str = "ada@new.example";
const PHONE: &str = "+12124567890";

async fn apps() -> Vec<TestApp> {
    TestApp::each(|settings| {
        settings.flows = flows(&[&["email", "password"]]);
        unlimited(settings, &["signin", "signup", "send", "devices"]);
    })
    .await
}

fn path(device: &Value) -> String {
    format!("/v1/me/devices/{}", device["id"].as_str().unwrap())
}

/// The addresses of somebody's devices.
async fn addresses(ada: &Person) -> Vec<String> {
    let devices = ada.client.get("/v1/me/devices").await.is(200).json();
    devices.as_array().unwrap().iter().map(|d| d["address"].as_str().unwrap().to_owned()).collect()
}

/// Somebody with an old address, and the new one that waits for its code to take the place of that.
async fn replacing(app: &TestApp, (old, new): (&str, &str)) -> (Person, Value, String) {
    let ada = app.signup(json!({ "email": old, "password": PASSWORD })).await;
    app.mail().await;
    let devices = ada.client.get("/v1/me/devices").await.is(200).json();
    let waiting = ada.client.patch(&path(&devices[0]), json!({ "email": new })).await.is(200).json();
    let code = app.code().await.code().to_owned();
    (ada, waiting, code)
}

/// Confirms a device, and removes it after the account was read and before anything is written.
async fn removed_midway(app: &TestApp, ada: &Person, device: &Value, code: &str) -> Answer {
    let turn = app.app.locks.hold(&ada.done.user, Duration::ZERO).await.expect("nobody has it");
    let (client, id, code) = (ada.client.clone(), device["id"].clone(), code.to_owned());
    let confirming = tokio::spawn(async move { client.confirm(id.as_str().unwrap(), &code).await });
    // The lock is held by its place, by this guard, and by whoever waits for it.
    let waits = async || Arc::strong_count(OwnedMutexGuard::mutex(&turn)) > 2;
    until("the confirmation waits for its turn", 10, waits).await;
    ada.client.delete(&path(device)).await.is(204);
    drop(turn);
    confirming.await.unwrap()
}

#[tokio::test]
async fn a_device_that_is_removed_while_it_is_confirmed_does_not_count_and_nobody_is_told_that_it_does() {
    for app in apps().await {
        let ada = app.signup(json!({ "email": OLD, "password": PASSWORD })).await;
        app.mail().await;
        let added = ada.client.add(json!({ "kind": "phone", "phone": PHONE })).await.is(201).json();
        let code = app.code().await;
        let answer = removed_midway(&app, &ada, &added, code.code()).await;
        TestApp::assert_silent(&app.mail().await);
        assert_eq!(addresses(&ada).await, [OLD], "{}", app.database());
        answer.fails(409, "no_code");
    }
}

#[tokio::test]
async fn an_address_stays_where_the_one_to_take_its_place_is_removed_while_it_is_confirmed() {
    for app in apps().await {
        let (ada, waiting, code) = replacing(&app, (OLD, NEW)).await;
        let answer = removed_midway(&app, &ada, &waiting, &code).await;
        assert_eq!(addresses(&ada).await, [OLD], "{}", app.database());
        app.client().signin(json!({ "email": OLD, "password": PASSWORD })).await.done();
        TestApp::assert_silent(&app.mail().await);
        answer.fails(409, "no_code");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_removal_and_a_confirmation_at_once_one_happens_and_an_address_is_left() {
    for app in apps().await {
        let other = app.again().await;
        for round in 0..10 {
            let (old, new) = (format!("ada{round}@old.example"), format!("ada{round}@new.example"));
            let (ada, waiting, code) = replacing(&app, (&old, &new)).await;
            let (id, path, there) =
                (waiting["id"].as_str().unwrap(), path(&waiting), ada.client.at(&other.base));
            let (confirmed, removed) = tokio::join!(there.confirm(id, &code), ada.client.delete(&path));
            let outcome = (confirmed.status == 200, removed.status == 204);
            assert!(outcome.0 != outcome.1, "{}: {confirmed:?} {removed:?}", app.database());
            assert_eq!(addresses(&ada).await, [if outcome.0 { new } else { old }], "{}", app.database());
            app.mail().await;
        }
    }
}
