//! One-time codes for people, and the key of the link that comes with them.
//!
//! The code is derived from the link's key, so that the page behind the link can show the code to type, while
//! the database keeps neither: a hash of the key, and a keyed hash of the code bound to its challenge.

use std::ops::RangeInclusive;

use super::{Choice, Kept, SecretKind};
use crate::base::seal::{Purpose, Sealer, same};
pub use crate::base::typed::normal;
use crate::base::{Fault, Random, Sensitive, Wrong, typed};
use crate::flows::Factor;

/// A code that is sent to a device or computed by it, and passes once.
pub struct Passcode;

impl SecretKind for Passcode {
    fn name(&self) -> &'static str {
        "passcode"
    }

    fn factor(&self) -> Factor {
        Factor::Reach
    }

    fn check(&self, _: &str, choice: &Choice<'_>) -> Result<Sensitive, Fault> {
        Err(Fault::new(choice.field, Wrong::NotChosenCode))
    }

    fn is_possible(&self, typed: &str) -> bool {
        has_digits(typed, *VENDORS.start()..=*DIGITS.end()) || has_length(typed, LONG)
    }

    fn kept(&self) -> Kept {
        Kept::Carried
    }

    fn title(&self) -> &'static str {
        "One-time code"
    }

    fn example(&self) -> &'static str {
        "493072"
    }
}

/// Digits of a code of ours (R22).
const DIGITS: RangeInclusive<usize> = 6..=10;
/// Digits of a code that a vendor owns.
pub const VENDORS: RangeInclusive<usize> = 4..=10;
/// Characters of a long code.
const LONG: usize = 13;

/// Whether `typed` is, as people type it, so many decimal digits.
pub fn has_digits(typed: &str, count: RangeInclusive<usize>) -> bool {
    let code = normal(typed).unwrap_or_default();
    count.contains(&code.expose().len()) && code.expose().bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `typed` is, as people type it, what a code of that length may be: digits, or letters too where it is long.
pub fn has_length(typed: &str, length: usize) -> bool {
    let long = || normal(typed).is_some_and(|code| code.expose().len() == length);
    if length == LONG { long() } else { has_digits(typed, length..=length) }
}

/// What a code looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// So many decimal digits, 6 to 10; a number outside that counts as the nearest (R22).
    Digits(u8),
    /// 13 characters of base 32, 65 bits: for an account that has seen too many wrong codes (R37).
    Long,
}

impl Shape {
    /// The number of characters.
    pub fn length(self) -> usize {
        match self {
            Self::Digits(count) => usize::from(count).clamp(*DIGITS.start(), *DIGITS.end()),
            Self::Long => LONG,
        }
    }
}

/// A fresh key for a link: 256 bits as base64url.
pub fn key(random: &Random) -> String {
    random.token()
}

/// The code that belongs to the link's `key`: evenly distributed, leading zeros kept (R22).
pub fn code_for(sealer: &Sealer, key: &str, shape: Shape) -> Sensitive {
    // HMAC in counter mode: a stream that does not end, 32 bytes a block.
    let block =
        |counter: u32| sealer.mac(Purpose::Passcode, &[b"code", key.as_bytes(), &counter.to_be_bytes()]);
    let bytes = (0..).flat_map(block);
    Sensitive::new(match shape {
        // 250 is the greatest multiple of ten in a byte; taking 250 to 255 as well would favour 0 to 5.
        Shape::Digits(_) => bytes
            .filter(|byte| *byte < 250)
            .take(shape.length())
            .map(|byte| char::from(b'0' + byte % 10))
            .collect(),
        Shape::Long => typed::base32(bytes, shape.length()),
    })
}

/// What is kept of a code: a keyed hash that holds for this challenge alone (R30).
pub fn stored(sealer: &Sealer, challenge_id: &str, code: &str) -> String {
    sealer.mac_text(Purpose::Passcode, &[b"stored", challenge_id.as_bytes(), code.as_bytes()])
}

