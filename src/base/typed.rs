//! What people type: digits of every script, blanks and dashes of every keyboard, and codes in Crockford's base 32.
//!
//! Every place that takes a code, a card's number or a phone number reads it by [`digit`] and [`is_blank`], so that
//! what is forgiven at one is forgiven at all.

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroize;

use super::Sensitive;

/// Crockford's base-32 alphabet: no I, L, O or U, so that nothing is read for something else.
pub const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The longest text that is looked at, in bytes: blanks and marks of four bytes between the characters of any code.
const MAXIMUM: usize = 256;

/// `characters` of [`ALPHABET`], five bits of each byte of `bytes`: 256 is a multiple of 32, so no bias.
pub fn base32(bytes: impl IntoIterator<Item = u8>, characters: usize) -> String {
    let letter = |byte: u8| char::from(ALPHABET[usize::from(byte & 31)]);
    bytes.into_iter().take(characters).map(letter).collect()
}

/// The ASCII digit that a decimal digit of any script stands for (Unicode's category Nd).
pub fn digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c);
    }
    let is_decimal = |at: u32| {
        char::from_u32(at).is_some_and(|c| get_general_category(c) == GeneralCategory::DecimalNumber)
    };
    // Unicode keeps the ten digits of a script together and in order, 0 first; where several sets stand behind one
    // another, as the mathematical ones do, each has ten.
    let mut zero = u32::from(c);
    if !is_decimal(zero) {
        return None;
    }
    while is_decimal(zero - 1) {
        zero -= 1;
    }
    char::from_digit((u32::from(c) - zero) % 10, 10)
}

/// Whether a character only parts or directs what stands beside it: a blank, a dash, a soft hyphen, a joiner, a mark of
/// direction.
pub fn is_blank(c: char) -> bool {
    is_nothing(c) || is_dash(c)
}

/// Whether a character is a blank of any width.
pub fn is_space(c: char) -> bool {
    get_general_category(c) == GeneralCategory::SpaceSeparator
}

/// Whether a character is a dash of any keyboard, the sign of subtraction and the soft hyphen among them.
pub fn is_dash(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{2212}') || get_general_category(c) == GeneralCategory::DashPunctuation
}

/// Whether nothing of a character is to be seen: white space, a joiner, a mark of direction.
fn is_nothing(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

/// An address or a name without what keyboards, address books and clipboards leave around it and nobody sees. Inside it
/// stays, to be judged by the kind.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(is_nothing)
}

/// A text without the line ends and tabs that are pasted with it.
pub fn pasted(text: &str) -> &str {
    text.trim_matches(['\t', '\n', '\r'])
}

/// `text` in NFC, without what parts it ([`is_blank`]), the digits of every script as ASCII ones; nothing else changes.
pub fn folded(text: &str) -> Sensitive {
    // A composed text is never longer than three times its bytes, so nothing moves while it grows: what moves leaves a
    // part of a secret behind.
    let mut ready = String::with_capacity(3 * text.len());
    ready.extend(text.nfc().filter(|c| !is_blank(*c)).map(|c| digit(c).unwrap_or(c)));
    Sensitive::new(ready)
}

/// The code that `text` means: blanks, dashes and full stops left out, capitals, ASCII digits for the digits of
/// other scripts, and `O` read as 0, `I` and `L` as 1. `None` where another character is in it, or none at all.
pub fn normal(text: &str) -> Option<Sensitive> {
    if text.len() > MAXIMUM {
        return None;
    }
    let mut code = String::with_capacity(MAXIMUM);
    for typed in text.chars().filter(|c| *c != '.' && !is_blank(*c)) {
        match letter(typed) {
            Some(letter) => code.push(letter),
            None => {
                code.zeroize();
                return None;
            }
        }
    }
    (!code.is_empty()).then(|| Sensitive::new(code))
}

fn letter(typed: char) -> Option<char> {
    let folded = match (digit(typed), typed.to_ascii_uppercase()) {
        (Some(digit), _) => digit,
        (_, 'O') => '0',
        (_, 'I' | 'L') => '1',
        (_, other) => other,
    };
    ALPHABET.contains(&u8::try_from(folded).ok()?).then_some(folded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        normal(text).map(|code| code.expose().to_owned())
    }

    #[test]
    fn what_people_type_is_understood() {
        for text in [
            "012345",
            "012 345",
            "012-345",
            " 012345\n",
            "o1234 5",
            "O I2345".trim(),
            "٠١٢٣٤٥",
            "۰۱۲۳۴۵",
            "०१२३४५",
            "０１２３４５",
            "012–345",
            "ol2345",
            "𝟎𝟏𝟐𝟑𝟒𝟓",
            "\u{feff}012\u{a0}345\u{200b}",
            "\u{200e}012\u{202f}345\u{200f}",
            "012\u{ad}345",
            "012\u{2060}−\u{3000}345",
            "012﹣345",
        ] {
            assert_eq!(read(text).as_deref(), Some("012345"), "{text}");
        }
        assert_eq!(read("abcd-efgh").as_deref(), Some("ABCDEFGH"));
    }

    #[test]
    fn what_nobody_sees_is_dropped_at_the_ends_alone() {
        for around in [
            "\u{202a}", "\u{202c}", "\u{2066}", "\u{2069}", "\u{200b}", "\u{200d}", "\u{feff}", "\u{200e}",
            "\u{2060}",
        ] {
            assert_eq!(trimmed(&format!(" {around}\tada{around}\n\u{a0}{around}")), "ada", "{around:?}");
            let inside = format!("a{around}da");
            assert_eq!(trimmed(&inside), inside);
        }
        assert_eq!(trimmed("-ada-"), "-ada-");
        assert_eq!(pasted("\r\n\t a\tb \n"), " a\tb ");
    }

    #[test]
    fn what_is_no_code_is_none() {
        for text in
            ["", "  ", "-", "12345u", "123456\0", "½", "①23456", "123456;", "é", "一二三", &"1".repeat(257)]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    /// The zeros of all scripts that have digits, of Unicode 16 or later, found without the table that is tested.
    const ZEROS: [u32; 20] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50,
        0xed0, 0xf20, 0x1040, 0x17e0, 0x1810, 0xff10,
    ];

    #[test]
    fn every_script_counts_to_ten() {
        for zero in ZEROS {
            for value in 0..10 {
                let typed = char::from_u32(zero + value).unwrap();
                assert_eq!(digit(typed), char::from_digit(value, 10), "{typed}");
            }
        }
        let all: Vec<char> =
            (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| digit(*c).is_some()).collect();
        assert!(all.len() >= 680 && all.len().is_multiple_of(10), "{}", all.len());
        for ten in all.chunks(10) {
            let read: String = ten.iter().filter_map(|c| digit(*c)).collect();
            assert_eq!(read, "0123456789", "{ten:?}");
        }
    }

    #[test]
    fn folding_keeps_letters_and_signs() {
        assert_eq!(folded(" aB-9/٣ ").expose(), "aB9/3");
        assert_eq!(folded("cafe\u{301}").expose(), "café");
        assert_eq!(folded("4711–0815"), folded("۴۷۱۱\u{200f} ۰۸۱۵"));
    }

    proptest! {
        #[test]
        fn normal_is_idempotent(text in "[0-9a-zA-Z٠-٩ ½-]{0,20}") {
            if let Some(code) = read(&text) {
                prop_assert_eq!(read(&code), Some(code.clone()));
            }
        }
    }
}
