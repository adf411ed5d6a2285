//! What is wrong in the settings, said so that an operator can mend it.

/// One mistake in the settings: where it is and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key's path as an operator would say it: `flows[2]`, `email.providers[0].port`.
    pub path: String,
    /// What is wrong and what would be right, valid names included.
    pub message: String,
}

impl Mistake {
    /// A mistake at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}
