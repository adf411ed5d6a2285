//! `ses`: hands mail to Amazon SES (API v2) and reads what it publishes to an SNS topic.
//!
//! The letter goes as raw MIME, the one that `smtp` would send: both parts, no header but ours, `Auto-Submitted`
//! among them. SES puts a Message-ID and Date of its own in their place. Our id travels as the tag `message`, which
//! comes back in events of a configuration set; notifications of an identity alone have only SES's own name.

mod config;
mod events;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::aws::{self, Service};
use super::super::{Answer, Outcome, Provider, ProviderKind, Receipts, Spec};
use super::letter::{Letter, Letterhead};
use crate::base::Mistake;
use crate::messages::{Channel, Message};
use events::Events;

/// Delivers email through Amazon SES.
pub const KIND: ProviderKind = ProviderKind {
    name: "ses",
    channels: &[Channel::Email],
    development_only: false,
    example: r#"{ kind = "ses", region = "eu-central-1", key_id = "AKIAIOSFODNN7EXAMPLE", secret = "…", from = "Example <no-reply@example.com>" }"#,
    build,
};

struct Ses {
    service: Service,
    letterhead: Letterhead,
    configuration_set: Option<String>,
    events: Option<Events>,
}

fn build(spec: &Spec<'_>) -> Result<Box<dyn Provider>, Vec<Mistake>> {
    Ok(Box::new(config::read(spec)?))
}

#[async_trait]
impl Provider for Ses {
    async fn send(&self, message: &Message) -> Outcome {
        let letter = match self.letterhead.compose(message) {
            Ok(letter) => letter,
            Err(why) => return Outcome::give_up(why),
        };
        if letter.is_international() {
            return Outcome::give_up("SES takes no address with letters beyond ASCII");
        }
        let body = self.call(message, &letter).to_string();
        match self.service.post("/v2/email/outbound-emails", "application/json", body).await {
            Ok(answer) if answer.is_success() => match reference(&answer) {
                Some(reference) => Outcome::Delivered { reference: Some(reference) },
                None => answer.unlike("SES"),
            },
            Ok(answer) => self.refusal(&answer),
            Err(outcome) => outcome,
        }
    }

    /// Asks how the account stands. A key that may send and nothing else passes: it was recognized.
    async fn check(&self) -> Result<(), String> {
        let answer =
            self.service.get("/v2/email/account").await.map_err(|outcome| outcome.why().to_owned())?;
        if answer.is_success() {
            return match answer.json::<Account>() {
                Some(Account { sending_enabled: true }) => Ok(()),
                Some(_) => Err("sending is switched off for the account".into()),
                None => Err("does not answer as SES does".into()),
            };
        }
        let code = aws::code(&answer);
        if aws::is_denied(&code) { Ok(()) } else { Err(aws::outcome(&answer, &code).why().to_owned()) }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        self.events.as_ref().map(|events| events as &dyn Receipts)
    }
}

impl Ses {
    fn call(&self, message: &Message, letter: &Letter) -> Value {
        let to: Vec<_> = letter.envelope.to().iter().map(ToString::to_string).collect();
        // No other characters may stand in a tag.
        let tag: String =
            message.id.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        let mut call = json!({
            "FromEmailAddress": self.letterhead.from.email.to_string(),
            "Destination": { "ToAddresses": to },
            "Content": { "Raw": { "Data": STANDARD.encode(&letter.bytes) } },
            "EmailTags": [{ "Name": "message", "Value": tag }],
        });
        if let Some(name) = &self.configuration_set {
            call["ConfigurationSetName"] = json!(name);
        }
        call
    }

    /// What an answer other than a success means. `MessageRejected` is about senders that are not verified, which it
    /// names, and in a new account about recipients; the words are looked at, not repeated.
    fn refusal(&self, answer: &Answer) -> Outcome {
        let words = words(answer);
        match aws::code(answer).as_str() {
            "BadRequest" if about_recipient(&words) => {
                Outcome::give_up("answered 400 to the recipient's address")
            }
            "MessageRejected" if words.contains(&self.letterhead.from.email.to_string().to_lowercase()) => {
                Outcome::misconfigured(format!("answered {} MessageRejected", answer.status))
            }
            "BadRequest" if words.contains("configuration set") => {
                Outcome::misconfigured(format!("answered {} to the configuration set", answer.status))
            }
            code => aws::outcome(answer, code),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    sending_enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Taken {
    message_id: String,
}

/// Its name for a mail that it took.
fn reference(answer: &Answer) -> Option<String> {
    answer.json::<Taken>().map(|taken| taken.message_id).filter(|id| !id.is_empty() && id.len() <= 200)
}

/// What SES says, in small letters.
fn words(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Words {
        #[serde(alias = "Message")]
        message: String,
    }
    answer.json::<Words>().map(|words| words.message.to_lowercase()).unwrap_or_default()
}

/// Whether the words are those that SES has for an address that it cannot use.
fn about_recipient(words: &str) -> bool {
    [
        "missing final '@domain'",
        "illegal address",
        "domain contains",
        "local address contains",
        "invalid recipient",
    ]
    .iter()
    .any(|part| words.contains(part))
}

#[cfg(test)]
mod tests;