/// Whether `typed` is, as people type it, the code of which `stored` was kept; in constant time (R31).
pub fn matches(sealer: &Sealer, challenge_id: &str, typed: &str, stored: &str) -> bool {
    let code = normal(typed).unwrap_or_default();
    let right = same(self::stored(sealer, challenge_id, code.expose()).as_bytes(), stored.as_bytes());
    right && !code.expose().is_empty()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(&[7; 32])
    }

    fn codes(count: usize, shape: Shape) -> Vec<String> {
        let (sealer, random) = (sealer(), Random::seeded(22));
        (0..count).map(|_| code_for(&sealer, &key(&random), shape).expose().to_owned()).collect()
    }

    /// Pearson's statistic of the characters at `position` against an even distribution over `values`.
    fn chi_square(codes: &[String], position: usize, values: &[u8]) -> f64 {
        let expected = codes.len() as f64 / values.len() as f64;
        let seen = |value: u8| codes.iter().filter(|c| c.as_bytes()[position] == value).count() as f64;
        values.iter().map(|value| (seen(*value) - expected).powi(2) / expected).sum()
    }

    #[test]
    fn every_position_is_even() {
        // p = 0.001 at 9 and at 31 degrees of freedom.
        for (shape, values, bound) in [
            (Shape::Digits(6), b"0123456789".as_slice(), 27.877),
            (Shape::Digits(10), b"0123456789".as_slice(), 27.877),
            (Shape::Long, typed::ALPHABET.as_slice(), 61.098),
        ] {
            let codes = codes(10_000, shape);
            for position in 0..shape.length() {
                let statistic = chi_square(&codes, position, values);
                assert!(statistic < bound, "{shape:?} at {position}: {statistic}");
            }
        }
    }

    #[test]
    fn digits_are_even_to_a_hundredth() {
        // The remainder of a whole byte would favour 0 to 5 by four in a hundred: too little for one position.
        let all: Vec<_> = codes(30_000, Shape::Digits(10)).concat().chars().map(String::from).collect();
        assert!(chi_square(&all, 0, b"0123456789") < 27.877);
    }

    #[test]
    fn repeats_are_those_of_chance() {
        let mut seen: HashMap<String, u32> = HashMap::new();
        codes(10_000, Shape::Digits(6)).into_iter().for_each(|code| *seen.entry(code).or_default() += 1);
        let pairs: u32 = seen.values().map(|n| n * (n - 1) / 2).sum();
        // 50 pairs are expected of 10 000 codes out of a million; four standard deviations are 28.
        assert!((22..=78).contains(&pairs), "{pairs}");
    }

    #[test]
    fn a_code_has_its_length_and_its_zeros() {
        for (shape, length) in [
            (Shape::Digits(6), 6),
            (Shape::Digits(10), 10),
            (Shape::Long, 13),
            (Shape::Digits(3), 6),
            (Shape::Digits(99), 10),
        ] {
            assert!(codes(100, shape).iter().all(|code| code.len() == length), "{shape:?}");
        }
        assert!(codes(100, Shape::Digits(6)).iter().any(|code| code.starts_with('0')));
    }

    #[test]
    fn a_key_has_one_code_and_only_with_the_master_key() {
        let key = key(&Random::seeded(1));
        let code = code_for(&sealer(), &key, Shape::Long);
        assert_eq!(code, code_for(&sealer(), &key, Shape::Long));
        assert_ne!(code, code_for(&Sealer::new(&[8; 32]), &key, Shape::Long));
        assert_eq!(key.len(), 43);
    }

    #[test]
    fn a_code_passes_for_its_challenge_alone() {
        let sealer = sealer();
        let kept = stored(&sealer, "challenge-a", "012345");
        assert!(matches(&sealer, "challenge-a", "012345", &kept));
        assert!(matches(&sealer, "challenge-a", " 012-345 ", &kept));
        for (challenge, code) in [
            ("challenge-b", "012345"),
            ("challenge-a", "012346"),
            ("challenge-a", ""),
            ("challenge-a", "12345"),
        ] {
            assert!(!matches(&sealer, challenge, code, &kept), "{challenge} {code}");
        }
        assert!(!kept.contains("012345") && kept != crate::base::seal::sha256_hex(b"012345"));
        let empty = stored(&sealer, "challenge-a", "");
        assert!(!matches(&sealer, "challenge-a", "", &empty), "no code is never right");
    }

    #[test]
    fn a_long_code_passes_as_it_is_read() {
        let (sealer, key) = (sealer(), key(&Random::seeded(1)));
        let code = code_for(&sealer, &key, Shape::Long);
        let kept = stored(&sealer, "c", code.expose());
        assert!(matches(
            &sealer,
            "c",
            &code.expose().to_lowercase().replace('0', "o").replace('1', "l"),
            &kept
        ));
    }
}
