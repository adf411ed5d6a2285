//! Codes as people read and type them: Crockford's base 32, and forgiving entry.

use zeroize::Zeroize;

use crate::base::Sensitive;

/// Crockford's base-32 alphabet: no I, L, O or U, so that nothing is read for something else.
pub const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The longest text that is looked at, in bytes.
const MAXIMUM: usize = 128;

/// The zeros of the digits that keyboards type beside the ASCII ones: Arabic, Persian, Devanagari, Bengali,
/// Tamil, Thai, Burmese, Khmer, full width. Nine digits follow each.
const ZEROS: [u32; 9] = [0x660, 0x6f0, 0x966, 0x9e6, 0xbe6, 0xe50, 0x1040, 0x17e0, 0xff10];

/// `characters` of [`ALPHABET`], five bits of each byte of `bytes`: 256 is a multiple of 32, so no bias.
pub(super) fn base32(bytes: impl IntoIterator<Item = u8>, characters: usize) -> String {
    let letter = |byte: u8| char::from(ALPHABET[usize::from(byte & 31)]);
    bytes.into_iter().take(characters).map(letter).collect()
}

/// The code that `text` means: spaces, hyphens and full stops left out, capitals, ASCII digits for the digits of
/// other scripts, and `O` read as 0, `I` and `L` as 1. `None` where another character is in it, or none at all.
pub fn normal(text: &str) -> Option<Sensitive> {
    if text.len() > MAXIMUM {
        return None;
    }
    let mut code = String::with_capacity(MAXIMUM);
    for typed in text.chars().filter(|c| !passed_over(*c)) {
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

fn passed_over(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn letter(typed: char) -> Option<char> {
    let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&u32::from(typed)));
    let folded = match (zero, typed.to_ascii_uppercase()) {
        (Some(zero), _) => char::from_digit(u32::from(typed) - zero, 10)?,
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
        ] {
            assert_eq!(read(text).as_deref(), Some("012345"), "{text}");
        }
        assert_eq!(read("abcd-efgh").as_deref(), Some("ABCDEFGH"));
    }

    #[test]
    fn what_is_no_code_is_none() {
        for text in
            ["", "  ", "-", "12345u", "123456\0", "½", "𝟏23456", "①23456", "123456;", "é", &"1".repeat(129)]
        {
            assert_eq!(read(text), None, "{text}");
        }
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
