//! A provider that is down lowers nothing: what is asked stays, and whoever has proven something is told that it is
//! late.

use multauth::base::clock::{MINUTE, SECOND};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::person::PASSWORD;

const MAIL: &str = "ada@example.org";
const NUMBER: &str = "+12124567890";

#[tokio::test]
async fn a_code_whose_providers_are_down_is_asked_all_the_same_and_said_to_be_late() {
    for app in TestApp::each(|s| s.flows = flows(&[&["email", "password", "passcode"]])).await {
        let ada = app.signup(json!({ "email": MAIL, "password": PASSWORD })).await;
        ada.add(&app, "phone", NUMBER).await;
        for (down, delayed) in [(false, Value::Null), (true, json!(true))] {
            for entry in app.app.routes.all().iter().filter(|_| down) {
                for _ in 0..5 {
                    entry.breaker.failed(app.clock.now());
                }
            }
            let asked = app.client().signin(json!({ "email": MAIL, "password": PASSWORD })).await.asks();
            let of = |name: &str| asked.ask[0][name].clone();
            assert_eq!((asked.ask.len(), of("channel"), of("delayed")), (1, json!("sms"), delayed), "{down}");
            app.pass(MINUTE + SECOND);
            app.mail().await;
        }
        let stranger = app.client().recovery(json!({ "email": MAIL })).await.asks();
        assert_eq!(stranger.ask[0]["delayed"], Value::Null, "nobody is told before a proof");
    }
}
