//! A mail as it arrived, read as a mail program reads it (RFC 5322, RFC 2045).

use data_encoding::BASE64;
use multauth::messages::Channel;

use super::mailbox;

/// A mail with a text and the same as HTML.
#[derive(Clone, Debug)]
pub struct Letter {
    headers: Vec<(String, String)>,
    /// The text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

impl Letter {
    /// Reads one: a `multipart/alternative` of exactly these two parts.
    #[track_caller]
    pub fn read(data: &str) -> Self {
        let data = data.replace("\r\n", "\n");
        let (headers, body) = split(&data);
        let kind = value(&headers, "Content-Type");
        let boundary = kind.strip_prefix("multipart/alternative;").expect(kind);
        let boundary = boundary.trim().strip_prefix("boundary=").expect(kind).trim_matches('"');
        let (body, end) = body.split_once(&format!("\n--{boundary}--")).expect("the last boundary");
        assert_eq!(end.trim(), "", "nothing stands behind it");
        let parts = format!("\n{body}");
        let parts: Vec<_> = parts.split(&format!("\n--{boundary}\n")).skip(1).map(split).collect();
        let [text, html] = parts.as_slice() else { panic!("two parts: {data}") };
        assert!(value(&text.0, "Content-Type").starts_with("text/plain; charset=utf-8"), "{data}");
        assert!(value(&html.0, "Content-Type").starts_with("text/html; charset=utf-8"), "{data}");
        let (text, html) = (decoded(text), decoded(html));
        Self { headers, text, html }
    }

    /// A header that stands there once.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        value(&self.headers, name)
    }

    /// The code in the text.
    pub fn code(&self) -> String {
        mailbox::code(Channel::Email, &self.text)
    }
}

type Headers = Vec<(String, String)>;

/// The headers, unfolded, and what follows.
fn split(data: &str) -> (Headers, String) {
    let (head, body) = data.split_once("\n\n").expect("an empty line ends the headers");
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    let header = |line: &str| {
        let (name, value) = line.split_once(':').expect("a header");
        (name.to_owned(), value.trim().to_owned())
    };
    (head.trim_start().lines().map(header).collect(), body.to_owned())
}

#[track_caller]
fn value<'a>(headers: &'a Headers, name: &str) -> &'a str {
    let mut found = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let (_, value) = found.next().unwrap_or_else(|| panic!("no {name} in {headers:?}"));
    assert!(found.next().is_none(), "{name} stands twice: {headers:?}");
    value
}

fn decoded((headers, body): &(Headers, String)) -> String {
    match value(headers, "Content-Transfer-Encoding") {
        "7bit" | "8bit" => body.clone(),
        "quoted-printable" => quoted_printable(body),
        "base64" => String::from_utf8(BASE64.decode(body.replace('\n', "").as_bytes()).unwrap()).unwrap(),
        other => panic!("{other}?"),
    }
}

fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'=' {
            let (pair, after) = rest.split_at(2);
            bytes.push(u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).unwrap()
}
