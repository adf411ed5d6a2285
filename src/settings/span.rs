//! Durations as an operator writes them: `30s`, `5m`, `1h30m`, `14d`.

use std::fmt;

use crate::base::Millis;
use crate::base::clock::{DAY, HOUR, MINUTE, SECOND};

use super::form::Form;

const UNITS: [(&str, Millis); 5] = [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", 1)];
/// Nobody means more than this.
const LONGEST: Millis = 10 * 365 * DAY;
const FORM: &str =
    "a duration such as \"30s\", \"5m\", \"1h30m\" or \"14d\" (d, h, m, s, ms), at most ten years";

/// A length of time in milliseconds, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Millis);

impl Span {
    /// Reads `1h30m`: whole numbers, each with its unit, the larger unit first, no unit twice.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut rest, mut total, mut largest) = (text, 0, 0);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let letters =
                rest[digits..].find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len() - digits);
            let (number, unit) = (&rest[..digits], &rest[digits..digits + letters]);
            let at = UNITS.iter().position(|(name, _)| *name == unit).filter(|at| *at >= largest)?;
            largest = at + 1;
            total +=
                number.parse::<Millis>().ok()?.checked_mul(UNITS[at].1).filter(|part| *part <= LONGEST)?;
            rest = &rest[digits + letters..];
        }
        (!text.is_empty() && total <= LONGEST).then_some(Self(total))
    }

    /// Milliseconds.
    pub const fn millis(self) -> Millis {
        self.0
    }

    /// Whole seconds, rounded down.
    pub const fn seconds(self) -> u64 {
        (self.0 / SECOND).unsigned_abs()
    }

    /// For timers.
    pub const fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.unsigned_abs())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        for (name, size) in UNITS.iter().filter(|_| self.0 > 0) {
            if rest >= *size {
                write!(f, "{}{name}", rest / size)?;
                rest %= size;
            }
        }
        if self.0 > 0 { Ok(()) } else { f.write_str("0s") }
    }
}

impl<'de> serde::Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Form { what: FORM, parse: Self::parse })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_an_operator_writes() {
        let millis = |text: &str| Span::parse(text).map(Span::millis);
        assert_eq!(millis("90s"), Some(90_000));
        assert_eq!(millis("1h30m"), Some(5_400_000));
        assert_eq!(millis("14d"), Some(14 * DAY));
        assert_eq!(millis("250ms"), Some(250));
        assert_eq!(millis("0s"), Some(0));
        for wrong in [
            "",
            "5",
            "-5m",
            "5 m",
            "5M",
            "m",
            "30m1h",
            "1m1m",
            "1.5h",
            "5y",
            "99999999999999999999s",
            "3651d",
            "9223372036854775807d",
        ] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(millis in 0..=LONGEST) {
            prop_assert_eq!(Span::parse(&Span(millis).to_string()), Some(Span(millis)));
        }

        #[test]
        fn any_text_is_read_or_refused_and_never_panics(text in "\\PC{0,20}") {
            if let Some(span) = Span::parse(&text) {
                prop_assert!((0..=LONGEST).contains(&span.millis()));
            }
        }
    }
}
