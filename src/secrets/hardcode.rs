//! The hardcode: the fixed number of a card or device.

use super::{Choice, Kept, SecretKind};
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

    fn factor(&self) -> Factor {
        Factor::Weak
    }

    fn check(&self, typed: &str, _: &Choice<'_>) -> Result<Sensitive, Fault> {
        card::check(typed)
    }

    fn prepare(&self, typed: &str) -> Sensitive {
        card::prepare(typed)
    }

    fn kept(&self) -> Kept {
        Kept::InDevice
    }

    fn title(&self) -> &'static str {
        "Card number"
    }

    fn example(&self) -> &'static str {
        "4711-0815"
    }
}
