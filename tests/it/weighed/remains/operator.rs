//! What the operator does is the last word, and shows what there is.

use multauth::auth::operator::{self, find, reset};
use multauth::base::clock::{DAY, MINUTE};
use multauth::messages::Kind;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::client::Answer;
use crate::support::person::{OTHER, PASSWORD};
use crate::weighed::thief_plain::{
    A, B, C, ada, addresses, again, by_email, remove, replace, take_back, undo,
};

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
        let done = reset::reset(&app.app, &ada.done.user.as_str().into(), None, &[]).await.unwrap();
        for link in [by_thief, by_owner] {
            takes_back(&app, &link).await.fails(404, "link_dead");
        }
        let handle = done.key.unwrap().handle;
        app.client().answer(handle.expose(), json!({ "new_password": OTHER })).await.done();
        assert_eq!(addresses(&app, &ada.done.user).await, [A, C], "{}", app.database());
    }
}

/// Nor does a reset let the address recover at once that a thief has put in the place of another; whoever lost theirs hears
/// of it.
#[tokio::test]
async fn a_reset_lets_no_late_address_recover() {
    for app in TestApp::each(by_email).await {
        let ada = app.signup(json!({ "email": A, "password": PASSWORD })).await;
        app.pass(MINUTE);
        replace(&app, &ada, A, B).await;
        app.mail().await;
        reset::reset(&app.app, &ada.done.user.as_str().into(), None, &[]).await.unwrap();
        let mut told: Vec<_> = app.mail().await.into_iter().map(|mail| mail.to).collect();
        told.sort();
        assert_eq!(told, [B, A], "{}", app.database());
        app.client().recovery(json!({ "email": B })).await.asks();
        let sent = app.mail().await;
        assert!(sent.iter().all(|mail| mail.kind != Kind::RecoveryCode), "{sent:?}");
    }
}

/// What the operator gave back stands, and an undo takes away what came in its place.
#[tokio::test]
async fn an_undo_works_where_the_operator_gave_the_address_back() {
    for app in TestApp::each(by_email).await {
        let ada = app.signup(json!({ "email": A, "password": PASSWORD })).await;
        app.pass(MINUTE);
        app.mail().await;
        replace(&app, &ada, A, B).await;
        let link = undo(&app.mail().await, A);
        operator::add_identifier(&app.app, &ada.done.user.as_str().into(), "email", A).await.unwrap();
        take_back(&app.client(), &link).await;
        assert_eq!(addresses(&app, &ada.done.user).await, [A], "{}", app.database());
    }
}

/// Whoever is looked up is called by what they have, not by what was put aside.
#[tokio::test]
async fn somebody_is_not_shown_by_what_they_have_given_up() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        remove(&ada, C).await;
        let found = find::find(&app.app, A, true).await.unwrap();
        let shown: Vec<_> = found.users[0].devices.iter().filter_map(|d| d.delivery.as_deref()).collect();
        assert_eq!(shown, [A], "{}", app.database());
        assert!(find::find(&app.app, C, true).await.unwrap().users.is_empty());
    }
}
