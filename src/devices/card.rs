//! Cards and other things with a fixed number: the hardcode.

use super::{Address, DeviceKind, Rules, no_address};
use crate::base::{Fault, Sensitive, Wrong, typed};

/// The fewest and the most code points of a hardcode. Four, because card and device numbers are short and it
/// never stands alone (R65); sixty-four holds any serial number, UUID or hash.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=64;

/// A card or device with a fixed number, the *hardcode*.
///
/// The number is a secret of little worth, kept as a password is: hashed, never shown. So a card has no address.
pub struct Card;

impl DeviceKind for Card {
    fn name(&self) -> &'static str {
        "card"
    }

    fn field(&self) -> &'static str {
        "hardcode"
    }

    fn title(&self) -> &'static str {
        "Card"
    }

    fn example(&self) -> &'static str {
        "4711-0815"
    }

    fn names_owner(&self) -> bool {
        false
    }

    fn holds_secret(&self) -> bool {
        true
    }

    fn several(&self) -> bool {
        true
    }

    fn canonical(&self, _: &str, _: &Rules) -> Result<Address, Fault> {
        Err(no_address(self))
    }

    fn mask(&self, _: &str) -> String {
        String::new()
    }
}

/// The hardcode in the form that is hashed and compared: as it is printed on the card or typed by any keyboard, without
/// blanks and dashes, the digits of every script as ASCII ones; capitals and zeros count.
pub fn prepare(text: &str) -> Sensitive {
    typed::folded(text)
}

/// A hardcode that may be set: 4 to 64 code points beside blanks and dashes, no control characters.
///
/// # Errors
/// `hardcode` with the code `too_short`, `too_long` or `invalid_characters`.
pub fn check(text: &str) -> Result<Sensitive, Fault> {
    let fault = |wrong| Err(Fault::new("hardcode", wrong));
    // Four bytes a code point, and as much between them: a longer text needs no normalising to be too long.
    if text.len() > 32 * LENGTH.end() {
        return fault(Wrong::TooLongHardcode);
    }
    if text.contains(char::is_control) {
        return fault(Wrong::WrongSignsHardcode);
    }
    let ready = prepare(text);
    let length = ready.expose().chars().count();
    if length < *LENGTH.start() {
        return fault(Wrong::TooShortHardcode);
    }
    if length > *LENGTH.end() {
        return fault(Wrong::TooLongHardcode);
    }
    Ok(ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_bounded() {
        let code = |text: &str| check(text).map_err(|f| f.code);
        assert_eq!(code("0042").unwrap().expose(), "0042");
        assert_eq!(code("042"), Err("too_short"));
        assert_eq!(code("0-4-2 -"), Err("too_short"));
        assert!(code(&"é".repeat(64)).is_ok());
        assert_eq!(code(&"9".repeat(65)), Err("too_long"));
        assert_eq!(code(&"9".repeat(5_000)), Err("too_long"));
        assert_eq!(code("12345\n"), Err("invalid_characters"));
        assert_eq!(code("1234\0"), Err("invalid_characters"));
    }

    #[test]
    fn a_number_is_one_however_it_is_typed() {
        for typed in [
            "4711-0815",
            "4711 0815",
            "47110815",
            "۴۷۱۱–۰۸۱۵",
            "４７１１\u{a0}０８１５",
            "\u{feff}4711\u{ad}0815",
        ] {
            assert_eq!(prepare(typed).expose(), "47110815", "{typed}");
        }
        assert_eq!(check(" aB 9O ").unwrap().expose(), "aB9O");
        assert_eq!(prepare("cafe\u{301}"), prepare("café"));
    }

    #[test]
    fn the_number_is_never_an_address() {
        assert!(Card.canonical("0042-9", &Rules::default()).is_err());
        assert_eq!(Card.mask("0042-9"), "");
    }
}
