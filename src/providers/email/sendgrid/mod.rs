//! `sendgrid`: hands mail to Twilio SendGrid (Mail Send, API v3) and reads its Event Webhook.
//!
//! Nothing in a mail is rewritten: the tracking of clicks and openings is switched off for each one, whatever the
//! account says, because links carry secrets.

mod config;
mod events;
mod mail;

use async_trait::async_trait;

use super::super::{Answer, Http, Outcome, Provider, ProviderKind, Receipts, Spec};
use super::letter::Letterhead;
use crate::base::{Mistake, Sensitive};
use crate::messages::{Channel, Message};
use events::Events;

/// Delivers email through SendGrid.
pub const KIND: ProviderKind = ProviderKind {
    name: "sendgrid",
    channels: &[Channel::Email],
    development_only: false,
    example: r#"{ kind = "sendgrid", key = "SG.…", from = "Example <no-reply@example.com>" }"#,
    build,
};

/// The right that a key needs.
const SCOPE: &str = "mail.send";

struct SendGrid {
    http: Http,
    base: String,
    key: Sensitive,
    letterhead: Letterhead,
    /// Whether SendGrid only looks at the mails and delivers none.
    sandbox: bool,
    events: Option<Events>,
}

fn build(spec: &Spec<'_>) -> Result<Box<dyn Provider>, Vec<Mistake>> {
    Ok(Box::new(config::read(spec)?))
}

#[async_trait]
impl Provider for SendGrid {
    async fn send(&self, message: &Message) -> Outcome {
        let mail = match mail::compose(&self.letterhead, message, self.sandbox) {
            Ok(mail) => mail,
            Err(why) => return Outcome::give_up(why),
        };
        let url = format!("{}/v3/mail/send", self.base);
        let request = self.http.client().post(url).bearer_auth(self.key.expose()).json(&mail);
        match self.http.call(request).await {
            Ok(answer) if answer.is_success() => self.taken(&answer),
            Ok(answer) => mail::refusal(&answer),
            Err(outcome) => outcome,
        }
    }

    /// Asks what the key may do.
    async fn check(&self) -> Result<(), String> {
        let url = format!("{}/v3/scopes", self.base);
        let request = self.http.client().get(url).bearer_auth(self.key.expose());
        let answer = self.http.call(request).await.map_err(|outcome| outcome.why().to_owned())?;
        if !answer.is_success() {
            return Err(format!("answered {}", answer.status));
        }
        #[derive(serde::Deserialize)]
        struct Scopes {
            scopes: Vec<String>,
        }
        match answer.json::<Scopes>() {
            Some(found) if found.scopes.iter().any(|scope| scope == SCOPE) => Ok(()),
            Some(_) => Err(format!("the key lacks the right {SCOPE}")),
            None => Err("does not answer as SendGrid does".into()),
        }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        self.events.as_ref().map(|events| events as &dyn Receipts)
    }
}

impl SendGrid {
    /// A mail that is taken is answered by 202, one that is only looked at by 200; with a name in the header, which the
    /// document does not promise, and with nothing in the body.
    fn taken(&self, answer: &Answer) -> Outcome {
        let status = answer.status == 202 || self.sandbox && answer.status == 200;
        let reference = reference(answer);
        if status && (reference.is_some() || answer.body.is_empty()) {
            Outcome::Delivered { reference }
        } else {
            answer.unlike("SendGrid")
        }
    }
}

/// Its name for a mail that it took.
fn reference(answer: &Answer) -> Option<String> {
    answer.header("x-message-id").filter(|id| !id.is_empty() && id.len() <= 200).map(str::to_owned)
}

#[cfg(test)]
mod tests;
