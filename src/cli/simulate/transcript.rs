//! What happened, as text.

use serde_json::Value;

use crate::messages::Message;
use crate::telemetry::text::plain;

/// How much of an access token is shown: they differ on every run.
const SHOWN: usize = 12;

/// What happened so far.
#[derive(Default)]
pub struct Transcript(String);

impl Transcript {
    /// What is walked.
    pub fn title(&mut self, text: &str) {
        self.0 += &format!("==== {text}\n\n");
    }

    /// A part of the walk.
    pub fn part(&mut self, text: &str) {
        self.0 += &format!("---- {text}\n\n");
    }

    /// A sentence.
    pub fn note(&mut self, text: &str) {
        self.0 += &format!("({text})\n\n");
    }

    /// A request.
    pub fn request(&mut self, line: &str, body: Option<&Value>) {
        self.0 += &format!("> {line}\n");
        self.body(body);
    }

    /// An answer.
    pub fn answer(&mut self, status: &str, body: Option<&Value>) {
        self.0 += &format!("< {status}\n");
        self.body(body.cloned().map(short).as_ref());
    }

    /// A message that was delivered.
    pub fn message(&mut self, message: &Message) {
        self.0 += &format!("* {} to {}\n", message.channel, plain(&message.to));
        let subject = message.subject.as_ref().map(|subject| format!("Subject: {subject}\n\n"));
        let text = subject.unwrap_or_default() + message.text.expose();
        for line in text.trim_end().lines() {
            self.0 += format!("  | {}", plain(line)).trim_end();
            self.0 += "\n";
        }
        self.0 += "\n";
    }

    /// All of it.
    pub fn text(self) -> String {
        self.0
    }

    fn body(&mut self, body: Option<&Value>) {
        if let Some(body) = body {
            self.0 += &format!("{body:#}\n");
        }
        self.0 += "\n";
    }
}

/// An answer whose access token is cut: its signature is made by real chance.
fn short(mut body: Value) -> Value {
    if let Some(Value::String(token)) = body.get_mut("access_token") {
        *token = format!("{}…", token.chars().take(SHOWN).collect::<String>());
    }
    body
}
