//! `twilio` against Twilio's own document of its Messages API.

use multauth::messages::{Channel, Kind};
use multauth::providers::Outcome;

use super::{message, provider, status};
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
