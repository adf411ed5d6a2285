//! How much a flow, or what was passed, is worth: the `acr` of a token.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Factor, Flow, Passed, Vocabulary};

/// How many kinds of proof are combined. It claims no NIST level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// One kind of proof, however often.
    Single,
    /// Two kinds, of which one is no full factor: email proves reach only, a hardcode is too short.
    TwoStep,
    /// Something known together with something held (SMS included, which NIST restricts).
    MultiFactor,
}

/// Text that names no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no level; valid are single, twostep, multifactor")]
pub struct UnknownLevel;

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Self; 3] = [Self::Single, Self::TwoStep, Self::MultiFactor];

    /// Its name in the settings and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::TwoStep => "twostep",
            Self::MultiFactor => "multifactor",
        }
    }

    /// The level that an `acr` names; the lowest for any other.
    pub fn of_acr(acr: &str) -> Self {
        Self::ALL.into_iter().find(|level| level.acr() == acr).unwrap_or(Self::Single)
    }

    /// Its name in the `acr` claim of a token (R11).
    pub const fn acr(self) -> &'static str {
        match self {
            Self::Single => "urn:multauth:acr:single",
            Self::TwoStep => "urn:multauth:acr:twostep",
            Self::MultiFactor => "urn:multauth:acr:multifactor",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or(UnknownLevel)
    }
}

/// The level of factors passed together; none at all is the lowest.
///
/// Something known and something held make [`Level::MultiFactor`]. A weak secret with something held does not:
/// NIST SP 800-63B-4 (section 3.1.1.2) wants eight characters of a password even beside a second factor.
/// Reach counts as a kind of its own, never as possession. Two of a kind stay one kind.
pub fn level_of(factors: &[Factor]) -> Level {
    let has = |factor| factors.contains(&factor);
    let holds = has(Factor::Restricted) || has(Factor::Held);
    let knows = has(Factor::Known) || has(Factor::Weak);
    let kinds = [knows, holds, has(Factor::Reach)].into_iter().filter(|kind| *kind).count();
    match kinds {
        2.. if has(Factor::Known) && holds => Level::MultiFactor,
        2.. => Level::TwoStep,
        _ => Level::Single,
    }
}

/// The level of what was really passed in an attempt, by the devices that carried it.
pub fn level_of_passed(passed: &[Passed], words: &Vocabulary) -> Level {
    level_of(&passed.iter().filter_map(|item| words.factor_of(item)).collect::<Vec<_>>())
}

/// The level that a flow surely reaches: an open passcode counts as its weakest carrier among those that work.
pub fn level_of_flow(flow: &Flow, words: &Vocabulary) -> Level {
    levels_of_flow(flow, words).0
}

/// The least and the most that a flow reaches, by the devices that may carry its passcodes.
pub fn levels_of_flow(flow: &Flow, words: &Vocabulary) -> (Level, Level) {
    let mut ways: Vec<Vec<Factor>> = vec![Vec::new()];
    for secret in &flow.secrets {
        let factors = words.factors_of(secret);
        let with = |way: &Vec<Factor>| -> Vec<Vec<Factor>> {
            factors.iter().map(|factor| [way.as_slice(), &[*factor]].concat()).collect()
        };
        ways = ways.iter().flat_map(with).collect();
    }
    let levels = || ways.iter().map(|way| level_of(way));
    (levels().min().unwrap_or(Level::Single), levels().max().unwrap_or(Level::Single))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{flow, passed, words, words_without};
    use super::*;

    #[test]
    fn a_level_reads_back() {
        for level in Level::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
            assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
            assert!(level.acr().ends_with(level.as_str()));
        }
        assert_eq!("MultiFactor".parse::<Level>(), Err(UnknownLevel));
        assert!(Level::Single < Level::TwoStep && Level::TwoStep < Level::MultiFactor);
    }

    #[test]
    fn what_was_passed_decides() {
        let level = |items: &[&str]| level_of_passed(&passed(items), &words());
        let table: [(&[&str], Level); 13] = [
            (&[], Level::Single),
            (&["password"], Level::Single),
            (&["password", "hardcode"], Level::Single),
            (&["passcode:phone", "passcode:authenticator"], Level::Single),
            (&["passcode:email"], Level::Single),
            (&["passcode:email", "passcode:phone"], Level::TwoStep),
            (&["password", "passcode:email"], Level::TwoStep),
            (&["hardcode", "passcode:email"], Level::TwoStep),
            (&["hardcode", "passcode:phone"], Level::TwoStep),
            (&["hardcode", "passcode:authenticator"], Level::TwoStep),
            (&["password", "passcode:phone"], Level::MultiFactor),
            (&["password", "passcode:authenticator"], Level::MultiFactor),
            (&["password", "passcode", "passcode:pigeon", "retina"], Level::Single),
        ];
        for (items, expected) in table {
            assert_eq!(level(items), expected, "{items:?}");
        }
    }

    #[test]
    fn an_open_passcode_counts_as_its_weakest_carrier_that_works() {
        let open = flow(&["email", "password", "passcode"]);
        assert_eq!(levels_of_flow(&open, &words()), (Level::TwoStep, Level::MultiFactor));
        assert_eq!(level_of_flow(&open, &words_without(&["email"])), Level::MultiFactor);
        let narrowed = flow(&["email", "password", "passcode:email"]);
        assert_eq!(levels_of_flow(&narrowed, &words()), (Level::TwoStep, Level::TwoStep));
    }
}
