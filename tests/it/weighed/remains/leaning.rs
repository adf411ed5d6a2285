//! A password that a recovery set is no more than the device that recovered, whatever is put aside afterwards.

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::token::claims;

const MAIL: &str = "ada@example.org";
const NUMBER: &str = "+12124567890";

fn narrowed(settings: &mut Settings) {
    settings.flows = flows(&[&["phone", "password", "passcode:phone"]]);
    unlimited(settings, &["signin", "send", "attempt", "confirm", "devices", "reauth", "recovery"]);
}

/// Signs in by password and SMS; gives the session, and what it is worth.
async fn enters(app: &TestApp, password: &str) -> (Person, Value) {
    app.pass(MINUTE + SECOND);
    app.mail().await;
    let client = app.client();
    let asked = client.signin(json!({ "phone": NUMBER, "password": password })).await.asks();
    let done = client.passcode(&asked.attempt, app.code().await.code()).await.done();
    let worth = claims(app, &done.access).await["acr"].clone();
    (Person::with(&client, done), worth)
}

/// Whoever has the SIM alone recovers by it and removes the other address: that makes no second factor of the two.
#[tokio::test]
async fn whoever_recovered_by_one_device_gains_no_level_by_removing_the_others() {
    for app in TestApp::each(narrowed).await {
        let ada = app.signup(json!({ "phone": NUMBER, "password": PASSWORD })).await;
        let whole = enters(&app, PASSWORD).await;
        whole.0.add(&app, "email", MAIL).await;
        app.pass(4 * DAY);
        assert_eq!(whole.1, "urn:multauth:acr:multifactor", "{}", ada.done.user);
        let asked = app.client().recovery(json!({ "phone": NUMBER })).await.asks();
        let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
        app.client().answer(&asked.attempt, json!({ "new_password": OTHER })).await.done();
        let (thief, before) = enters(&app, OTHER).await;
        assert_eq!(before, "urn:multauth:acr:single", "{}", app.database());
        let all = thief.client.get("/v1/me/devices").await.is(200).json();
        let mail = all.as_array().unwrap().iter().find(|device| device["kind"] == "email").unwrap();
        let path = format!("/v1/me/devices/{}", mail["id"].as_str().unwrap());
        thief.client.delete(&path).await.is(204);
        app.pass(HOUR);
        assert_eq!(enters(&app, OTHER).await.1, before, "{}", app.database());
        // When it cannot come back any more, the phone is all that there is.
        app.pass(3 * DAY);
        app.sweep().await;
        assert_eq!(enters(&app, OTHER).await.1, whole.1, "{}", app.database());
    }
}
