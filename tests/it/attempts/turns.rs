//! Guesses at one account are looked at one after the other; whoever waits too long for that is told to come again, as
//! by a full line of hashes, whether there is such an account or not.

use std::time::Duration;

use multauth::settings::Span;
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::client::Answer;
use crate::support::person::{OTHER, PASSWORD};

fn told(answer: &Answer) -> (u16, Option<&str>, serde_json::Value) {
    (answer.status, answer.header("retry-after"), answer.json())
}

#[tokio::test]
async fn a_turn_that_does_not_come_is_a_503_for_somebody_as_for_nobody() {
    let by_name = |settings: &mut multauth::settings::Settings| {
        settings.flows = flows(&[&["username", "password"]]);
        settings.password.wait = Span(0);
    };
    for app in TestApp::each(by_name).await {
        let ada = app.named("ada").await;
        let nobody = app.app.subject(&["nobody", "username", "nobody"]);
        let held = [
            app.app.locks.hold(&ada.done.user, Duration::ZERO).await,
            app.app.locks.hold(&nobody, Duration::ZERO).await,
        ];
        assert!(held.iter().all(Option::is_some));
        let signin = async |name: &str, password: &str| {
            app.client().signin(json!({ "username": name, "password": password })).await
        };
        let (somebodys, nobodys) = (signin("ada", PASSWORD).await, signin("nobody", OTHER).await);
        assert_eq!(told(&somebodys), told(&nobodys), "{}", app.database());
        let (status, again, body) = told(&somebodys);
        assert_eq!((status, again, &body["code"]), (503, Some("1"), &json!("busy")), "{somebodys:?}");
        drop(held);
        // It was no guess.
        signin("ada", PASSWORD).await.done();
        signin("nobody", OTHER).await.wrong();
    }
}
