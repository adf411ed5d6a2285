//! Serde's complaints in an operator's words. A refused value is never quoted: it may be a secret.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::hint;

/// Why a value was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::settings) struct Error {
    pub message: String,
    /// The key, where it is one that nobody knows.
    pub unknown_key: Option<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        // What an untagged enum expects comes as a bare phrase.
        let verb = if message.starts_with("a ") { "must be " } else { "" };
        Self { message: format!("{verb}{message}"), unknown_key: None }
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::custom(format!("must be {}, and is {}", wanted_words(wanted), found_words(&found)))
    }

    fn invalid_value(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::custom(format!("must be {}", wanted_words(wanted)))
    }

    fn unknown_variant(found: &str, names: &'static [&'static str]) -> Self {
        Self::custom(format!("must be one of the names known here; {}", hint::none_of(found, names)))
    }

    fn unknown_field(found: &str, names: &'static [&'static str]) -> Self {
        let message = format!("there is no such setting; {}", hint::none_of(found, names));
        Self { message, unknown_key: Some(found.to_owned()) }
    }

    fn missing_field(name: &'static str) -> Self {
        Self::custom(format!("`{name}` is missing"))
    }
}

fn wanted_words(wanted: &dyn Expected) -> String {
    let words = wanted.to_string();
    match words.as_str() {
        "a boolean" => "true or false".into(),
        "a string" | "path string" | "string" => "text".into(),
        "a sequence" => "a list".into(),
        "a map" => "a table".into(),
        "u16" => format!("a whole number from 0 to {}", u16::MAX),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "usize" | "u64" => "a whole number that is not negative".into(),
        other if other.starts_with("struct ") => "a table of settings".into(),
        _ => words,
    }
}

fn found_words(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Str(_) | Unexpected::Char(_) => "text",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "something else",
    }
}
