//! `ses` and `sns` against moto, which checks signatures and permissions as Amazon does and keeps what was sent.

use std::sync::Arc;

use multauth::messages::{Channel, Kind, Message};
use multauth::providers::{Outcome, Provider};
use serde_json::{Value, json};

use super::{message, provider};
use crate::support::beds;

struct Aws {
    url: String,
    key: String,
    secret: String,
}

impl Aws {
    /// Where there is one.
    fn start() -> Option<Self> {
        let (url, key) = (beds::variable("AWS")?, beds::variable("AWS_KEY")?);
        Some(Self { url, key, secret: beds::variable("AWS_SECRET")? })
    }

    fn provider(&self, kind: &str, channel: Channel, more: &str) -> Arc<dyn Provider> {
        self.with(kind, channel, (&self.key, &self.secret), more)
    }

    fn with(&self, kind: &str, channel: Channel, keys: (&str, &str), more: &str) -> Arc<dyn Provider> {
        let ((key, secret), url) = (keys, &self.url);
        let settings = format!(
            "{{ kind = \"{kind}\", url = \"{url}\", region = \"us-east-1\", key_id = \"{key}\", \
             secret = \"{secret}\", timeout = \"5s\"{more} }}"
        );
        provider(&[channel], &settings)
    }

    /// What was sent by one service.
    async fn sent(&self, service: &str, list: &str) -> Value {
        let all = reqwest::get(format!("{}/moto-api/data.json", self.url)).await.unwrap();
        let all: Value = serde_json::from_slice(&all.bytes().await.unwrap()).unwrap();
        all[service][list].clone()
    }
}

const SENDER: &str = ", from = \"Acme <no-reply@example.org>\"";

fn mail_for(to: &str) -> Message {
    message("6d3c-41", Kind::SigninCode, Channel::Email, to)
}

fn text_for(to: &str) -> Message {
    message("6d3c-42", Kind::SigninCode, Channel::Sms, to)
}

fn taken(outcome: Outcome) -> String {
    match outcome {
        Outcome::Delivered { reference: Some(reference) } => reference,
        other => panic!("{other:?}"),
    }
}

/// The reason for the operator.
fn misconfigured(outcome: Outcome) -> String {
    match outcome {
        Outcome::Misconfigured { why } => why,
        other => panic!("{other:?}"),
    }
}

/// A wrong secret and an unknown key, each with the code that Amazon has for it.
async fn strangers_are_told_apart(aws: &Aws, kind: &str, channel: Channel, message: &Message) {
    let unknown = "AKIAIOSFODNN7EXAMPLE";
    for (keys, code) in [
        ((aws.key.as_str(), "wrong"), "SignatureDoesNotMatch"),
        ((unknown, aws.secret.as_str()), "InvalidClientTokenId"),
    ] {
        let stranger = aws.with(kind, channel, keys, "");
        assert_eq!(misconfigured(stranger.send(message).await), format!("answered 403 {code}"));
    }
}

#[tokio::test]
async fn ses_takes_the_letter_as_it_is() {
    let Some(aws) = Aws::start() else { return };
    let reference =
        taken(aws.provider("ses", Channel::Email, SENDER).send(&mail_for("ses@example.org")).await);
    let sent = aws.sent("ses", "RawMessage").await;
    let sent = sent.as_array().unwrap().iter().find(|it| it["id"] == reference.as_str()).unwrap().to_string();
    for part in
        ["no-reply@example.org", "ses@example.org", "305118", "text/plain", "text/html", "auto-generated"]
    {
        assert!(sent.contains(part), "{part}: {sent}");
    }
}

#[tokio::test]
async fn ses_refuses_a_sender_that_nobody_verified() {
    let Some(aws) = Aws::start() else { return };
    let stranger = aws.provider("ses", Channel::Email, ", from = \"no-reply@stranger.example\"");
    let why = misconfigured(stranger.send(&mail_for("a@example.org")).await);
    assert_eq!(why, "answered 400 MessageRejected");
}

#[tokio::test]
async fn ses_knows_its_own_keys() {
    let Some(aws) = Aws::start() else { return };
    strangers_are_told_apart(&aws, "ses", Channel::Email, &mail_for("a@example.org")).await;
}

#[tokio::test]
async fn sns_takes_a_text_for_a_number() {
    let Some(aws) = Aws::start() else { return };
    let more = ", sender_id = \"Acme\", max_price = 0.5, origination_number = \"+12065550100\"";
    let message = text_for("+12025550141");
    let reference = taken(aws.provider("sns", Channel::Sms, more).send(&message).await);
    let sent = aws.sent("sns", "SMS").await;
    let sent = sent.as_array().unwrap().iter().find(|it| it["message_id"] == reference.as_str()).unwrap();
    assert_eq!(
        (&sent["phone_number"], &sent["message"]),
        (&json!(message.to), &json!(message.text.expose()))
    );
}

#[tokio::test]
async fn sns_gives_up_what_is_no_number() {
    let Some(aws) = Aws::start() else { return };
    let outcome = aws.provider("sns", Channel::Sms, "").send(&text_for("abc")).await;
    assert!(matches!(outcome, Outcome::GiveUp { .. }), "{outcome:?}");
}

#[tokio::test]
async fn sns_knows_its_own_keys() {
    let Some(aws) = Aws::start() else { return };
    strangers_are_told_apart(&aws, "sns", Channel::Sms, &text_for("+12025550142")).await;
    // The right one may send and nothing else, which shows that it is the right one.
    assert_eq!(aws.provider("sns", Channel::Sms, "").check().await, Ok(()));
    let wrong = aws.with("sns", Channel::Sms, (&aws.key, "wrong"), "");
    assert_eq!(wrong.check().await, Err("answered 403 SignatureDoesNotMatch".into()));
}
