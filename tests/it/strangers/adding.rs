//! Addresses and numbers that strangers add to accounts of their own, before their owner does.

use multauth::base::clock::MINUTE;
use multauth::settings::Settings;
use serde_json::{Value, json};

use super::{EMAIL, by};
use crate::support::app::TestApp;
use crate::support::client::Client;
use crate::support::person::{PASSWORD, Person};

const PHONE: &str = "+12025550143";

/// Adds a device and removes it; gives whether a message came.
async fn nags(app: &TestApp, stranger: &Client, body: &Value) -> bool {
    let added = stranger.add(body.clone()).await.is(201).json();
    let came = !app.mail().await.is_empty();
    stranger.delete(&format!("/v1/me/devices/{}", added["id"].as_str().unwrap())).await.is(204);
    came
}

/// Goes on in the same session, having shown the password again.
async fn stays(person: &mut Person) {
    let fresh = person.client.refresh(&person.done.refresh).await.is(200).json();
    person.done.refresh = fresh["refresh_token"].as_str().unwrap().to_owned();
    person.client = person.client.bearing(fresh["access_token"].as_str().unwrap());
    person.reauth(json!({ "password": PASSWORD })).await;
}

/// Three strangers have all sent to an address that may be sent there.
async fn used_up(app: &TestApp, body: &Value) -> Vec<Person> {
    let mut strangers = Vec::new();
    for n in 0..3 {
        strangers.push(app.named(&format!("mallory{n}")).await);
    }
    for _ in 0..3 {
        for stranger in &strangers {
            nags(app, &stranger.client, body).await;
        }
    }
    for stranger in &strangers {
        assert!(!nags(app, &stranger.client, body).await, "something is left on {}", app.database());
    }
    strangers
}

/// A mailbox is sent one more for a network that had none for it today, and so its owner confirms it.
#[tokio::test]
async fn a_mailbox_that_strangers_add_is_added_by_its_owner() {
    for app in TestApp::each(by(&[&["username", "password"], &["email", "passcode"]])).await {
        let mut ada = app.named("ada").await;
        let body = json!({ "kind": "email", "email": EMAIL });
        let mut strangers = used_up(&app, &body).await;
        let bob = app.named("bob").await;
        assert!(nags(&app, &bob.client, &body).await, "{}", app.database());
        // The next network waits for its two hours, and one that had its own for tomorrow.
        assert!(!nags(&app, &ada.client, &body).await);
        for _ in 0..11 {
            app.pass(12 * MINUTE);
            stays(&mut strangers[0]).await;
            nags(&app, &strangers[0].client, &body).await;
        }
        stays(&mut ada).await;
        let added = ada.client.add(body.clone()).await.is(201).json();
        let code = app.code().await;
        ada.client.confirm(added["id"].as_str().unwrap(), code.code()).await.is(200);
    }
}

/// A number is not: texts to what anybody may name earn somebody money.
#[tokio::test]
async fn a_number_that_strangers_add_is_sent_no_more_than_it_may() {
    let change = |settings: &mut Settings| {
        by(&[&["username", "password"], &["phone", "passcode"]])(settings);
        settings.phone.countries = vec!["US".into()];
    };
    for app in TestApp::each(change).await {
        let mut ada = app.named("ada").await;
        let body = json!({ "kind": "phone", "phone": PHONE });
        used_up(&app, &body).await;
        let added = ada.client.add(body).await.is(201).json();
        TestApp::assert_silent(&app.mail().await);
        app.pass(12 * MINUTE);
        stays(&mut ada).await;
        let path = format!("/v1/me/devices/{}/send", added["id"].as_str().unwrap());
        ada.client.post(&path, json!({})).await.is(204);
        ada.client.confirm(added["id"].as_str().unwrap(), app.code().await.code()).await.is(200);
    }
}

/// Neighbours of a number take nothing of who is signed in and adds it, and those who add share what there is.
#[tokio::test]
async fn sign_ups_to_neighbours_leave_who_adds_a_number_their_text() {
    let change = |settings: &mut Settings| {
        by(&[&["username", "password"], &["phone", "passcode"]])(settings);
        settings.phone.countries = vec!["US".into()];
    };
    for app in TestApp::each(change).await {
        for n in 0..12 {
            app.client().signup(json!({ "phone": format!("+12025550{}", 150 + n) })).await.asks();
        }
        app.mail().await;
        let mut came = 0;
        for n in 0..12 {
            let person = app.named(&format!("person{n}")).await;
            person
                .client
                .add(json!({ "kind": "phone", "phone": format!("+12025550{}", 170 + n) }))
                .await
                .is(201);
            came += app.mail().await.len();
        }
        assert_eq!(came, 10, "{}", app.database());
    }
}
