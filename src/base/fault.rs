//! What is wrong with one field of an input, said so that a person can mend it.

use super::faults::Wrong;

/// A refused value: the field, a stable code and a plain sentence. The value itself is never in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Fault {
    /// The field's name as the client wrote it, such as `email`.
    pub field: String,
    /// A stable code, such as `too_short`.
    pub code: &'static str,
    /// What is wrong and what would be right, in plain words.
    pub message: String,
}

impl Fault {
    /// A fault of `field`.
    pub fn new(field: impl Into<String>, wrong: Wrong) -> Self {
        Self { field: field.into(), code: wrong.code(), message: wrong.to_string() }
    }

    /// A fault in the words of an own program: a stable code in `snake_case`, and a sentence that says what would be
    /// right.
    pub fn own(field: impl Into<String>, code: &'static str, sentence: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: sentence.into() }
    }
}
