//! A word in the database that this version does not know.

/// What no version up to this one writes there: `purpose`, `channel`, `scope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database has a {0} that is not known here: was it written by a later version?")]
pub struct Unknown(pub &'static str);
