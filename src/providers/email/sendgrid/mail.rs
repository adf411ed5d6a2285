//! A mail as SendGrid takes it (`POST /v3/mail/send`), and what a refusal of it means.

use std::time::Duration;

use lettre::message::Mailbox;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::letter::{self, Letterhead};
use crate::base::{Clock, clock};
use crate::messages::{Message, clean};
use crate::outbound::http::LONGEST_WAIT;
use crate::providers::{Answer, Outcome};

/// The body of the call; the error says why the message's address cannot be written to.
pub(super) fn compose(head: &Letterhead, message: &Message, sandbox: bool) -> Result<Value, &'static str> {
    let to = letter::recipient(&message.to)?;
    let mut mail = json!({
        // The document has an object of `custom_args` here, and a string one level up.
        "personalizations": [{ "to": [{ "email": to.to_string() }], "custom_args": { "message": message.id } }],
        "from": person(&head.from),
        "subject": clean::line(message.subject.as_deref().unwrap_or_default()),
        "content": content(message),
        // The id stays the same for every attempt, so that a mailbox can tell a repetition; RFC 3834 keeps
        // vacation responders quiet.
        "headers": { "Message-ID": head.message_id(&message.id), "Auto-Submitted": "auto-generated" },
        "tracking_settings": {
            "click_tracking": { "enable": false, "enable_text": false },
            "open_tracking": { "enable": false },
            "subscription_tracking": { "enable": false },
        },
    });
    if let Some(reply_to) = &head.reply_to {
        mail["reply_to"] = person(reply_to);
    }
    if sandbox {
        mail["mail_settings"] = json!({ "sandbox_mode": { "enable": true } });
    }
    Ok(mail)
}

fn person(mailbox: &Mailbox) -> Value {
    let email = mailbox.email.to_string();
    match &mailbox.name {
        Some(name) => json!({ "email": email, "name": name }),
        None => json!({ "email": email }),
    }
}

/// Plain text goes first: SendGrid refuses another order.
fn content(message: &Message) -> Vec<Value> {
    let mut parts = vec![json!({ "type": "text/plain", "value": message.text.expose() })];
    parts.extend(message.html.iter().map(|html| json!({ "type": "text/html", "value": html.expose() })));
    parts
}

#[derive(Deserialize)]
struct Refusal {
    errors: Vec<Complaint>,
}

#[derive(Deserialize)]
struct Complaint {
    field: Option<String>,
}

/// What an answer other than a success means. Of the body only the names of fields are looked at.
pub(super) fn refusal(answer: &Answer) -> Outcome {
    match answer.status {
        400 if about_recipient(answer) => Outcome::give_up("answered 400 to the recipient's address"),
        400 if about_us(answer) => Outcome::misconfigured("answered 400 to what stands in every mail"),
        429 => {
            Outcome::Retry { why: "answered 429".into(), after: answer.retry_after.or_else(|| wait(answer)) }
        }
        _ => answer.refusal(),
    }
}

/// Whether nothing but the address is objected to, such as `personalizations.0.to.0.email`.
fn about_recipient(answer: &Answer) -> bool {
    let of_recipient = |field: &str| {
        let mut parts = field.split('.');
        parts.next() == Some("personalizations")
            && parts.any(|part| part == "to")
            && field.ends_with(".email")
    };
    answer.json::<Refusal>().is_some_and(|refusal| {
        !refusal.errors.is_empty()
            && refusal.errors.iter().all(|error| error.field.as_deref().is_some_and(of_recipient))
    })
}

/// Whether a field is objected to that is neither of the recipient nor what a mail says.
fn about_us(answer: &Answer) -> bool {
    let ours = |field: &str| {
        let first = field.split('.').next();
        !field.starts_with("personalizations.0.to.") && !matches!(first, Some("null" | "content" | "subject"))
    };
    answer
        .json::<Refusal>()
        .is_some_and(|refusal| refusal.errors.iter().any(|error| error.field.as_deref().is_some_and(ours)))
}

/// How long until the limit is lifted: `X-RateLimit-Reset` is a moment, in seconds since the epoch.
fn wait(answer: &Answer) -> Option<Duration> {
    let reset: i64 = answer.header("x-ratelimit-reset")?.trim().parse().ok()?;
    let seconds = clock::seconds_until(Clock::System.now(), reset.checked_mul(clock::SECOND)?);
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}
