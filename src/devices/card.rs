//! Cards and other things with a fixed number: the hardcode.

use crate::flows::Factor;
use unicode_normalization::UnicodeNormalization;

use super::{Address, DeviceKind, Rules, no_address};
use crate::base::{Fault, Sensitive};

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

    fn channels(&self) -> &'static [&'static str] {
        &[]
    }

    fn carries_passcode(&self) -> bool {
        false
    }

    fn factor(&self) -> Option<Factor> {
        None
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

/// The hardcode in the form that is hashed and compared: NFC, nothing else changed; capitals and zeros count.
pub fn prepare(text: &str) -> Sensitive {
    Sensitive::new(text.nfc().collect::<String>())
}

/// A hardcode that may be set: 4 to 64 code points after NFC, no control characters.
///
/// # Errors
/// `hardcode` with the code `too_short`, `too_long` or `invalid_characters`.
pub fn check(text: &str) -> Result<Sensitive, Fault> {
    let fault = |code, message| Err(Fault::new("hardcode", code, message));
    // Four bytes a code point: a longer text needs no normalising to be too long.
    if text.len() > 16 * LENGTH.end() {
        return fault("too_long", "A hardcode has at most 64 characters.");
    }
    let ready = prepare(text);
    let length = ready.expose().chars().count();
    if length < *LENGTH.start() {
        return fault("too_short", "A hardcode has at least 4 characters.");
    }
    if length > *LENGTH.end() {
        return fault("too_long", "A hardcode has at most 64 characters.");
    }
    if ready.expose().contains(char::is_control) {
        return fault("invalid_characters", "A hardcode has no line ends or other control characters.");
    }
    Ok(ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_bounded_and_nothing_is_changed() {
        let code = |text: &str| check(text).map_err(|f| f.code);
        assert_eq!(code("0042").unwrap().expose(), "0042");
        assert_eq!(code(" aB 9 ").unwrap().expose(), " aB 9 ");
        assert_eq!(code("042"), Err("too_short"));
        assert!(code(&"é".repeat(64)).is_ok());
        assert_eq!(code(&"9".repeat(65)), Err("too_long"));
        assert_eq!(code(&"9".repeat(5_000)), Err("too_long"));
        assert_eq!(code("12345\n"), Err("invalid_characters"));
        assert_eq!(code("1234\0"), Err("invalid_characters"));
    }

    #[test]
    fn composed_and_decomposed_are_one() {
        assert_eq!(prepare("cafe\u{301}"), prepare("café"));
    }

    #[test]
    fn the_number_is_never_an_address() {
        assert!(Card.canonical("0042-9", &Rules::default()).is_err());
        assert_eq!(Card.mask("0042-9"), "");
    }
}
