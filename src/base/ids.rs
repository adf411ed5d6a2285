//! Ids of rows, a type for each sort of thing, and handles that clients carry: a short prefix that says what it is,
//! then 256 random bits. To add an id: a line of `ids!`.

use std::fmt::{Display, Formatter};
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::Random;
use super::seal::sha256_hex;

/// Ids of one sort each: that of a user does not pass for that of a device.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl PartialEq<String> for $name {
            fn eq(&self, other: &String) -> bool {
                self.0 == *other
            }
        }

        impl From<$name> for serde_json::Value {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
ids! {
    /// A user: a UUID.
    UserId
    /// A device of a user: a UUID.
    DeviceId
    /// A session: a UUID.
    SessionId
    /// An attempt: the SHA-256 of its handle in hex.
    AttemptId
    /// A known device: a UUID.
    KnownDeviceId
}

/// The handle of an attempt.
pub const ATTEMPT: &str = "at_";
/// The secret of an API key.
pub const API_KEY: &str = "mk_";
/// The handle of a verification.
pub const VERIFICATION: &str = "vf_";
/// A refresh token.
pub const REFRESH: &str = "rt_";
/// The credential of a known device.
pub const KNOWN_DEVICE: &str = "kd_";

/// A fresh handle: `prefix` and 43 characters of base64url.
pub fn handle(random: &Random, prefix: &str) -> String {
    format!("{prefix}{}", random.token())
}

/// What the database keeps of a handle: its SHA-256 in hex. `None` where `text` is no such handle (R77).
pub fn stored(text: &str, prefix: &str) -> Option<String> {
    let rest = text.strip_prefix(prefix)?;
    let sound = rest.len() == 43 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    sound.then(|| sha256_hex(text.as_bytes()))
}

/// A UUID in its canonical lower-case form; `None` for anything else (R140).
pub fn uuid(text: &str) -> Option<String> {
    let id = uuid::Uuid::try_parse(text).ok()?.to_string();
    (id == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_taken_whole_or_not_at_all() {
        let made = handle(&Random::System, ATTEMPT);
        assert!(stored(&made, ATTEMPT).is_some());
        assert!(stored(&made[..made.len() - 1], ATTEMPT).is_none());
        assert!(stored(&format!("{made}A"), ATTEMPT).is_none());
        assert!(stored(&made, VERIFICATION).is_none());
    }

    #[test]
    fn only_the_canonical_spelling_of_a_uuid_is_taken() {
        let id = Random::System.uuid();
        assert_eq!(uuid(&id).as_deref(), Some(id.as_str()));
        assert_eq!(uuid("../etc"), None);
        assert_eq!(uuid("{67e55044-10b1-426f-9247-bb680e5fe0c8}"), None);
    }
}
