//! One message, ready to leave.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Channel, Kind, Rendered, mask_address};
use crate::base::{Millis, Sensitive, clock};

/// A rendered message with its one recipient. Debugging shows neither what it says nor whom it goes to.
///
/// Serialized it is one JSON object with exactly these fields, `at` as RFC 3339: the file provider's line, and what
/// the queue seals. Nothing else may serialize it, for the body carries codes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The message's own id; delivering it twice shows the same one.
    pub id: String,
    /// When it was written.
    #[serde(serialize_with = "write_moment", deserialize_with = "read_moment")]
    pub at: Millis,
    /// How it travels.
    pub channel: Channel,
    /// The one address or number it goes to, canonical.
    pub to: String,
    /// What it is for.
    pub kind: Kind,
    /// The subject, one line; only an email has one.
    pub subject: Option<String>,
    /// The text.
    #[serde(serialize_with = "write_text")]
    pub text: Sensitive,
    /// The same as HTML; only an email has it.
    #[serde(serialize_with = "write_html")]
    pub html: Option<Sensitive>,
    /// The code alone, for services that put it into a text of their own; only where the message shows one. It is in
    /// no line of a file.
    #[serde(skip)]
    pub code: Option<Sensitive>,
}

impl Message {
    /// The message `rendered` for `to`, written at `at`.
    pub fn new(
        id: impl Into<String>,
        at: Millis,
        channel: Channel,
        to: impl Into<String>,
        kind: Kind,
        rendered: Rendered,
    ) -> Self {
        let Rendered { subject, text, html } = rendered;
        Self { id: id.into(), at, channel, to: to.into(), kind, subject, text, html, code: None }
    }

    /// The same with its code beside the text.
    #[must_use]
    pub fn with_code(self, code: Option<Sensitive>) -> Self {
        Self { code, ..self }
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("channel", &self.channel.name())
            .field("to", &mask_address(&self.to))
            .field("kind", &self.kind.name())
            .finish_non_exhaustive()
    }
}

fn write_moment<S: Serializer>(at: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&clock::rfc3339(*at))
}

fn read_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse::<jiff::Timestamp>().map(|t| t.as_millisecond()).map_err(de::Error::custom)
}

fn write_text<S: Serializer>(text: &Sensitive, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text.expose())
}

fn write_html<S: Serializer>(html: &Option<Sensitive>, serializer: S) -> Result<S::Ok, S::Error> {
    html.as_ref().map(Sensitive::expose).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        let rendered = Rendered { subject: None, text: "305118 is your code".into(), html: None };
        Message::new("m1", 1_772_359_200_123, Channel::Sms, "+48123456767", Kind::SigninCode, rendered)
    }

    #[test]
    fn debugging_tells_neither_code_nor_number() {
        let shown = format!("{:?}", message());
        assert!(!shown.contains("305118") && !shown.contains("123456"), "{shown}");
        assert!(shown.contains("m1") && shown.contains("signin_code"), "{shown}");
    }

    #[test]
    fn the_line_has_exactly_its_fields_and_reads_back() {
        let line = serde_json::to_value(message()).unwrap();
        let mut fields: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["at", "channel", "html", "id", "kind", "subject", "text", "to"]);
        assert_eq!(line["at"], "2026-03-01T10:00:00.123Z");
        assert_eq!(line["html"], serde_json::Value::Null);
        assert_eq!(serde_json::from_value::<Message>(line).unwrap(), message());
    }
}
