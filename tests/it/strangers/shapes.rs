//! Codes of the wrong shape behind a link: they cost none of its few guesses.

use serde_json::json;

use super::{EMAIL, by, goes_on, rests};
use crate::support::app::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::mailbox::Mail;
use crate::support::person::{OTHER, PASSWORD};

const LONG: &str = "ABCDEFGHJKMNP";

/// The code is a malformed field.
#[track_caller]
fn malformed(answer: Answer, field: &str) {
    let answer = answer.fails(400, "invalid_request");
    assert_eq!(answer.json()["errors"][0]["field"], field, "{answer:?}");
}

/// None of these costs a guess, by the API or at the page, which asks again.
async fn costs_nothing(client: &Client, mail: &Mail, codes: &[&str]) {
    let page = format!("/confirm/{}", mail.key());
    for code in codes.iter().cycle().take(6) {
        malformed(
            client.post("/v1/confirm", json!({ "key": mail.key(), "passcode": code })).await,
            "passcode",
        );
    }
    for code in codes.iter().chain(&["12", "x"]).cycle().take(8) {
        let shown = client.form(&page, &format!("passcode={code}")).await.is(400);
        assert!(
            shown.text.contains("name=\"passcode\"") && shown.text.contains("role=\"alert\""),
            "{shown:?}"
        );
    }
}

#[tokio::test]
async fn a_code_of_the_wrong_shape_costs_a_mail_no_guess() {
    for app in TestApp::each(by(&[&["email", "password"], &["email", "passcode"]])).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.mail().await;
        let client = app.client();
        client.recovery(json!({ "email": EMAIL })).await.asks();
        let mail = app.code().await;
        costs_nothing(&app.client(), &mail, &["1234567", LONG]).await;
        goes_on(&client, &mail, json!({ "wish": "mute" })).await.is(200);
        costs_nothing(&app.client(), &mail, &["1234567", LONG]).await;
        goes_on(&client, &mail, json!({})).await.is(200);
        // What takes a change back asks alike.
        ada.client.add(json!({ "kind": "email", "email": "bob@example.org" })).await.is(201);
        let added = app.code().await;
        let devices = ada.client.get("/v1/me/devices").await.json();
        let bob = devices.as_array().unwrap().iter().find(|d| d["address"] == "bob@example.org").unwrap();
        ada.client.confirm(bob["id"].as_str().unwrap(), added.code()).await.is(200);
        let told = app.mail().await.into_iter().find(|mail| mail.undo().is_some()).unwrap();
        costs_nothing(&app.client(), &told, &["12345", LONG]).await;
    }
}

#[tokio::test]
async fn a_code_of_the_wrong_shape_costs_no_guess_at_what_sets_apart() {
    for app in TestApp::each(by(&[&["email", "password"]])).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.mail().await;
        for _ in 0..3 {
            app.client().signin(json!({ "email": EMAIL, "password": OTHER })).await.wrong();
        }
        for by_link in [true, false] {
            let client = app.client();
            let right = json!({ "email": EMAIL, "password": PASSWORD });
            let (attempt, _) = rests(&client.signin(right).await);
            client.send(&attempt, json!({ "secret": "unlock_code" })).await.is(200);
            let mail = app.code().await;
            if by_link {
                costs_nothing(&app.client(), &mail, &["123456", "1234567"]).await;
                goes_on(&client, &mail, json!({})).await.is(200);
                continue;
            }
            for code in ["123456", "ABCDEFGHJKMN", "ABCDEFGHJKMNPQ", "12", "ABCDEFGHJKMN-"] {
                malformed(client.answer(&attempt, json!({ "unlock_code": code })).await, "unlock_code");
            }
            let told =
                client.answer(&attempt, json!({ "unlock_code": "AAAABBBBCCCCD" })).await.wrong().json();
            assert_eq!(told["detail"], "The unlock_code is wrong.");
            let shown = json!({ "unlock_code": mail.code(), "password": PASSWORD });
            client.answer(&attempt, shown).await.done();
        }
    }
}
