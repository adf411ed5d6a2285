//! A flow as an operator writes it, before anybody has understood it.

use serde::Deserialize;

/// One entry of `flows` or `recovery`: `["email", "password"]`, or a table with options.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a list of names such as [\"email\", \"password\"], or a table with `use`")]
pub enum TupleSpec {
    /// `["email", "password", "passcode"]`
    Plain(Vec<String>),
    /// `{ use = [...], name = "...", allow_downgrade = true }`
    Detailed(Detailed),
}

/// A flow with options.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detailed {
    /// One identifier, then the secrets.
    #[serde(rename = "use")]
    pub words: Vec<String>,
    /// What people call this flow.
    #[serde(default)]
    pub name: Option<String>,
    /// Lets this flow end although the user is equipped for a stronger one.
    #[serde(default)]
    pub allow_downgrade: bool,
}

impl TupleSpec {
    /// The words of the tuple, identifier first.
    pub fn words(&self) -> &[String] {
        match self {
            Self::Plain(words) => words,
            Self::Detailed(detailed) => &detailed.words,
        }
    }

    /// Its options; a plain tuple has none.
    pub fn detailed(&self) -> Option<&Detailed> {
        match self {
            Self::Plain(_) => None,
            Self::Detailed(detailed) => Some(detailed),
        }
    }
}
