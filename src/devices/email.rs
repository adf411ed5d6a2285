//! Email addresses: ASCII before the @, any domain after it (R96, R97).

use crate::flows::Factor;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use super::{Address, DeviceKind, Rules};
use crate::base::{Fault, Wrong};

/// The longest address in bytes, and the longest part before the @ (RFC 5321, 4.5.3.1).
const MAXIMUM: usize = 254;
const MAXIMUM_LOCAL: usize = 64;

/// What a domain has in ASCII: letters, digits and hyphens.
const STD3: AsciiDenyList = AsciiDenyList::STD3;
/// Hyphens stand neither first nor last in a label (RFC 1035); two of them in third and fourth place do occur, and
/// which of those labels is an A-label is checked as such.
const HYPHENS: Hyphens = Hyphens::CheckFirstLast;

/// An email address.
///
/// The part before the @ is ASCII and keeps its capitals for delivery; two addresses are one where they differ
/// in ASCII capitals alone. Full stops and `+tags` are part of the address. The domain becomes lower-case A-labels.
pub struct Email;

impl DeviceKind for Email {
    fn name(&self) -> &'static str {
        "email"
    }

    fn field(&self) -> &'static str {
        "email"
    }

    fn title(&self) -> &'static str {
        "Email address"
    }

    fn example(&self) -> &'static str {
        "ada@example.org"
    }

    fn names_owner(&self) -> bool {
        true
    }

    fn channels(&self) -> &'static [&'static str] {
        &["email"]
    }

    fn carries_passcode(&self) -> bool {
        true
    }

    fn factor(&self) -> Option<Factor> {
        Some(Factor::Reach)
    }

    fn holds_secret(&self) -> bool {
        false
    }

    fn several(&self) -> bool {
        true
    }

    fn canonical(&self, text: &str, _: &Rules) -> Result<Address, Fault> {
        let (local, host) = text.rsplit_once('@').ok_or_else(invalid)?;
        check_local(local)?;
        let host = domain(host)?;
        if local.len() + 1 + host.len() > MAXIMUM {
            return Err(fault(Wrong::TooLongEmail));
        }
        let canonical = format!("{}@{host}", local.to_ascii_lowercase());
        Ok(Address { canonical, delivery: format!("{local}@{host}") })
    }

    fn readable(&self, address: &str) -> String {
        match address.rsplit_once('@') {
            Some((local, host)) => format!("{local}@{}", readable(host)),
            None => address.to_owned(),
        }
    }

    fn mask(&self, address: &str) -> String {
        let address = &self.readable(address);
        let (local, host) = address.rsplit_once('@').unwrap_or((address, ""));
        let first = local.chars().next().filter(|_| local.len() > 1);
        format!("{}•••@{host}", first.map(String::from).unwrap_or_default())
    }
}

/// Takes a dot-atom (RFC 5322, 3.2.3); quoted forms, which few systems read alike, are refused.
fn check_local(local: &str) -> Result<(), Fault> {
    if !local.is_ascii() {
        return Err(fault(Wrong::NotAscii));
    }
    if local.len() > MAXIMUM_LOCAL {
        return Err(fault(Wrong::TooLongLocalPart));
    }
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let sound = local.split('.').all(|part| !part.is_empty() && part.chars().all(atom));
    if sound { Ok(()) } else { Err(invalid()) }
}

/// The domain as lower-case A-labels: at least two labels, letters and hyphens only.
fn domain(text: &str) -> Result<String, Fault> {
    // An A-label is never shorter than a quarter of its name; more need not be looked at.
    if text.len() > 4 * MAXIMUM {
        return Err(fault(Wrong::TooLongEmail));
    }
    let tables = Uts46::new();
    let ascii = tables.to_ascii(text.as_bytes(), STD3, HYPHENS, DnsLength::Verify).map_err(|_| invalid())?;
    let last = ascii.rsplit('.').next().unwrap_or_default();
    if !ascii.contains('.') || last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid());
    }
    if text.is_ascii() || reads_as_itself(text, &tables.to_unicode(ascii.as_bytes(), STD3, HYPHENS).0) {
        return Ok(ascii.into_owned());
    }
    Err(invalid())
}

