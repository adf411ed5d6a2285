//! What a factor is asked by goes only as the factor does.

use multauth::base::clock::{DAY, MINUTE};
use serde_json::json;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::Person;
use crate::support::token::totp;

const MAIL: &str = "ada@example.org";

/// Who comes in by the mailbox does not remove the name by which alone the app is asked for, and then the app.
#[tokio::test]
async fn a_name_without_which_no_flow_asks_for_the_app_goes_by_the_app() {
    let apps = TestApp::each(|settings| {
        unlimited(settings, &["signin", "signup", "send", "devices", "attempt", "reauth"]);
        settings.flows = flows(&[
            &["username", "password", "passcode:email"],
            &["username", "passcode:authenticator"],
            &["email", "passcode:email"],
        ]);
    });
    for app in apps.await {
        let mut ada = app.signup(json!({ "username": "ada", "email": MAIL })).await;
        let (_, seed) = ada.enrol(&app).await;
        app.pass(4 * DAY);
        let client = app.client();
        let asked = client.signin(json!({ "email": MAIL })).await.asks();
        let done = client.passcode(&asked.attempt, app.code().await.code()).await.done();
        let by_mail = Person::with(&client, done);
        let devices = by_mail.client.get("/v1/me/devices").await.is(200).json();
        let id = |kind: &str| {
            let found = devices.as_array().unwrap().iter().find(|device| device["kind"] == kind);
            format!("/v1/me/devices/{}", found.unwrap()["id"].as_str().unwrap())
        };
        by_mail.client.delete(&id("username")).await.fails(403, "proof_required");
        by_mail.client.delete(&id("authenticator")).await.fails(403, "proof_required");
        app.pass(MINUTE);
        ada.client = by_mail.client.clone();
        ada.reauth(
            json!({ "flow": "username+passcode:authenticator", "passcode": totp(&seed, app.clock.now()) }),
        )
        .await;
        ada.client.delete(&id("username")).await.is(204);
    }
}
