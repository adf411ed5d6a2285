//! Delivered messages, read as strictly as a program may: a code or link that does not stand where it
//! belongs is a failure, not something to look for elsewhere.

use multauth::messages::{Channel, Kind, Message};

/// A delivered message.
#[derive(Clone, Debug)]
pub struct Mail {
    /// How it came.
    pub channel: Channel,
    /// Where it came.
    pub to: String,
    /// What it is for.
    pub kind: Kind,
    /// Its code, where the kind carries one.
    pub code: Option<String>,
    /// The key of its link, where it has one.
    pub key: Option<String>,
    /// The whole text.
    pub text: String,
}

impl Mail {
    /// Reads a message.
    pub fn read(message: &Message) -> Self {
        let text = message.text.expose().to_owned();
        let code =
            (message.kind.carries_code() && !message.kind.is_undo()).then(|| code(message.channel, &text));
        let key = if message.channel == Channel::Email { key(&text) } else { None };
        let linked = message.kind.carries_code() && message.channel == Channel::Email;
        assert_eq!(key.is_some(), linked, "{text}");
        let (channel, to, kind) = (message.channel, message.to.clone(), message.kind);
        Self { channel, to, kind, code, key, text }
    }

    /// Its code.
    #[track_caller]
    pub fn code(&self) -> &str {
        self.code.as_deref().unwrap_or_else(|| panic!("no code: {self:?}"))
    }

    /// The key of its link.
    #[track_caller]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_else(|| panic!("no link: {self:?}"))
    }
}

/// The code: alone on the one indented line of an email; at the beginning of a text message, and once more
/// at the end of its last line, bound to the origin.
pub fn code(channel: Channel, text: &str) -> String {
    let code = match channel {
        Channel::Email => {
            let indented: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("    ")).collect();
            assert_eq!(indented.len(), 1, "one indented line: {text}");
            indented[0].to_owned()
        }
        Channel::Sms => {
            let first = text.split(' ').next().unwrap().to_owned();
            assert_eq!(text.lines().last().unwrap(), format!("@localhost #{first}"), "{text}");
            first
        }
        Channel::Call => text.split(" is ").next().unwrap().replace(", ", ""),
        Channel::Whatsapp => text.split(' ').next().unwrap().to_owned(),
    };
    let digits = code.len() >= 6 && code.bytes().all(|b| b.is_ascii_digit());
    let long = code.len() >= 13 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    assert!(digits || long, "a code: {code:?} in {text}");
    code
}

/// The key: what follows the address of the page that confirms, alone on its line.
fn key(text: &str) -> Option<String> {
    let links: Vec<&str> = text.lines().filter(|line| line.contains("://")).collect();
    assert!(links.len() <= 1, "one link at most: {text}");
    let key = links.first()?.strip_prefix("http://localhost:8080/confirm/").expect(text);
    let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    assert!(key.len() >= 22 && plain, "a key of at least 128 bits: {text}");
    Some(key.to_owned())
}

/// A code of the same length that is not this one; every `n` below 10 gives another.
pub fn wrong(code: &str, n: u32) -> String {
    let last = code.chars().last().unwrap().to_digit(10).unwrap();
    let other = (last + 1 + n % 9) % 10;
    format!("{}{other}", &code[..code.len() - 1])
}
