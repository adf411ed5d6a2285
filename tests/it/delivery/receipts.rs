//! Receipts: what a vendor reports is stored once it is shown to be the vendor's, and acted upon.

use multauth::base::clock::SECOND;
use multauth::store::deliveries::Delivery;
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::client::Client;
use crate::support::twilio::{NUMBER, SID, TOKEN, last, report_of, takes, twilio_at};
use crate::support::vendor::{Does, Vendor, carrier};

/// Twilio with a receipt due within 30 seconds, and another carrier behind it.
async fn twilio_first() -> (TestApp, Vendor, Vendor) {
    let (twilio, other) = (takes(SID).await, Vendor::start(Does::Answers(200, "{}".into())).await);
    let providers = vec![twilio_at("twilio", &twilio), carrier("other", &other, "")];
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers = providers.clone();
    })
    .await;
    (app, twilio, other)
}

async fn text(app: &TestApp) -> (Client, String, Delivery) {
    let client = app.client();
    let attempt = client.signup(json!({ "phone": NUMBER })).await.asks().attempt;
    app.mail().await;
    (client, attempt, last(app).await)
}

async fn report(app: &TestApp, message: &str, status: &str, code: &str, token: &str) -> u16 {
    report_of(app, ("twilio", SID), message, (status, code), token).await
}

#[tokio::test]
async fn a_delivery_is_stored_and_ends_the_wait() {
    let (app, _twilio, other) = twilio_first().await;
    let (_, _, sent) = text(&app).await;
    assert_eq!(
        (sent.state.as_str(), sent.provider.as_deref(), sent.receipt),
        ("queued", Some("twilio"), None)
    );
    assert_eq!(report(&app, &sent.id, "sent", "", TOKEN).await, 204);
    assert_eq!(last(&app).await.receipt.as_deref(), Some("underway"));
    assert_eq!(report(&app, &sent.id, "delivered", "", TOKEN).await, 204);
    let ended = last(&app).await;
    assert_eq!((ended.state.as_str(), ended.receipt.as_deref()), ("sent", Some("delivered")));
    app.pass(60 * SECOND);
    app.mail().await;
    assert!(other.bodies().is_empty(), "nobody else is asked");
    assert_eq!(report(&app, &sent.id, "failed", "30008", TOKEN).await, 204);
    assert_eq!(last(&app).await.receipt.as_deref(), Some("delivered"), "the first final report stays");
}

#[tokio::test]
async fn a_report_that_nobody_signed_or_somebody_else_did_is_refused_and_changes_nothing() {
    let (app, _twilio, _other) = twilio_first().await;
    let (_, _, sent) = text(&app).await;
    assert_eq!(report(&app, &sent.id, "delivered", "", "another token").await, 403);
    let client = app.client();
    let unsigned = client.post(&format!("/v1/receipts/twilio?message={}", sent.id), json!({})).await;
    assert_eq!(unsigned.status, 403);
    assert_eq!(client.post("/v1/receipts/nobody", json!({})).await.status, 404);
    assert_eq!(client.post("/v1/receipts/other", json!({})).await.status, 404, "it reads no receipts");
    assert_eq!(last(&app).await.receipt, None);
}

#[tokio::test]
async fn without_a_receipt_in_time_the_next_carrier_sends_the_same_code() {
    let (app, twilio, other) = twilio_first().await;
    let (client, attempt, _) = text(&app).await;
    app.pass(29 * SECOND);
    app.mail().await;
    assert!(other.bodies().is_empty(), "it has half a minute");
    app.pass(SECOND);
    app.mail().await;
    let texts = other.bodies();
    assert_eq!((twilio.bodies().len(), texts.len()), (1, 1));
    let code = texts[0].split(' ').next().unwrap();
    client.passcode(&attempt, code).await.done();
}

#[tokio::test]
async fn a_reported_failure_goes_to_the_next_carrier_at_once() {
    let (app, _twilio, other) = twilio_first().await;
    let (_, _, sent) = text(&app).await;
    assert_eq!(report(&app, &sent.id, "undelivered", "30008", TOKEN).await, 204);
    app.mail().await;
    assert_eq!(other.bodies().len(), 1);
    assert_eq!(last(&app).await.provider.as_deref(), Some("other"));
}

#[tokio::test]
async fn a_code_that_was_typed_needs_no_receipt() {
    let (app, twilio, other) = twilio_first().await;
    let (client, attempt, _) = text(&app).await;
    let body = twilio.bodies().remove(0);
    let fields: std::collections::HashMap<String, String> =
        url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let code = fields["Body"].split(' ').next().unwrap().to_owned();
    client.passcode(&attempt, &code).await.done();
    app.pass(31 * SECOND);
    app.mail().await;
    assert!(other.bodies().is_empty(), "it arrived");
    assert_eq!(last(&app).await.state, "sent");
}

#[tokio::test]
async fn a_number_that_nobody_can_be_reached_at_marks_its_device() {
    let (app, _twilio, _other) = twilio_first().await;
    let (client, attempt, sent) = text(&app).await;
    let code = _twilio.bodies().remove(0);
    let fields: std::collections::HashMap<String, String> =
        url::form_urlencoded::parse(code.as_bytes()).into_owned().collect();
    let done = client.passcode(&attempt, fields["Body"].split(' ').next().unwrap()).await.done();
    assert_eq!(report(&app, &sent.id, "delivered", "", TOKEN).await, 204);
    app.pass(120 * SECOND);
    let asked = app.client().signin(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    let second = last(&app).await;
    assert_eq!(report(&app, &second.id, "undelivered", "30005", TOKEN).await, 204);
    let me = client.bearing(&done.access);
    let device = me.get("/v1/me/devices").await.json();
    assert!(device.to_string().contains("failing_since"), "{device}");
    assert_eq!(last(&app).await.state, "failed");
    drop(asked);
}

#[tokio::test]
async fn a_callback_may_be_longer_than_other_requests_but_not_without_end() {
    let (app, _twilio, _other) = twilio_first().await;
    for (kib, status) in [(700, 403), (1_100, 413)] {
        let body = "a".repeat(kib * 1024);
        for (path, status) in [("/v1/receipts/twilio", status), ("/v1/signin", 413)] {
            assert_eq!(app.client().raw("POST", path, Some(&body)).await.status, status, "{path} {kib}");
        }
    }
}
