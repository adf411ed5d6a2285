//! What a code was sent for, as the database names it. Codes of one scope are told apart by their targets; what belongs to
//! a scope ends with it.

use std::fmt::{Display, Formatter};

use super::ids::{AttemptId, DeviceId};
use super::unknown::Unknown;

/// What a code belongs to. In the database: its word, a slash, and the name of the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// An attempt.
    Attempt(AttemptId),
    /// The confirmation of a device.
    Device(DeviceId),
    /// The proof that a factor goes only where it is shown.
    Proof(DeviceId),
    /// A change that can be taken back, by its id.
    Undo(String),
    /// A verification of a backend's, by its key and the hash of its handle.
    Verification(String),
    /// A mute of strangers, by its name.
    Muted(String),
}

impl Scope {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Attempt(id) => ("attempt", id),
            Self::Device(id) => ("device", id),
            Self::Proof(id) => ("proof", id),
            Self::Undo(id) => ("undo", id),
            Self::Verification(name) => ("verification", name),
            Self::Muted(name) => ("muted", name),
        }
    }
}

impl Display for Scope {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let (word, name) = self.parts();
        write!(f, "{word}/{name}")
    }
}

impl TryFrom<String> for Scope {
    type Error = Unknown;

    /// As the database has it.
    fn try_from(text: String) -> Result<Self, Unknown> {
        match text.split_once('/') {
            Some(("attempt", id)) => Ok(Self::Attempt(id.into())),
            Some(("device", id)) => Ok(Self::Device(id.into())),
            Some(("proof", id)) => Ok(Self::Proof(id.into())),
            Some(("undo", id)) => Ok(Self::Undo(id.to_owned())),
            Some(("verification", name)) => Ok(Self::Verification(name.to_owned())),
            Some(("muted", name)) => Ok(Self::Muted(name.to_owned())),
            _ => Err(Unknown("scope")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let all = [
            Scope::Attempt("a".into()),
            Scope::Device("d".into()),
            Scope::Proof("d".into()),
            Scope::Undo("c".into()),
            Scope::Verification("key/hash".into()),
            Scope::Muted("n".into()),
        ];
        for scope in all {
            assert_eq!(Scope::try_from(scope.to_string()), Ok(scope));
        }
        assert_eq!(Scope::try_from("attempts/a".to_owned()), Err(Unknown("scope")));
    }
}
