//! Delivered messages, read as strictly as a program may: a code or link that does not stand where it
//! belongs is a failure, not something to look for elsewhere.

use multauth::messages::{Catalogue, Channel, Code, Context, Kind, Message, Recent, Sender};

/// A delivered message.
#[derive(Clone, Debug)]
pub struct Mail {
    /// How it came.
    pub channel: Channel,
    /// Where it came.
    pub to: String,
    /// What it is for.
    pub kind: Kind,
    /// Its code, where the kind carries one, or the message an undo.
    pub code: Option<String>,
    /// The key of its link, where it has one.
    pub key: Option<String>,
    /// The keys and codes with which what was added lately is taken back.
    pub recent: Vec<(String, String)>,
    /// The whole text.
    pub text: String,
}

impl Mail {
    /// Reads a message.
    pub fn read(message: &Message) -> Self {
        let text = message.text.expose().to_owned();
        let (channel, to, kind) = (message.channel, message.to.clone(), message.kind);
        let (mut key, mut code, mut recent) = (None, None, Vec::new());
        if kind.carries_code() {
            code = Some(self::code(channel, &text));
            key = linked(channel, &text);
            assert_eq!(key.is_some(), channel == Channel::Email, "{text}");
        } else if kind.may_be_undone() {
            (key, code) = undo(channel, &text).unzip();
        } else if kind == Kind::RecoveryDone && channel == Channel::Email {
            recent = text.lines().filter(|line| line.contains("://")).map(added).collect();
        } else {
            assert!(!text.contains("://"), "no link: {text}");
        }
        let alone = usize::from(channel == Channel::Email && code.is_some());
        assert_eq!(indented(&text).len(), alone, "{text}");
        Self { channel, to, kind, code, key, recent, text }
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

    /// The key and the code with which what it tells is taken back.
    pub fn undo(&self) -> Option<(&str, &str)> {
        self.key.as_deref().zip(self.code.as_deref()).filter(|_| self.kind.may_be_undone())
    }
}

/// The code: alone on the one indented line of an email; at the beginning of a text message, and once more
/// at the end of its last line, bound to the origin.
pub fn code(channel: Channel, text: &str) -> String {
    let code = match channel {
        Channel::Email => {
            let indented = indented(text);
            assert_eq!(indented.len(), 1, "one indented line: {text}");
            indented[0].to_owned()
        }
        Channel::Sms => {
            let first = text.split(' ').next().unwrap().to_owned();
            assert_eq!(text.lines().last().unwrap(), format!("@localhost #{first}"), "{text}");
            first
        }
        Channel::Call => {
            let spoken = |words: &&str| words.ends_with(',');
            let last = text.split(' ').find(|words| !spoken(words)).unwrap();
            text.split(' ').take_while(spoken).chain([last]).collect::<String>().replace(',', "")
        }
        Channel::Whatsapp => text.split(' ').next().unwrap().to_owned(),
    };
    sound(&code, text)
}

fn indented(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("    ")).collect()
}

fn sound(code: &str, text: &str) -> String {
    let digits = code.len() >= 6 && code.bytes().all(|b| b.is_ascii_digit());
    let long = code.len() >= 13 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    assert!(digits || long, "a code: {code:?} in {text}");
    code.to_owned()
}

/// The key and the code of an undo: in an email each alone on its line, in a text message at its end. Either both are
/// there or neither.
fn undo(channel: Channel, text: &str) -> Option<(String, String)> {
    match channel {
        Channel::Email => linked(channel, text).map(|key| (key, code(channel, text))),
        Channel::Sms | Channel::Whatsapp => {
            let (_, link) = text.split_once(" http")?;
            let (link, code) = link.split_once(", code ").expect(text);
            Some((key(&format!("http{link}"), text), sound(code, text)))
        }
        Channel::Call => {
            assert!(!text.contains("://"), "{text}");
            None
        }
    }
}

/// Something that was added lately, as in `- b•••@example.org, 1 March 2026, 10:00 UTC. Not yours? LINK (code 305118)`.
fn added(line: &str) -> (String, String) {
    let (said, rest) = line.split_once(" Not yours? ").expect(line);
    assert!(said.starts_with("- ") && said.ends_with('.'), "{line}");
    let (link, code) = rest.strip_suffix(')').and_then(|rest| rest.split_once(" (code ")).expect(line);
    (key(link, line), sound(code, line))
}

/// The key of an email's one link, which is alone on its line; none in what is sent to phones.
fn linked(channel: Channel, text: &str) -> Option<String> {
    let links: Vec<&str> = text.lines().filter(|line| line.contains("://")).collect();
    assert!(links.len() <= usize::from(channel == Channel::Email), "one link at most: {text}");
    Some(key(links.first()?, text))
}

/// The key: what follows the address of the page that confirms.
fn key(link: &str, text: &str) -> String {
    let key = link.strip_prefix("http://localhost:8080/confirm/").expect(text);
    let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    assert!(key.len() >= 22 && plain, "a key of at least 128 bits: {text}");
    key.to_owned()
}

/// A code of the same length that is not this one; every `n` below 10 gives another.
pub fn wrong(code: &str, n: u32) -> String {
    let last = code.chars().last().unwrap().to_digit(10).unwrap();
    let other = (last + 1 + n % 9) % 10;
    format!("{}{other}", &code[..code.len() - 1])
}

/// What is said of `about`, read.
fn read(kind: Kind, channel: Channel, about: &Context) -> Mail {
    let public_url = "http://localhost:8080".parse().unwrap();
    let catalogue = Catalogue::load(Sender { service: "Acme".into(), public_url, contact: None }).unwrap();
    let said = catalogue.render(kind, channel, catalogue.fallback(), about).unwrap();
    Mail::read(&Message::new("m1", 0, channel, "ada@example.org", kind, said))
}

#[test]
fn an_undo_is_read_whole_or_is_none() {
    let key = "4Zb0kEo9Qm2tVx4Zb0kEo9Qm2tVx";
    for (code, channel) in
        ["305118", "ABCDEFGHJKMNP"].iter().flat_map(|c| Channel::ALL.iter().map(move |t| (*c, *t)))
    {
        let undo = Code { code: code.into(), key: Some(key.into()), lifetime: 259_200_000, leads_on: false };
        for kind in Kind::ALL.iter().copied().filter(|kind| kind.may_be_undone()) {
            let with = Context { code: Some(undo.clone()), ..Context::default() };
            let expected = (channel != Channel::Call).then_some((key, code));
            assert_eq!(read(kind, channel, &with).undo(), expected);
            assert_eq!(read(kind, channel, &Context::default()).undo(), None);
        }
        let added =
            |undo| Recent { device: Some("b•••@example.org".into()), undo, ..Recent::default() };
        let lately = Context { recent: vec![added(None), added(Some(undo))], ..Context::default() };
        let expected =
            if channel == Channel::Email { vec![(key.to_owned(), code.to_owned())] } else { Vec::new() };
        assert_eq!(read(Kind::RecoveryDone, channel, &lately).recent, expected);
    }
}
