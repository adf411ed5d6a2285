//! Who a message is from and to, and the message as RFC 5322 bytes with its envelope: one sender, one recipient.

use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::messages::{Message, clean};

/// Who the letters of one provider come from.
pub(super) struct Letterhead {
    /// The sender, in the header and in the envelope.
    pub(super) from: Mailbox,
    /// Where answers go, when not to the sender.
    pub(super) reply_to: Option<Mailbox>,
}

/// Bytes ready for `DATA`.
pub(super) struct Letter {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

impl Letter {
    /// Whether the recipient's local part goes beyond ASCII, which a server need not take (RFC 6531).
    pub(super) fn is_international(&self) -> bool {
        !self.envelope.to().iter().all(|to| to.user().is_ascii())
    }
}

impl Letterhead {
    /// Composes `message`; the error says why its address cannot be written to.
    pub(super) fn compose(&self, message: &Message) -> Result<Letter, String> {
        let to = recipient(&message.to)?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.clone()]);
        let mut builder = lettre::Message::builder()
            .envelope(envelope.map_err(|_| "the address cannot stand in an envelope")?)
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(date(message.at))
            .subject(clean::line(message.subject.as_deref().unwrap_or_default()))
            .message_id(Some(self.message_id(&message.id)))
            .raw_header(automatic());
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        let text = message.text.expose().to_owned();
        let built = match &message.html {
            Some(html) => {
                builder.multipart(MultiPart::alternative_plain_html(text, html.expose().to_owned()))
            }
            None => builder.singlepart(SinglePart::plain(text)),
        };
        let built = built.map_err(|_| "the message cannot be composed")?;
        Ok(Letter { envelope: built.envelope().clone(), bytes: built.formatted() })
    }

    /// The same for every attempt, so that a mailbox can tell a repetition.
    pub(super) fn message_id(&self, id: &str) -> String {
        let id: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        format!("<{id}@{}>", self.from.email.domain())
    }
}

/// Tells vacation responders to keep quiet (RFC 3834).
fn automatic() -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned())
}

fn date(at: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(at.max(0).unsigned_abs())
}

/// One plain address; quoted local parts, lists, routes and anything invisible are refused (R131).
pub(super) fn recipient(text: &str) -> Result<Address, &'static str> {
    let marks = ['"', '<', '>', '(', ')', '[', ']', ',', ';', ':', '\\', ' '];
    let plain = clean::line(text) == text && !text.contains(marks);
    let address = plain.then(|| text.parse().ok()).flatten();
    let address = address.and_then(|address| ascii_domain(&address));
    address.ok_or("the address is not one that mail can be sent to")
}

/// A sender as an operator writes it, such as `Example <no-reply@example.com>`.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, String> {
    let wrong = || "is not an address such as \"Example <no-reply@example.com>\"".to_owned();
    if clean::line(text) != text {
        return Err(wrong());
    }
    let mailbox: Mailbox = text.parse().map_err(|_| wrong())?;
    let email = ascii_domain(&mailbox.email).ok_or_else(wrong)?;
    Ok(Mailbox::new(mailbox.name, email))
}

/// The address with its domain as the DNS has it (RFC 5890).
fn ascii_domain(address: &Address) -> Option<Address> {
    let domain = idna::domain_to_ascii(address.domain()).ok()?;
    Address::new(address.user(), domain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{Channel, Kind, Rendered};

    fn letterhead() -> Letterhead {
        Letterhead { from: "Acme <no-reply@example.com>".parse().unwrap(), reply_to: None }
    }

    fn message(to: &str, subject: &str) -> Message {
        let rendered = Rendered {
            subject: Some(subject.into()),
            text: "Your code\n.\nQUIT\n".into(),
            html: Some("<p>Your code</p>".into()),
        };
        Message::new("6d3c-1", 1_772_359_200_000, Channel::Email, to, Kind::SigninCode, rendered)
    }

    /// The header lines, unfolded.
    fn headers(letter: &Letter) -> Vec<String> {
        let text = String::from_utf8(letter.bytes.clone()).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        head.split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn the_headers_are_those_and_no_others() {
        let letter = letterhead().compose(&message("a@example.org", "Your code")).unwrap();
        let names: Vec<_> =
            headers(&letter).iter().map(|h| h.split(':').next().unwrap().to_owned()).collect();
        let expected =
            ["From", "To", "Date", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"];
        assert_eq!(names, expected);
        let all = headers(&letter).join("\n");
        assert!(all.contains("Message-ID: <6d3c-1@example.com>"), "{all}");
        assert!(all.contains("Date: Sun, 01 Mar 2026 10:00:00"), "{all}");
        assert!(all.contains("multipart/alternative"), "{all}");
    }

    #[test]
    fn no_subject_adds_a_header() {
        let plain = headers(&letterhead().compose(&message("a@example.org", "x")).unwrap()).len();
        for end in ["\r\n", "\n", "\r", "\0", "\u{2028}", "\u{85}", "\r\n\r\n", "\n ", "=?utf-8?q?=0d=0a?="] {
            let subject = format!("x{end}Bcc: b@example.org{end}{end}body");
            let letter = letterhead().compose(&message("a@example.org", &subject)).unwrap();
            let found = headers(&letter);
            assert_eq!(found.len(), plain, "{end:?}: {found:?}");
            assert!(!found.iter().any(|header| header.starts_with("Bcc")), "{found:?}");
            assert!(!found.iter().any(|header| header.contains("=?utf-8?q?=0d")), "{found:?}");
        }
    }

    #[test]
    fn an_address_is_one_plain_address_or_refused() {
        let letter = letterhead().compose(&message("a@bücher.example", "x")).unwrap();
        let to: Vec<_> = letter.envelope.to().iter().map(ToString::to_string).collect();
        assert_eq!(to, ["a@xn--bcher-kva.example"]);
        for bad in [
            "a@example.org\r\nRCPT TO:<b@example.org>",
            "a@example.org, b@example.org",
            "a@example.org b@example.org",
            "<a@example.org>",
            "\"a\\\r\n\"@example.org",
            "\"a b\"@example.org",
            "a@example.org\0",
            "a@example.org\u{2028}",
            "a@[127.0.0.1]",
            "=?utf-8?q?a?=@example.org",
            "a",
            "",
        ] {
            assert!(letterhead().compose(&message(bad, "x")).is_err(), "{bad:?}");
        }
    }
}
