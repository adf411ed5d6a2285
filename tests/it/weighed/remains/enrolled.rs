//! The enrolment of a stronger device is taken back by a mailbox that was there before, for three days.

use multauth::base::clock::{DAY, HOUR};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::client::Asked;
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::token::totp;
use crate::weighed::thief_plain::{A, addresses, again, by_email, take_back, undo};

/// Somebody who has enrolled an app so long ago; its seed, and what the mailbox was told.
async fn enrolled(app: &TestApp, ago: i64) -> (Person, String, (String, String)) {
    app.signup(json!({ "email": A, "password": PASSWORD })).await;
    app.pass(4 * DAY);
    let ada = again(app).await;
    let added = ada.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
    let (id, seed) = (added["id"].as_str().unwrap(), added["secret"].as_str().unwrap());
    ada.client.confirm(id, &totp(seed, app.clock.now())).await.is(200);
    let link = undo(&app.mail().await, A);
    app.pass(ago);
    (ada, seed.to_owned(), link)
}

/// What is asked after the right password.
async fn by_password(app: &TestApp) -> Asked {
    app.client().signin(json!({ "email": A, "password": OTHER })).await.asks()
}

#[tokio::test]
async fn an_app_is_taken_back_by_the_mailbox_and_the_mailbox_is_enough_then() {
    for app in TestApp::each(by_email).await {
        let (ada, _, link) = enrolled(&app, 71 * HOUR).await;
        take_back(&app.client(), &link).await;
        assert_eq!(addresses(&app, &ada.done.user).await, [A], "{}", app.database());
        app.mail().await;
        let asked = by_password(&app).await;
        let code = app.code().await;
        assert_eq!(code.to, A);
        app.client().passcode(&asked.attempt, code.code()).await.done();
    }
}

#[tokio::test]
async fn after_three_days_the_mailbox_does_not_get_past_the_app() {
    for app in TestApp::each(by_email).await {
        let (_, seed, link) = enrolled(&app, 73 * HOUR).await;
        let body = json!({ "key": link.0, "passcode": link.1 });
        app.client().post("/v1/confirm", body).await.fails(404, "link_dead");
        let asked = app.client().recovery(json!({ "email": A })).await.asks();
        let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
        app.client().answer(&asked.attempt, json!({ "new_password": OTHER })).await.done();
        app.mail().await;
        let asked = by_password(&app).await;
        assert_eq!(asked.ask[0]["channel"], "authenticator", "{}", app.database());
        TestApp::assert_silent(&app.mail().await);
        app.client().send(&asked.attempt, json!({ "channel": "email" })).await.fails(404, "not_found");
        app.client().passcode(&asked.attempt, &totp(&seed, app.clock.now())).await.done();
    }
}