/// A part of an address with letters beyond ASCII in its domain, as it stands in one that is kept: each label whole.
pub fn stored_part(text: &str) -> Option<String> {
    let (local, host) =
        text.rsplit_once('@').map_or(("", text), |(local, host)| (&text[..=local.len()], host));
    let ascii = Uts46::new().to_ascii(host.as_bytes(), STD3, Hyphens::Allow, DnsLength::Ignore).ok()?;
    (!host.is_ascii()).then(|| format!("{local}{ascii}"))
}

/// A domain of A-labels as people read it, where that reads back as itself and mixes no scripts: a label in which one
/// letter of another alphabet stands among Latin ones is made to look like another.
fn readable(host: &str) -> String {
    let (shown, sound) = Uts46::new().to_unicode(host.as_bytes(), STD3, HYPHENS);
    let latin = |c: char| c.is_ascii() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}');
    let mixed = |label: &str| {
        let mut letters = label.chars().filter(|c| c.is_alphabetic());
        letters.clone().any(|c| c.is_ascii()) && !letters.all(latin)
    };
    let itself =
        sound.is_ok() && !shown.split('.').any(mixed) && domain(&shown).is_ok_and(|again| again == host);
    if itself { shown.into_owned() } else { host.to_owned() }
}

/// Whether no character of `typed` became an ASCII one, or nothing, on the way to `shown` (R97).
///
/// The Kelvin sign, a ligature, full width or a soft hyphen make a domain that looks like another one and is it.
fn reads_as_itself(typed: &str, shown: &str) -> bool {
    let foreign = |text: &str| text.nfc().filter(|c| !c.is_ascii()).count();
    let becomes_ascii =
        |c: char| !c.is_ascii() && c.nfkc().flat_map(char::to_lowercase).any(|m| m.is_ascii());
    !typed.contains(becomes_ascii) && foreign(typed) == foreign(shown)
}

fn invalid() -> Fault {
    fault(Wrong::InvalidEmail)
}

