//! What the operator does is the last word, and shows what there is.

use multauth::auth::{lookup, reset};
use multauth::base::clock::DAY;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::client::Answer;
use crate::support::person::{OTHER, PASSWORD};
use crate::weighed::thief_plain::{A, B, C, ada, addresses, again, by_email, remove, undo};

async fn takes_back(app: &TestApp, (key, code): &(String, String)) -> Answer {
    app.client().post("/v1/confirm", json!({ "key": key, "passcode": code })).await
}

/// An address that a thief brought and its owner removed takes nothing back once the operator has put the account in
/// order.
#[tokio::test]
async fn a_reset_leaves_nothing_that_could_be_taken_back() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        ada.add_late(&app).await;
        let by_owner = undo(&app.mail().await, A);
        app.pass(DAY + 1);
        let ada = again(&app).await;
        remove(&ada, B).await;
        let by_thief = undo(&app.mail().await, B);
        let done = reset::reset(&app.app, &ada.done.user, None, &[]).await.unwrap();
        for link in [by_thief, by_owner] {
            takes_back(&app, &link).await.fails(404, "link_dead");
        }
        let handle = done.key.unwrap().handle;
        app.client().answer(handle.expose(), json!({ "new_password": OTHER })).await.done();
        assert_eq!(addresses(&app, &ada.done.user).await, [A, C], "{}", app.database());
    }
}

/// Whoever is looked up is called by what they have, not by what was put aside.
#[tokio::test]
async fn somebody_is_not_shown_by_what_they_have_given_up() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        remove(&ada, C).await;
        let found = lookup::find(&app.app, A, true).await.unwrap();
        let shown: Vec<_> = found.users[0].devices.iter().filter_map(|d| d.delivery.as_deref()).collect();
        assert_eq!(shown, [A], "{}", app.database());
        assert!(lookup::find(&app.app, C, true).await.unwrap().users.is_empty());
        assert_ne!(PASSWORD, OTHER);
    }
}
