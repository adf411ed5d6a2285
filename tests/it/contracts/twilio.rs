//! `twilio` against Twilio's own document of its Messages API.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use multauth::messages::{Channel, Kind};
use multauth::providers::Outcome;
use multauth::store::deliveries;
use serde_json::json;

use super::{message, provider, status, table};
use crate::support::app::TestApp;
use crate::support::beds;

const AC: &str = "AC00000000000000000000000000000001";
const SK: &str = "SK00000000000000000000000000000002";
const MG: &str = "MG00000000000000000000000000000003";

#[tokio::test]
async fn messages_are_as_twilio_describes_them() {
    let Some(url) = beds::variable("TWILIO_MESSAGES") else { return };
    let token = format!("account_sid = \"{AC}\", auth_token = \"s3cret\"");
    let key = format!("account_sid = \"{AC}\", api_key = \"{SK}\", api_secret = \"s3cret\"");
    for account in [token, key] {
        for sender in ["from = \"+15005550006\"".to_owned(), format!("messaging_service = \"{MG}\"")] {
            let settings = format!("{{ kind = \"twilio\", url = \"{url}\", {account}, {sender} }}");
            let provider = provider(Channel::PHONE, &settings);
            for channel in [Channel::Sms, Channel::Whatsapp] {
                let message = message("6d3c-41", Kind::SigninCode, channel, "+48123456767");
                let outcome = provider.send(&message).await;
                let Outcome::Delivered { reference: Some(reference) } = &outcome else {
                    panic!("{settings}: {outcome:?}")
                };
                assert!(reference.starts_with("SM") && reference.len() == 34, "{reference}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_that_is_not_so_is_refused() {
    let Some(url) = beds::variable("TWILIO_MESSAGES") else { return };
    let messages = format!("{url}/2010-04-01/Accounts/{AC}/Messages.json");
    let good = [("To", "+48123456767"), ("From", "+15005550006"), ("Body", "hello")];
    assert_eq!(status(&messages, Some(AC), &good).await, 201);
    assert_eq!(status(&messages, Some(AC), &good[1..]).await, 422, "no recipient");
    assert_eq!(status(&messages, None, &good).await, 401, "no login");
    let callback = [good[0], good[1], good[2], ("StatusCallback", "not a URL")];
    assert_eq!(status(&messages, Some(AC), &callback).await, 422);
    let service = [good[0], good[2], ("MessagingServiceSid", "MG1")];
    assert_eq!(status(&messages, Some(AC), &service).await, 422);
    assert_eq!(status(&messages.replace(AC, "AC1"), Some("AC1"), &good).await, 422, "no account");
    assert_eq!(status(messages.trim_end_matches(".json"), Some(AC), &good).await, 404);
}

/// Twilio's call about the message of that id, signed by `token`; the status that it is answered with.
async fn report(app: &TestApp, id: &str, token: &str) -> u16 {
    let path = format!("/v1/receipts/twilio?message={id}");
    let sid = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let signed = format!("{}{path}MessageSid{sid}MessageStatusdelivered", app.app.settings.base_url());
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = client
        .post(format!("{}{path}", app.base))
        .header("x-twilio-signature", STANDARD.encode(hmac::sign(&key, signed.as_bytes())))
        .form(&[("MessageStatus", "delivered"), ("MessageSid", sid)]);
    call.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_report_is_stored_where_twilio_signed_it() {
    let Some(url) = beds::variable("TWILIO_MESSAGES") else { return };
    let settings = format!(
        "{{ kind = \"twilio\", url = \"{url}\", account_sid = \"{AC}\", auth_token = \"s3cret\", from = \"Acme\" }}"
    );
    let app = TestApp::new(|to| to.phone.providers = vec![table(&settings)]).await;
    app.client().signup(json!({ "phone": "+12025550123", "hardcode": "4711-0815" })).await.asks();
    app.code().await;
    let id = app.app.inbox.as_ref().unwrap().all()[0].id.clone();
    let found = async || {
        let mut db = app.app.store.read().await.unwrap();
        deliveries::by_id(&mut db, &id).await.unwrap().unwrap()
    };
    let sent = found().await;
    assert_eq!((sent.provider.as_deref(), sent.receipt), (Some("twilio"), None));
    assert_eq!(sent.reference.as_deref(), Some("SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    assert_eq!(report(&app, &id, "guessed").await, 403);
    assert_eq!(found().await.receipt, None);
    assert_eq!(report(&app, &id, "s3cret").await, 204);
    assert_eq!(found().await.receipt.as_deref(), Some("delivered"));
}
