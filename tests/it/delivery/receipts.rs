//! Receipts: what a vendor reports is stored once it is shown to be the vendor's, and acted upon.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use multauth::base::clock::SECOND;
use multauth::store::deliveries::{self, Delivery};
use serde_json::json;

use super::failover::carrier;
use crate::support::app::{TestApp, flows};
use crate::support::client::Client;
use crate::support::vendor::{Does, Vendor};

pub const NUMBER: &str = "+12025550123";
const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub const SID: &str = "SM00000000000000000000000000000001";
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Twilio that takes every text under that name.
pub async fn takes(sid: &str) -> Vendor {
    Vendor::start(Does::Answers(201, json!({ "sid": sid, "status": "queued" }).to_string())).await
}

/// An account there that has 30 seconds to report a delivery.
pub fn twilio_at(name: &str, vendor: &Vendor) -> toml::Table {
    let text = format!(
        "it = {{ kind = \"twilio\", name = \"{name}\", account_sid = \"{ACCOUNT}\", auth_token = \"{TOKEN}\", \
         from = \"+12025550100\", url = \"{}\", receipt_within = \"30s\" }}",
        vendor.url
    );
    toml::from_str::<toml::Table>(&text).unwrap()["it"].as_table().unwrap().clone()
}

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

pub async fn last(app: &TestApp) -> Delivery {
    deliveries::list(&mut app.app.store.read().await.unwrap(), "", 1).await.unwrap().remove(0)
}

async fn report(app: &TestApp, message: &str, status: &str, code: &str, token: &str) -> u16 {
    report_of(app, ("twilio", SID), message, (status, code), token).await
}

/// The call of the status callback of the provider at Twilio that is called so, signed with `token`.
pub async fn report_of(
    app: &TestApp,
    (provider, sid): (&str, &str),
    message: &str,
    (status, code): (&str, &str),
    token: &str,
) -> u16 {
    let path = format!("/v1/receipts/{provider}?message={message}");
    let fields =
        [("AccountSid", ACCOUNT), ("ErrorCode", code), ("MessageSid", sid), ("MessageStatus", status)];
    let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let mut signed = format!("http://localhost:8080{path}");
    fields.iter().for_each(|(name, value)| signed.extend([*name, *value]));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
    let body = fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let call = http.post(format!("{}{path}", app.base)).header("x-twilio-signature", signature);
    let call = call.header("content-type", "application/x-www-form-urlencoded").body(body);
    call.send().await.unwrap().status().as_u16()
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
