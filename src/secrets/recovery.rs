//! Recovery codes: printed once, each passes once, in place of a lost device (R72).

use super::{Choice, Kept, SecretKind};
use crate::base::seal::{Purpose, Sealer, same};
use crate::base::{Fault, Random, Sensitive, Wrong, typed};
use crate::flows::Factor;

/// How many codes a person gets.
pub const CODES: usize = 10;
/// Characters of a code and of one printed group: 16 of five bits each are 80 bits.
const LENGTH: usize = 16;
const GROUP: usize = 4;

/// One of a list of printed codes.
pub struct Recovery;

impl SecretKind for Recovery {
    fn name(&self) -> &'static str {
        "recovery"
    }

    fn field(&self) -> &'static str {
        "recovery_code"
    }

    fn factor(&self) -> Factor {
        Factor::Known
    }

    fn may_be_alone(&self) -> bool {
        false
    }

    fn check(&self, _: &str, choice: &Choice<'_>) -> Result<Sensitive, Fault> {
        Err(Fault::new(choice.field, Wrong::NotChosenRecovery))
    }

    fn is_possible(&self, typed: &str) -> bool {
        read(typed).is_some()
    }

    fn kept(&self) -> Kept {
        Kept::Listed
    }

    fn title(&self) -> &'static str {
        "Recovery code"
    }

    fn example(&self) -> &'static str {
        "7K3M-Q0ZX-9WPT-2HVR"
    }
}

/// A fresh list of [`CODES`] codes.
pub fn list(random: &Random) -> Vec<Sensitive> {
    (0..CODES).map(|_| code(random)).collect()
}

/// One fresh code, in groups as it is printed: `7K3M-Q0ZX-…`, 80 bits.
pub fn code(random: &Random) -> Sensitive {
    let letters = typed::base32(random.bytes::<LENGTH>(), LENGTH);
    let groups: Vec<&str> = (0..LENGTH).step_by(GROUP).map(|start| &letters[start..start + GROUP]).collect();
    Sensitive::new(groups.join("-"))
}

fn read(typed: &str) -> Option<Sensitive> {
    typed::normal(typed).filter(|code| code.expose().len() == LENGTH)
}

/// What is kept of a code: a keyed hash that holds for this user alone, and by which it is found.
/// `None` where `typed` is no code; spaces, hyphens and small letters do not matter.
pub fn stored(sealer: &Sealer, user_id: &str, typed: &str) -> Option<String> {
    let code = read(typed)?;
    let parts: [&[u8]; 3] = [b"recovery", user_id.as_bytes(), code.expose().as_bytes()];
    Some(sealer.mac_text(Purpose::Passcode, &parts))
}

/// Whether `typed` is the code of which `stored` was kept; in constant time (R31).
pub fn matches(sealer: &Sealer, user_id: &str, typed: &str, stored: &str) -> bool {
    self::stored(sealer, user_id, typed).is_some_and(|made| same(made.as_bytes(), stored.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ten_different_codes_in_groups() {
        let random = Random::seeded(72);
        let codes = list(&random);
        let distinct: HashSet<_> = codes.iter().map(|c| c.expose().to_owned()).collect();
        assert_eq!(distinct.len(), 10);
        for code in distinct {
            assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4, 4]);
            assert!(code.bytes().all(|b| b == b'-' || typed::ALPHABET.contains(&b)));
        }
    }

    #[test]
    fn every_letter_of_the_alphabet_is_drawn() {
        let random = Random::seeded(1);
        let drawn: HashSet<char> =
            (0..100).flat_map(|_| code(&random).expose().chars().collect::<Vec<_>>()).collect();
        assert_eq!(drawn.len(), 33, "32 letters and the hyphen: five bits each");
    }

    #[test]
    fn a_code_passes_as_typed_and_for_its_owner_alone() {
        let sealer = Sealer::new(&[7; 32]);
        let code = code(&Random::seeded(1));
        let kept = stored(&sealer, "ada", code.expose()).unwrap();
        assert!(matches(&sealer, "ada", &code.expose().to_lowercase().replace('-', " "), &kept));
        assert!(!matches(&sealer, "eve", code.expose(), &kept));
        assert!(!matches(&sealer, "ada", &code.expose()[1..], &kept));
        assert_eq!(stored(&sealer, "ada", ""), None);
        assert!(!kept.contains(&code.expose().replace('-', "")));
    }
}
