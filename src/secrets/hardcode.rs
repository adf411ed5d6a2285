//! The hardcode: the fixed number of a card or device.

use super::SecretKind;
use crate::base::{Fault, Sensitive};
use crate::devices::card;
use crate::flows::Factor;

/// A card's or device's number: a little to know, no proof of having it. So it never stands alone (R65), is
/// hashed as a password is, and its wrong tries are counted as wrong codes are.
pub struct Hardcode;

impl SecretKind for Hardcode {
    fn name(&self) -> &'static str {
        "hardcode"
    }

    fn field(&self) -> &'static str {
        "hardcode"
    }

    fn factor(&self) -> Factor {
        Factor::Weak
    }

    fn may_be_alone(&self) -> bool {
        false
    }

    fn carried(&self) -> bool {
        false
    }

    fn title(&self) -> &'static str {
        "Card number"
    }

    fn example(&self) -> &'static str {
        "4711-0815"
    }
}

/// A hardcode as it is hashed and compared; see [`card::prepare`].
pub fn prepare(text: &str) -> Sensitive {
    card::prepare(text)
}

/// A hardcode that may be set; see [`card::check`].
///
/// # Errors
/// A fault of `hardcode`.
pub fn check(text: &str) -> Result<Sensitive, Fault> {
    card::check(text)
}
