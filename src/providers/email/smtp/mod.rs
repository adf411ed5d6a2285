//! `smtp`: hands messages to a mail server of the operator's (RFC 5321, RFC 6409).
//!
//! TLS is required unless the server is this machine or `insecure = true` is said; certificate and name are always
//! verified, and a server that does not offer STARTTLS gets neither the password nor the message (R134).

mod config;
mod relay;
mod verdict;

use async_trait::async_trait;

use super::super::{Outcome, Provider, ProviderKind, Spec};
use super::letter::Letterhead;
use crate::base::Mistake;
use crate::messages::{Channel, Message};
use relay::Relay;

/// Delivers email through an SMTP server.
pub const KIND: ProviderKind = ProviderKind {
    name: "smtp",
    channels: &[Channel::Email],
    development_only: false,
    example: r#"{ kind = "smtp", host = "smtp.example.com", port = 587, tls = "starttls", username = "mailer", password = "…", from = "Example <no-reply@example.com>" }"#,
    build,
};

struct Smtp {
    relay: Relay,
    letterhead: Letterhead,
}

fn build(spec: &Spec<'_>) -> Result<Box<dyn Provider>, Vec<Mistake>> {
    let (relay, letterhead) = config::read(spec)?;
    Ok(Box::new(Smtp { relay, letterhead }))
}

#[async_trait]
impl Provider for Smtp {
    async fn send(&self, message: &Message) -> Outcome {
        let letter = match self.letterhead.compose(message) {
            Ok(letter) => letter,
            Err(why) => return Outcome::give_up(why),
        };
        match self.relay.send(&letter).await {
            Ok(reply) => Outcome::Delivered { reference: verdict::reference(&reply) },
            Err(failure) => verdict::outcome(&failure),
        }
    }

    async fn check(&self) -> Result<(), String> {
        self.relay.check().await.map_err(|failure| verdict::explain(&failure))
    }
}

#[cfg(test)]
mod sink;
#[cfg(test)]
mod tests;
