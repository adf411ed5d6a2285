//! What a change of a factor asks for, asked again where the change itself is changed.

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::mailbox::wrong;
use crate::support::person::{PASSWORD, Person};

const OLD: &str = "+12124567890";
const YOUNG: &str = "+12125550142";
const NEW: &str = "+12125550143";
const EVIL: &str = "+12125550199";

fn narrowed(settings: &mut Settings) {
    settings.flows = flows(&[&["phone", "password", "passcode:phone"]]);
    unlimited(settings, &["signin", "send", "attempt", "confirm", "devices", "reauth", "failures"]);
}

/// Somebody with a number for four days and another for an hour, signed in by each.
async fn both(app: &TestApp) -> (Person, Person) {
    app.signup(json!({ "phone": OLD, "password": PASSWORD })).await;
    app.pass(4 * DAY);
    enters(app, OLD).await.add(app, "phone", YOUNG).await;
    app.pass(HOUR);
    (enters(app, OLD).await, enters(app, YOUNG).await)
}

async fn enters(app: &TestApp, number: &str) -> Person {
    app.pass(MINUTE + SECOND);
    app.mail().await;
    let client = app.client();
    let asked = client.signin(json!({ "phone": number, "password": PASSWORD })).await.asks();
    let code = app.code().await;
    assert_eq!(code.to, number);
    Person::with(&client, client.passcode(&asked.attempt, code.code()).await.done())
}

async fn path(person: &Person, number: &str) -> String {
    let all = person.client.get("/v1/me/devices").await.is(200).json();
    let found = all.as_array().unwrap().iter().find(|device| device["address"] == number).unwrap();
    format!("/v1/me/devices/{}", found["id"].as_str().unwrap())
}

/// A number of an hour vouches for no older one, and neither for another number in the place that one was given.
#[tokio::test]
async fn a_replacement_that_waits_is_redirected_by_what_it_took_to_begin_it() {
    for app in TestApp::each(narrowed).await {
        let (by_old, by_young) = both(&app).await;
        let old = path(&by_old, OLD).await;
        by_young.client.patch(&old, json!({ "phone": EVIL })).await.fails(403, "proof_required");
        by_old.client.patch(&old, json!({ "phone": NEW })).await.is(200);
        let pending = path(&by_old, NEW).await;
        by_young.client.patch(&pending, json!({ "phone": EVIL })).await.fails(403, "proof_required");
        by_old.client.patch(&pending, json!({ "phone": "+12125550144" })).await.is(200);
    }
}

/// A code that was guessed at too often is sent anew, by whoever it belongs to.
#[tokio::test]
async fn a_code_that_proves_nothing_any_more_is_sent_anew() {
    for app in TestApp::each(narrowed).await {
        let (_, by_young) = both(&app).await;
        let old = path(&by_young, OLD).await;
        app.mail().await;
        let send = async || by_young.client.post(&format!("{old}/send"), json!({})).await;
        let remove = async |code: &str| {
            let typed: Value = json!({ "passcode": code });
            by_young.client.raw("DELETE", &old, Some(&typed.to_string())).await
        };
        send().await.is(204);
        let code = app.code().await;
        for n in 0..5 {
            remove(&wrong(code.code(), n)).await.wrong();
        }
        remove(code.code()).await.fails(410, "code_dead");
        app.pass(MINUTE);
        send().await.is(204);
        remove(app.code().await.code()).await.is(204);
    }
}

/// Whoever ends all sessions ends what is on its way to become one.
#[tokio::test]
async fn who_ends_all_sessions_ends_half_done_sign_ins() {
    for app in TestApp::each(narrowed).await {
        let (by_old, _) = both(&app).await;
        app.pass(MINUTE);
        app.mail().await;
        let half = app.client().signin(json!({ "phone": OLD, "password": PASSWORD })).await.asks();
        let code = app.code().await;
        by_old.client.delete("/v1/me/sessions").await.is(204);
        app.client().passcode(&half.attempt, code.code()).await.fails(404, "attempt_gone");
    }
}