fn fault(wrong: Wrong) -> Fault {
    Fault::new("email", wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<Address, Fault> {
        Email.canonical(text, &Rules::default())
    }

    fn key(text: &str) -> String {
        canonical(text).unwrap().canonical
    }

    #[test]
    fn ascii_capitals_fold_and_nothing_else_does() {
        assert_eq!(key("Mike@Example.COM"), "mike@example.com");
        assert_eq!(canonical("Mike@Example.COM").unwrap().delivery, "Mike@example.com");
        assert_ne!(key("m.ike@gmail.com"), key("mike@gmail.com"));
        assert_ne!(key("mike+a@gmail.com"), key("mike@gmail.com"));
        assert_eq!(key("o'hara@example.com"), "o'hara@example.com");
    }

    #[test]
    fn a_domain_has_one_form() {
        assert_eq!(key("a@bücher.example"), "a@xn--bcher-kva.example");
        assert_eq!(key("a@BÜCHER.example"), "a@xn--bcher-kva.example");
        assert_eq!(key("a@bu\u{308}cher.example"), "a@xn--bcher-kva.example");
        assert_eq!(key("a@XN--BCHER-KVA.example"), "a@xn--bcher-kva.example");
        assert_eq!(key("a@straße.example"), "a@xn--strae-oqa.example");
        assert_eq!(key("a@почта.рф"), "a@xn--80a1acny.xn--p1ai");
    }

    #[test]
    fn hyphens_stand_where_they_do_in_real_domains() {
        for host in ["ab--cd.com", "r3---sn-x.example.org", "co--op.example.org", "x.ab--cd.com", "a--b.com"]
        {
            assert_eq!(key(&format!("a@{host}")), format!("a@{host}"));
        }
        for host in ["-ab.com", "ab-.com", "--ab.com", "xn--.com", "xn--a.com", "xn--0.com"] {
            assert!(canonical(&format!("a@{host}")).is_err(), "{host}");
        }
    }

    #[test]
    fn a_domain_is_shown_as_people_read_it() {
        for host in ["bücher.example", "почта.рф", "straße.example", "例え.テスト", "été.bücher.example"]
        {
            let made = canonical(&format!("max@{host}")).unwrap();
            assert!(made.delivery.is_ascii());
            assert_eq!(Email.readable(&made.delivery), format!("max@{host}"));
            assert_eq!(Email.mask(&made.delivery), format!("m•••@{host}"));
        }
        // A Cyrillic letter among Latin ones, and what is no U-label.
        for host in ["exampl\u{435}.com", "p\u{430}ypal.com"] {
            let made = canonical(&format!("max@{host}")).unwrap();
            assert_eq!(Email.readable(&made.delivery), made.delivery, "{host}");
        }
        for address in ["max@example.com", "max@xn--0.com", "max", "", "@", "max@xn--80ak6aa92e-.com"] {
            assert_eq!(Email.readable(address), address);
        }
    }

    #[test]
    fn nothing_collides_with_an_ascii_owner() {
        let owners =
            ["mike@example.com", "kim@example.com", "office@example.com", "ss@example.com", "i@kiss.com"];
        let typed = [
            "mıke@example.com",
            "mi\u{212a}e@example.com",
            "\u{212a}im@example.com",
            "oﬀice@example.com",
            "ſs@example.com",
            "ß@example.com",
            "MİKE@example.com",
            "ｍike@example.com",
            "mike@ｅxample.com",
            "mike@example.com\u{200b}",
            "i@\u{212a}iss.com",
            "i@kiſs.com",
            "i@kiß.com",
            "mike@exa\u{ad}mple.com",
            "mike@exampl\u{435}.com",
            "mike@example。com",
            "mike＠example.com",
            "mike@℀.com",
            "mike@example.c\u{2134}m",
            "mike@ⓔxample.com",
        ];
        for text in typed {
            if let Ok(made) = canonical(text) {
                assert!(!owners.contains(&made.canonical.as_str()), "{text} is {}", made.canonical);
                assert!(made.delivery.is_ascii());
            }
        }
        assert!(canonical("mi\u{212a}e@example.com").is_err());
        for text in [
            "i@\u{212a}iss.com",
            "i@kiſs.com",
            "i@exampl\u{ad}e.com",
            "i@oﬀice.com",
            "i@ｅxample.com",
            "i@\u{130}x.com",
        ] {
            assert!(canonical(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let (local, label) = ("a".repeat(65), "d".repeat(64));
        let host = format!("a@{}com", "d123456789.".repeat(23));
        let refused = [
            "",
            "@",
            "a",
            "a@",
            "@example.com",
            "a@b",
            "a@localhost",
            "a b@example.com",
            "a@exa mple.com",
            "\"a b\"@example.com",
            "\"a\"@example.com",
            "a@[192.0.2.1]",
            "a@192.0.2.1",
            ".a@example.com",
            "a.@example.com",
            "a..b@example.com",
            "a@-example.com",
            "a@example-.com",
            "a@example..com",
            "a@.example.com",
            "a@example.com.",
            "a@b@example.com",
            "a@example.com\n",
            "a@example.com\r\nbcc: b@c.de",
            "a\r\n@example.com",
            "a\0@example.com",
            "a@example.com\0",
            " a@example.com",
            "a@example.com ",
            "a,b@example.com",
            "a@example.com,b@example.com",
            "<a@example.com>",
            "A <a@example.com>",
            "a(c)@example.com",
            "a;b@example.com",
            "a:b@example.com",
            "a\\@example.com",
            "a@exa_mple.com",
            "a@example.com/x",
            "é@example.com",
            "a@xn--a",
            "a@xn--zzzzzz99999.com",
            &format!("{local}@example.com"),
            &format!("a@{label}.com"),
            &host,
        ];
        for text in refused {
            assert_eq!(canonical(text).expect_err(text).field, "email", "{text}");
        }
        assert!(canonical(&format!("{}@example.com", &local[1..])).is_ok());
    }

    #[test]
    fn a_mask_keeps_one_letter_and_the_domain() {
        assert_eq!(Email.mask("john@example.com"), "j•••@example.com");
        assert_eq!(Email.mask("j@example.com"), "•••@example.com");
    }
}
