//! Wrong codes that strangers type for an address whose owner is asked by a backend as well.

use multauth::base::clock::{HOUR, MINUTE};
use multauth::settings::Settings;
use serde_json::json;

use super::{EMAIL, by};
use crate::support::app::{TestApp, unlimited};
use crate::support::client::Client;
use crate::support::mailbox::wrong;

/// Begins a verification; gives where its code is checked, and the code.
async fn begin(app: &TestApp, backend: &Client, to: &str) -> (String, String) {
    let begun = backend.post("/v1/verifications", json!({ "to": to })).await.is(201).json();
    let path = format!("/v1/verifications/{}/check", begun["verification"].as_str().unwrap());
    (path, app.code().await.code().to_owned())
}

/// Sign-ups to neighbours of a number, each by a stranger.
async fn neighbours(app: &TestApp, many: usize, apart: usize) {
    for n in 0..many {
        let body = json!({ "phone": format!("+1202555{:04}", 1000 + n * apart) });
        app.client().signup(body).await.asks();
    }
    app.mail().await;
}

fn by_phone(settings: &mut Settings) {
    by(&[&["phone", "passcode"]])(settings);
    settings.phone.countries = vec!["US".into()];
}

/// Whoever asks by a key has blocks of numbers of their own, as full as any.
#[tokio::test]
async fn sign_ups_to_neighbours_stop_no_verification() {
    for app in TestApp::each(by_phone).await {
        neighbours(&app, 12, 1).await;
        let (one, other) = (app.backend().await, app.backend().await);
        for n in 0..10 {
            begin(&app, &one, &format!("+12025551{:03}", 200 + n)).await;
        }
        let body = json!({ "to": "+12025551299" });
        one.post("/v1/verifications", body.clone()).await.fails(429, "too_many");
        other.post("/v1/verifications", body).await.is(201);
        app.code().await;
    }
}

/// A backend asks from one address for everybody who comes to it: what its key may is what it may.
#[tokio::test]
async fn a_backend_verifies_more_than_one_client_may() {
    for app in TestApp::each(by(&[&["email", "passcode"]])).await {
        let backend = app.backend().await;
        for n in 0..60 {
            let (path, code) = begin(&app, &backend, &format!("person{n}@example.org")).await;
            backend.post(&path, json!({ "passcode": code })).await.is(200);
        }
    }
}

/// Where a prefix rests, a key takes a little of what is kept, and no more.
#[tokio::test]
async fn a_prefix_that_rests_for_strangers_leaves_a_key_a_little() {
    let change = |settings: &mut Settings| {
        by_phone(settings);
        settings.phone.spend.conversion.sends = 5;
    };
    for app in TestApp::each(change).await {
        neighbours(&app, 8, 100).await;
        app.pass(6 * MINUTE);
        let backend = app.backend().await;
        let ask =
            async |n: usize| backend.post("/v1/verifications", json!({ "to": format!("+1202555{n}") })).await;
        for n in 0..3 {
            ask(5000 + n).await.is(201);
            app.code().await;
        }
        ask(5004).await.fails(429, "too_many");
        app.client().signup(json!({ "phone": "+12025556000" })).await.asks();
        TestApp::assert_silent(&app.mail().await);
        app.pass(HOUR / 2);
        ask(5005).await.fails(429, "too_many");
    }
}

/// What can be typed no more, and what is no code at all, takes nothing of the address.
#[tokio::test]
async fn codes_that_are_not_looked_at_refuse_nobody() {
    for app in TestApp::each(by(&[&["email", "passcode"]])).await {
        let backend = app.backend().await;
        let (path, code) = begin(&app, &backend, EMAIL).await;
        for n in 0..5 {
            backend.post(&path, json!({ "passcode": wrong(&code, n) })).await.wrong();
        }
        for _ in 0..30 {
            backend.post(&path, json!({ "passcode": code })).await.fails(410, "code_dead");
        }
        let (path, code) = begin(&app, &backend, EMAIL).await;
        for _ in 0..30 {
            backend.post(&path, json!({ "passcode": "1234567" })).await.fails(400, "invalid_request");
        }
        backend.post(&path, json!({ "passcode": code })).await.is(200);
    }
}

/// Whether a right code stays good.
fn reused(reuse: bool) -> impl Fn(&mut Settings) {
    move |settings| {
        by(&[&["email", "passcode"]])(settings);
        settings.verification.reuse = reuse;
    }
}

/// Beyond what an address may have of wrong codes they are too many, and a right one is taken.
#[tokio::test]
async fn a_right_code_is_taken_however_many_were_wrong() {
    for reuse in [false, true] {
        for app in TestApp::each(reused(reuse)).await {
            let backend = app.backend().await;
            for _ in 0..4 {
                let (path, code) = begin(&app, &backend, EMAIL).await;
                for n in 0..5 {
                    backend.post(&path, json!({ "passcode": wrong(&code, n) })).await.wrong();
                }
            }
            let (path, code) = begin(&app, &backend, EMAIL).await;
            assert!(code.len() >= 13, "{code}");
            let other = format!("{}0", &code[..code.len() - 1]);
            let other = if other == code { format!("{}1", &code[..code.len() - 1]) } else { other };
            backend.post(&path, json!({ "passcode": other })).await.fails(429, "too_many");
            backend.post(&path, json!({ "passcode": code })).await.is(200);
        }
    }
}

/// So is one that was sent before the last of them was typed.
#[tokio::test]
async fn a_right_code_that_was_sent_before_is_taken_too() {
    for reuse in [false, true] {
        for app in TestApp::each(reused(reuse)).await {
            let backend = app.backend().await;
            let mut begun = Vec::new();
            for _ in 0..5 {
                begun.push(begin(&app, &backend, EMAIL).await);
            }
            let (owners, right) = begun.pop().unwrap();
            for (path, code) in &begun {
                for n in 0..5 {
                    backend.post(path, json!({ "passcode": wrong(code, n) })).await;
                }
            }
            backend.post(&owners, json!({ "passcode": right })).await.is(200);
        }
    }
}

/// Other capitals are no other mailbox.
#[tokio::test]
async fn wrong_codes_are_counted_however_an_address_is_spelled() {
    let change = |settings: &mut Settings| {
        by(&[&["email", "passcode"]])(settings);
        unlimited(settings, &["check"]);
    };
    for app in TestApp::each(change).await {
        let backend = app.backend().await;
        for to in ["ada@example.org", "Ada@example.org", "aDa@example.org", "ADA@EXAMPLE.ORG"] {
            let (path, code) = begin(&app, &backend, to).await;
            for n in 0..5 {
                backend.post(&path, json!({ "passcode": wrong(&code, n) })).await.wrong();
            }
            app.pass(MINUTE);
        }
        let (_, code) = begin(&app, &backend, "adA@example.org").await;
        assert!(code.len() >= 13, "{code} on {}", app.database());
    }
}
