//! Why a body was not read to its end.

use std::error::Error;
use std::io;

use poem::error::ReadBodyError;

/// Why the server stopped reading a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// It is larger than its path takes.
    #[error("the body is larger than this path takes")]
    TooLarge,
    /// It came more slowly than a body may.
    #[error("the body came too slowly")]
    TooSlow,
    /// Too many large bodies arrive at the same time.
    #[error("too many large bodies arrive at the same time")]
    Crowded,
}

impl Cut {
    /// The cut behind an error of reading; whoever reads may have wrapped it once more.
    pub fn behind(error: &ReadBodyError) -> Option<Self> {
        let ReadBodyError::Io(error) = error else { return None };
        let mut error: &(dyn Error + Send + Sync) = error.get_ref()?;
        while let Some(inner) = error.downcast_ref::<io::Error>() {
            error = inner.get_ref()?;
        }
        error.downcast_ref().copied()
    }
}

impl From<Cut> for io::Error {
    fn from(cut: Cut) -> Self {
        Self::other(cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_known_however_often_it_was_wrapped() {
        let once = ReadBodyError::Io(Cut::TooLarge.into());
        let twice = ReadBodyError::Io(io::Error::other(io::Error::from(Cut::Crowded)));
        assert_eq!((Cut::behind(&once), Cut::behind(&twice)), (Some(Cut::TooLarge), Some(Cut::Crowded)));
        assert_eq!(Cut::behind(&ReadBodyError::Io(io::ErrorKind::BrokenPipe.into())), None);
    }
}
