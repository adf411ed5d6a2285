use std::fmt;
use std::sync::Arc;

/// Where a value was written; ordered as mistakes are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::settings) enum Place {
    /// A file as the operator named it, and the line (0: the file as a whole).
    File(Arc<str>, usize),
    /// The name of an environment variable.
    Env(Arc<str>),
    /// A line of the built-in `config/default.toml`.
    Default(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name, 0) => f.write_str(name),
            Self::File(name, line) => write!(f, "{name}:{line}"),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::Default(line) => write!(f, "built-in default.toml:{line}"),
        }
    }
}
