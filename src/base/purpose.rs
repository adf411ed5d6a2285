//! What a code is good for. A code of one purpose never passes for another (R5).

use super::unknown::Unknown;

/// What an attempt, or a code, is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signing in.
    Signin,
    /// Making an account.
    Signup,
    /// Setting a new password without the old one.
    Recovery,
    /// Proving again who one is, within a session.
    Reauth,
    /// Confirming a device of one's own.
    Device,
    /// Taking the change of an address back.
    Undo,
    /// Showing that one holds a number or address; no account is involved.
    Verification,
    /// Being counted apart from whoever guesses at a factor; it proves nothing (R37).
    Unlock,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 8] = [
        Self::Signin,
        Self::Signup,
        Self::Recovery,
        Self::Reauth,
        Self::Device,
        Self::Undo,
        Self::Verification,
        Self::Unlock,
    ];

    /// Its name in answers and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signin => "signin",
            Self::Signup => "signup",
            Self::Recovery => "recovery",
            Self::Reauth => "reauth",
            Self::Device => "device",
            Self::Undo => "undo",
            Self::Verification => "verification",
            Self::Unlock => "unlock",
        }
    }

    /// The purpose of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// Whether it is at an account whose factors are guessed at.
    pub const fn is_at_account(self) -> bool {
        matches!(self, Self::Signin | Self::Reauth | Self::Unlock)
    }

    /// Under which name the settings may give it codes of another shape.
    pub const fn shape(self) -> &'static str {
        match self {
            Self::Signup | Self::Device => "confirm",
            Self::Recovery => "recovery",
            Self::Signin | Self::Reauth | Self::Undo | Self::Verification | Self::Unlock => "",
        }
    }
}

impl TryFrom<String> for Purpose {
    type Error = Unknown;

    /// As the database has it.
    fn try_from(name: String) -> Result<Self, Unknown> {
        Self::named(&name).ok_or(Unknown("purpose"))
    }
}
