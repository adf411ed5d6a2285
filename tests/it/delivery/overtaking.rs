//! Reports, answers and codes that overtake each other: nobody gets a text too many, and the last code is the good one.

use std::sync::Arc;

use multauth::base::clock::SECOND;
use multauth::settings::Settings;
use serde_json::json;
use tokio::sync::Notify;

use crate::support::app::{TestApp, flows};
use crate::support::client::Client;
use crate::support::twilio::{NUMBER, SID, TOKEN, last, report_of, takes, twilio_at};
use crate::support::until;
use crate::support::vendor::{Does, Vendor, carrier};

const OTHER_SID: &str = "SM00000000000000000000000000000002";

fn settings(providers: Vec<toml::Table>) -> impl Fn(&mut Settings) {
    move |settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers = providers.clone();
    }
}

async fn takes_all() -> Vendor {
    Vendor::start(Does::Answers(200, "{}".into())).await
}

async fn begin(app: &TestApp) -> (Client, String) {
    let client = app.client();
    let attempt = client.signup(json!({ "phone": NUMBER })).await.asks().attempt;
    (client, attempt)
}

#[tokio::test]
async fn a_report_that_comes_before_the_answer_is_noted_ends_the_wait_too() {
    let (twilio, other) = (takes(SID).await, takes_all().await);
    let app = TestApp::new(settings(vec![twilio_at("twilio", &twilio), carrier("other", &other, "")])).await;
    begin(&app).await;
    let id = last(&app).await.id;
    assert_eq!(report_of(&app, ("twilio", SID), &id, ("delivered", ""), TOKEN).await, 204);
    app.mail().await;
    app.pass(31 * SECOND);
    app.mail().await;
    assert!(other.bodies().is_empty(), "it has arrived");
    let ended = last(&app).await;
    assert_eq!((ended.state.as_str(), ended.provider.as_deref()), ("sent", Some("twilio")));
}

#[tokio::test]
async fn a_failure_that_is_reported_before_the_answer_is_noted_goes_to_the_next_carrier_at_once() {
    let (twilio, other) = (takes(SID).await, takes_all().await);
    let app = TestApp::new(settings(vec![twilio_at("twilio", &twilio), carrier("other", &other, "")])).await;
    begin(&app).await;
    let id = last(&app).await.id;
    let bell = Arc::new(Notify::new());
    let taken = json!({ "sid": SID, "status": "queued" }).to_string();
    twilio.now(Does::Waits(bell.clone(), 201, taken));
    let meanwhile = async {
        until("Twilio is asked", 2, async || !twilio.bodies().is_empty()).await;
        assert_eq!(report_of(&app, ("twilio", SID), &id, ("failed", "30008"), TOKEN).await, 204);
        bell.notify_one();
    };
    tokio::join!(app.mail(), meanwhile);
    app.mail().await;
    assert_eq!((twilio.bodies().len(), other.bodies().len()), (0, 1));
}

#[tokio::test]
async fn each_carrier_has_its_own_report() {
    let (one, two, other) = (takes(SID).await, takes(OTHER_SID).await, takes_all().await);
    let providers = vec![twilio_at("one", &one), twilio_at("two", &two), carrier("other", &other, "")];
    let app = TestApp::new(settings(providers)).await;
    begin(&app).await;
    app.mail().await;
    let id = last(&app).await.id;
    assert_eq!(report_of(&app, ("one", SID), &id, ("failed", "30008"), TOKEN).await, 204);
    assert_eq!(report_of(&app, ("one", SID), &id, ("failed", "30008"), TOKEN).await, 204, "once more");
    app.mail().await;
    assert_eq!((two.bodies().len(), other.bodies().len()), (1, 0));
    assert_eq!(report_of(&app, ("two", OTHER_SID), &id, ("delivered", ""), TOKEN).await, 204);
    let ended = last(&app).await;
    assert_eq!((ended.state.as_str(), ended.receipt.as_deref()), ("sent", Some("delivered")));
    app.pass(31 * SECOND);
    app.mail().await;
    assert_eq!((two.bodies().len(), other.bodies().len()), (0, 0), "the second one delivered it");
}

#[tokio::test]
async fn a_late_failure_does_not_send_what_is_under_way_already_once_more() {
    let (twilio, other) = (takes(SID).await, Vendor::start(Does::Hangs).await);
    let second = carrier("other", &other, "timeout = \"2s\"");
    let app = TestApp::new(settings(vec![twilio_at("twilio", &twilio), second])).await;
    let again = app.again().await;
    begin(&app).await;
    app.mail().await;
    let id = last(&app).await.id;
    app.pass(30 * SECOND);
    let meanwhile = async {
        let seen = std::cell::Cell::new(0);
        until("the other is asked", 2, async || {
            seen.set(seen.get() + other.bodies().len());
            seen.get() == 1
        })
        .await;
        assert_eq!(report_of(&app, ("twilio", SID), &id, ("failed", "30008"), TOKEN).await, 204);
        again.mail().await;
        assert_eq!(other.bodies().len(), 0, "it is being asked");
    };
    tokio::join!(app.mail(), meanwhile);
}

#[tokio::test]
async fn a_code_that_was_replaced_is_not_sent_any_more() {
    let (one, two) = (takes_all().await, takes_all().await);
    one.now(Does::Answers(500, String::new()));
    let app = TestApp::new(settings(vec![carrier("one", &one, "")])).await;
    let (client, attempt) = begin(&app).await;
    app.mail().await;
    app.pass(61 * SECOND);
    client.post(&format!("/v1/attempts/{attempt}/send"), json!({})).await.asks();
    one.now(Does::Answers(200, "{}".into()));
    one.bodies();
    app.mail().await;
    let texts = one.bodies();
    assert_eq!(texts.len(), 1, "{texts:?}");
    client.passcode(&attempt, texts[0].split(' ').next().unwrap()).await.done();
    assert!(two.bodies().is_empty());
}

#[tokio::test]
async fn a_code_that_was_replaced_does_not_fall_over_to_the_next_carrier() {
    let (twilio, other) = (takes(SID).await, takes_all().await);
    let app = TestApp::new(settings(vec![twilio_at("twilio", &twilio), carrier("other", &other, "")])).await;
    let (client, attempt) = begin(&app).await;
    app.mail().await;
    app.pass(61 * SECOND);
    client.post(&format!("/v1/attempts/{attempt}/send"), json!({})).await.asks();
    app.mail().await;
    assert_eq!((twilio.bodies().len(), other.bodies().len()), (2, 0), "each code once");
}

#[tokio::test]
async fn what_an_instance_with_other_providers_leaves_behind_is_sent_while_this_one_runs() {
    let (one, two) = (takes_all().await, takes_all().await);
    let app = TestApp::new(settings(vec![carrier("one", &one, "")])).await;
    let (stop, running) = app.work();
    let providers = vec![carrier("two", &two, "")];
    let other = app.again_with(|settings| settings.phone.providers = providers.clone()).await;
    let first = begin(&app).await;
    until("it works", 5, async || !one.bodies().is_empty()).await;
    let client = other.client();
    client.signup(json!({ "phone": "+12025550124" })).await.asks();
    app.pass(60 * SECOND);
    until("it is taken over", 5, async || !one.bodies().is_empty()).await;
    stop.notify_waiters();
    running.await.unwrap();
    assert!(two.bodies().is_empty());
    drop(first);
}
