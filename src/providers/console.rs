//! `console`: prints messages where the server runs; for development.

use std::io::Write;

use async_trait::async_trait;
use serde::Deserialize;

use super::{Outcome, Provider, ProviderKind, Spec};
use crate::base::{Mistake, clock};
use crate::messages::{Channel, Message};

/// Prints a message as a block of text to standard output.
pub const KIND: ProviderKind = ProviderKind {
    name: "console",
    channels: Channel::ALL,
    development_only: true,
    example: r#"{ kind = "console" }"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {}

struct Console;

fn build(spec: &Spec<'_>) -> Result<Box<dyn Provider>, Vec<Mistake>> {
    let Settings {} = spec.read()?;
    Ok(Box::new(Console))
}

#[async_trait]
impl Provider for Console {
    async fn send(&self, message: &Message) -> Outcome {
        match std::io::stdout().lock().write_all(block(message).as_bytes()) {
            Ok(()) => Outcome::Delivered { reference: None },
            Err(error) => Outcome::retry(format!("standard output: {}", error.kind())),
        }
    }

    async fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// The message as a person reads it in a terminal, where no control character may act.
fn block(message: &Message) -> String {
    let Message { at, channel, to, kind, subject, text, .. } = message;
    let subject = subject.as_deref().map(|subject| format!("  {subject}\n")).unwrap_or_default();
    let head = format!("--- {kind} by {channel} to {to}, {}\n{subject}", clock::rfc3339(*at));
    let lines: String = text.expose().lines().map(|line| format!("  | {line}\n")).collect();
    let whole = format!("{head}{lines}---\n");
    whole.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{Kind, Rendered};

    #[test]
    fn a_block_shows_the_message_and_no_control_character() {
        let rendered =
            Rendered { subject: Some("Hello".into()), text: "one\n\u{1b}[2Jtwo".into(), html: None };
        let message = Message::new("m1", 0, Channel::Email, "a@example.com", Kind::SigninCode, rendered);
        let expected = "--- signin_code by email to a@example.com, 1970-01-01T00:00:00Z\n  Hello\n  | one\n  | [2Jtwo\n---\n";
        assert_eq!(block(&message), expected);
    }
}
