//! `sendgrid` against Prism, which holds each call to SendGrid's own OpenAPI document.

use std::sync::Arc;

use multauth::messages::{Channel, Kind, Message};
use multauth::providers::{Outcome, Provider};
use serde_json::{Value, json};

use super::{message, provider};
use crate::support::beds;

fn sendgrid(url: &str, more: &str) -> Arc<dyn Provider> {
    let settings =
        format!("{{ kind = \"sendgrid\", url = \"{url}\", key = \"SG.key\", timeout = \"5s\"{more} }}");
    provider(&[Channel::Email], &settings)
}

fn code_for(to: &str) -> Message {
    message("6d3c-41", Kind::SigninCode, Channel::Email, to)
}

/// The status that the mock answers `mail` with.
async fn status(url: &str, key: Option<&str>, mail: &Value) -> u16 {
    let mut request = reqwest::Client::new().post(format!("{url}/v3/mail/send")).json(mail);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_mail_is_one_that_the_document_allows() {
    let Some(url) = beds::variable("SENDGRID") else { return };
    for more in ["", ", from = \"Acmé <a@example.com>\", reply_to = \"help@example.com\", sandbox = true"] {
        let outcome = sendgrid(&url, more).send(&code_for("a@example.org")).await;
        assert_eq!(outcome, Outcome::Delivered { reference: None }, "{more}");
    }
}

#[tokio::test]
async fn what_the_document_forbids_is_refused_here_too() {
    let Some(url) = beds::variable("SENDGRID") else { return };
    let good = json!({
        "personalizations": [{ "to": [{ "email": "a@example.org" }] }],
        "from": { "email": "no-reply@example.com" },
        "subject": "Your code",
        "content": [{ "type": "text/plain", "value": "305118" }],
        "tracking_settings": { "click_tracking": { "enable": false } },
    });
    assert_eq!(status(&url, Some("SG.key"), &good).await, 202);
    assert_eq!(status(&url, None, &good).await, 401);
    for (path, wrong) in [
        ("/personalizations", json!([{}])),
        ("/personalizations/0/to/0/email", json!("nobody")),
        ("/from/email", json!("nobody")),
        ("/subject", json!("")),
        ("/content/0", json!({ "type": "text/plain" })),
        ("/tracking_settings/click_tracking/enable", json!("no")),
    ] {
        let mut mail = good.clone();
        *mail.pointer_mut(path).unwrap() = wrong;
        let status = status(&url, Some("SG.key"), &mail).await;
        assert!((400..=422).contains(&status), "{path}: {status}");
    }
}
