//! Recovery codes are made by whoever shows the highest class that they could stand in for, and each use is told.

use multauth::base::clock::{DAY, SECOND};
use multauth::messages::Kind;
use multauth::settings::Settings;
use serde_json::json;

use super::guesses::{by_phone, with_both};
use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::PASSWORD;
use crate::support::token::totp;

const MAIL: &str = "ada@example.org";
const NUMBER: &str = "+12124567890";

fn narrowed(settings: &mut Settings) {
    settings.flows =
        flows(&[&["email", "password", "passcode:phone"], &["email", "password", "passcode:authenticator"]]);
    unlimited(settings, &["signin", "send", "attempt", "confirm", "devices", "reauth"]);
}

/// Both flows reach the same level, and codes stand in for the app: whoever comes by the phone does not make them.
#[tokio::test]
async fn they_are_made_by_the_highest_class_alone() {
    for app in TestApp::each(narrowed).await {
        let (id, seed) = with_both(&app).await;
        let mut thief = by_phone(&app).await;
        let refused = thief.client.post("/v1/me/recovery-codes", json!({})).await;
        let refused = refused.fails(403, "reauth_required").json();
        let flow = "email+password+passcode:authenticator";
        assert_eq!(refused["detail"], format!("Re-authenticate by the flow {flow}."), "{refused}");
        thief.client.delete(&format!("/v1/me/devices/{id}")).await.fails(403, "proof_required");
        app.pass(31 * SECOND);
        let code = totp(&seed, app.clock.now());
        let shown = json!({ "flow": flow, "password": PASSWORD, "passcode": code });
        thief.reauth(shown).await;
        let made = thief.client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
        let mut other = by_phone(&app).await;
        let typed = json!({ "recovery_code": made["codes"][0] }).to_string();
        app.mail().await;
        other.client.raw("DELETE", &format!("/v1/me/devices/{id}"), Some(&typed)).await.is(204);
        let told = app.mail().await;
        let kinds: Vec<_> = told.iter().filter(|mail| mail.to == MAIL).map(|mail| mail.kind).collect();
        assert!(kinds.contains(&Kind::RecoveryCodeUsed), "{kinds:?} {}", app.database());
        other.client = thief.client;
    }
}

/// Whoever shows the highest class and has none is shown ten, at a sign-in and at a re-authentication; every address is
/// told with a link of its own.
#[tokio::test]
async fn they_come_where_there_are_none_and_are_told_to_every_address_with_its_own_link() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password"], &["email", "password", "passcode"]]);
        unlimited(settings, &["signin", "send", "attempt", "confirm", "devices", "reauth"]);
    };
    for app in TestApp::each(list).await {
        let given = json!({ "email": MAIL, "password": PASSWORD });
        let ada = app.signup(given.clone()).await;
        ada.add(&app, "phone", NUMBER).await;
        let mut links = Vec::new();
        for again in [false, true] {
            app.rows().execute("DELETE FROM secrets WHERE kind = 'recovery'").await;
            app.pass(61 * SECOND);
            let asked = match again {
                false => ada.client.signin(given.clone()).await.asks(),
                true => ada.client.reauth(json!({ "password": PASSWORD })).await.asks(),
            };
            let answer = ada.client.passcode(&asked.attempt, app.code().await.code()).await.is(200).json();
            assert_eq!(answer["recovery_codes"].as_array().unwrap().len(), 10, "{answer}");
            let told = app.mail().await;
            let to: Vec<_> = told.iter().map(|mail| (mail.kind, mail.to.as_str())).collect();
            let kind = Kind::RecoveryCodesMade;
            assert_eq!(to.len(), 2, "{to:?} {}", app.database());
            assert!(to.contains(&(kind, MAIL)) && to.contains(&(kind, NUMBER)), "{to:?}");
            links.extend(told.iter().map(|mail| mail.undo().unwrap().0.to_owned()));
        }
        links.sort();
        links.dedup();
        assert_eq!(links.len(), 4);
    }
}

/// Codes that were made when a mailbox was all there was stand in for no app that comes later.
#[tokio::test]
async fn those_of_before_go_when_a_better_device_is_confirmed() {
    let free = |settings: &mut Settings| {
        unlimited(settings, &["signin", "send", "attempt", "confirm", "devices", "reauth"]);
    };
    for app in TestApp::each(free).await {
        let enters = async |given: serde_json::Value| {
            app.pass(61 * SECOND);
            app.mail().await;
            let client = app.client();
            let body = json!({ "email": MAIL, "password": PASSWORD });
            let asked = client.signin(body).await.asks();
            let sent = app.mail().await.first().map(|mail| json!({ "passcode": mail.code() }));
            let done = client.answer(&asked.attempt, sent.unwrap_or(given)).await;
            (client, done)
        };
        app.signup(json!({ "email": MAIL, "password": PASSWORD })).await;
        let (client, done) = enters(json!({})).await;
        let thief = client.bearing(&done.done().access);
        let made = thief.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
        app.pass(10 * DAY);
        let (client, done) = enters(json!({})).await;
        let owner = client.bearing(&done.done().access);
        let begun = owner.add(json!({ "kind": "authenticator" })).await.is(201).json();
        let (id, seed) = (begun["id"].as_str().unwrap(), begun["secret"].as_str().unwrap());
        let confirmed = owner.confirm(id, &totp(seed, app.clock.now())).await.is(200).json();
        assert_eq!(confirmed["recovery_codes"].as_array().map(Vec::len), Some(10), "{}", app.database());
        app.mail().await;
        let (_, refused) = enters(json!({ "recovery_code": made["codes"][0] })).await;
        refused.wrong();
        let (_, right) = enters(json!({ "recovery_code": confirmed["recovery_codes"][0] })).await;
        right.done();
    }
}
