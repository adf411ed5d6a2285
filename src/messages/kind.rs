//! The kinds of message: a name, and in every language an embedded file.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $carries:ident;)*) => {
        /// What a message is for. Its name is stable: the database and clients keep it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The stable name, such as `signin_code`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Whether a message of this kind is sent for the sake of a code, and never without.
            pub const fn carries_code(self) -> bool {
                match self { $(Self::$kind => kinds!(@code $carries),)* }
            }

            /// Whether a message of this kind may carry an undo: a link, and a code that the page behind it asks for,
            /// so that nobody takes a change back who only opens links.
            pub const fn may_be_undone(self) -> bool {
                match self { $(Self::$kind => kinds!(@undo $carries),)* }
            }
        }

        /// The embedded files of a language: each one's name and text, the words first.
        macro_rules! embedded {
            ($tag:literal) => {
                &[
                    ("words", include_str!(concat!("templates/", $tag, "/words.txt"))),
                    $(($name, include_str!(concat!("templates/", $tag, "/", $name, ".txt"))),)*
                ]
            };
        }
        pub(super) use embedded;
    };
    (@code code) => { true };
    (@code undo) => { false };
    (@code notice) => { false };
    (@undo undo) => { true };
    (@undo code) => { false };
    (@undo notice) => { false };
}

kinds! {
    /// The code that proves an address at sign-up.
    SignupCode = "signup_code", code;
    /// The code that signs in.
    SigninCode = "signin_code", code;
    /// The code that recovers an account.
    RecoveryCode = "recovery_code", code;
    /// The code that a signed-in person is asked for again.
    ReauthCode = "reauth_code", code;
    /// The code that confirms a device being added or changed.
    DeviceCode = "device_code", code;
    /// The code that proves an address to somebody else's service; no account is involved.
    VerificationCode = "verification_code", code;
    /// The code that sets its reader apart from whoever guesses at their account; it opens nothing (R37).
    UnlockCode = "unlock_code", code;
    /// To the owner of an address that somebody tried to sign up with (R17).
    SignupTaken = "signup_taken", notice;
    /// A device was added.
    DeviceAdded = "device_added", undo;
    /// An address was replaced by another: to the old one (R125).
    DeviceReplaced = "device_replaced", undo;
    /// A device was removed.
    DeviceRemoved = "device_removed", undo;
    /// The label of a device was changed, or which one of its kind comes first.
    DeviceChanged = "device_changed", notice;
    /// A change of devices was taken back by the link of an earlier message.
    ChangeUndone = "change_undone", notice;
    /// The password was changed.
    PasswordChanged = "password_changed", notice;
    /// A secret beside the password, of an own kind, was set or changed.
    SecretChanged = "secret_changed", notice;
    /// The account was recovered and earlier sessions ended.
    RecoveryDone = "recovery_done", notice;
    /// The account was deleted.
    AccountDeleted = "account_deleted", notice;
    /// The operator reset the account: its owner sets new secrets with what the operator gives them.
    AccountReset = "account_reset", notice;
    /// Too many wrong answers: a factor rests.
    FactorLocked = "factor_locked", notice;
    /// A refresh token came back a second time and its session was ended.
    RefreshReused = "refresh_reused", notice;
    /// A recovery code was used to sign in (R72).
    RecoveryCodeUsed = "recovery_code_used", notice;
    /// New recovery codes were made in the place of the older ones.
    RecoveryCodesMade = "recovery_codes_made", undo;
    /// A sign-in succeeded after several that failed (R128).
    SigninAfterFailures = "signin_after_failures", notice;
    /// A sign-in passed its first secret and never the next (R128).
    SigninUnfinished = "signin_unfinished", notice;
}

impl Kind {
    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether its mail leads on whoever reads it, where nothing was proven before its code.
    pub const fn may_lead_on(self) -> bool {
        matches!(self, Self::SigninCode | Self::RecoveryCode | Self::UnlockCode)
    }

    /// Whether it goes to an address that nobody has proven yet: no name that somebody chose is written
    /// there in full (R133).
    pub const fn to_unconfirmed(self) -> bool {
        matches!(self, Self::SignupCode | Self::DeviceCode | Self::VerificationCode)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| de::Error::custom("unknown kind of message"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_its_own() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(*kind));
            assert_eq!(kind.carries_code(), kind.name().ends_with("_code"));
            assert!(!(kind.carries_code() && kind.may_be_undone()));
        }
    }
}
