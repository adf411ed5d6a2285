//! The events, their names and their payloads.

use crate::base::DeviceId;
use serde::Serialize;
use serde_json::Value;

/// Who did something to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Its owner.
    User,
    /// Whoever recovered it.
    Recovery,
    /// The operator.
    Operator,
    /// The server itself.
    Server,
}

/// An event as it is documented.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// Its name, such as `user.created`.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Its payload.
    pub fields: &'static [Field],
}

/// A field of a payload.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub about: &'static str,
}

macro_rules! events {
    ($(
        $( #[doc = $about:literal] )+
        $variant:ident = $name:literal {
            $( $( #[doc = $of_field:literal] )+ $field:ident: $kind:ty, )*
        }
    )*) => {
        /// Something that happened.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Event {
            $(
                $( #[doc = $about] )+
                $variant {
                    $( $( #[doc = $of_field] )+ $field: $kind, )*
                },
            )*
        }

        impl Event {
            /// Its name, such as `user.created`.
            pub const fn name(&self) -> &'static str {
                match self {
                    $( Self::$variant { .. } => $name, )*
                }
            }
        }

        /// Every event, in the order of the documentation.
        pub const NAMES: &[Described] = &[
            $( Described {
                name: $name,
                about: concat!($( $about ),+).trim_ascii(),
                fields: &[ $( Field {
                    name: stringify!($field),
                    about: concat!($( $of_field ),+).trim_ascii(),
                }, )* ],
            }, )*
        ];
    };
}

events! {
    /// An account was made.
    UserCreated = "user.created" {
        /// `user` or `operator`.
        by: By,
        /// Whether it may be used at once.
        active: bool,
        /// The groups that it begins in.
        groups: Vec<String>,
    }
    /// Profile or groups were changed.
    UserUpdated = "user.updated" {
        /// `user`, `operator` or `server`.
        by: By,
        /// Names of the fields of the profile that changed.
        fields: Vec<String>,
        /// The groups that it is in from now on; null where they are as before.
        groups: Option<Vec<String>>,
    }
    /// An account may not be used any more.
    UserDisabled = "user.disabled" {
        /// `operator`.
        by: By,
    }
    /// An account may be used again.
    UserEnabled = "user.enabled" {
        /// `operator`.
        by: By,
    }
    /// An account was deleted; it is purged when its grace period is over.
    UserDeleted = "user.deleted" {
        /// `user` or `operator`.
        by: By,
        /// When nothing personal is left of it (RFC 3339).
        purge_at: String,
    }
    /// A deleted account was brought back within its grace period.
    UserRestored = "user.restored" {
        /// `operator`.
        by: By,
    }
    /// Nothing personal is left of an account.
    UserPurged = "user.purged" {
        /// `user`, `operator` or `server`.
        by: By,
    }
    /// The operator looked an account up by a name, an address or the profile.
    UserLookedUp = "user.looked_up" {
        /// `operator`.
        by: By,
        /// Whether addresses were shown whole.
        unmasked: bool,
    }
    /// Wrong guesses at an account are forgotten: none of its factors waits or rests any more.
    UserUnlocked = "user.unlocked" {
        /// `operator`.
        by: By,
    }
    /// Sessions, known devices, pending changes and secrets of an account are gone; new ones are set by its owner.
    UserReset = "user.reset" {
        /// `operator`.
        by: By,
        /// How many devices were removed with it by name.
        devices: u64,
    }
    /// Somebody signed in: a sign-up that made an account, a sign-in or a re-authentication was finished.
    SigninSucceeded = "signin.succeeded" {
        /// `signup`, `signin` or `reauth`.
        purpose: &'static str,
        /// The flow that was passed.
        flow: String,
        /// The level that it gives.
        acr: String,
        /// The factors that were passed (RFC 8176).
        amr: Vec<String>,
        /// Whether a recovery code stood in for a passcode.
        recovery_code: bool,
    }
    /// A secret was wrong. It is about a user where somebody has the identifier, and about nobody otherwise.
    SigninFailed = "signin.failed" {
        /// `signin`, `recovery` or `reauth`; the current password, asked for with a new one, is a `reauth` too.
        purpose: &'static str,
        /// The kind of the identifier; empty where none was given.
        identifier: String,
        /// The secret that was wrong: `password`, `passcode`, `hardcode` or `recovery_code`.
        secret: &'static str,
    }
    /// A sign-in passed a secret and ended by its time, and nobody came in to the account since it began. The owner
    /// is told of it, once a day at most; of more than that there is no event.
    SigninUnfinished = "signin.unfinished" {
        /// `signin`.
        purpose: &'static str,
    }
    /// A code or link was asked for; what of it is sent is another field. In a sign-up it is about the account to be.
    VerificationSent = "verification.sent" {
        /// What it is for: `signup`, `signin`, `recovery`, `reauth`, `device`, `undo` or `verification`.
        purpose: &'static str,
        /// `code`; `notice` where the address is taken, so that its owner is told instead; `nothing` where nobody has
        /// the identifier, no more may be sent there, or the code is a fixed one.
        sent: &'static str,
        /// How it leaves: `email`, `sms`, `whatsapp` or `call`.
        channel: &'static str,
        /// The id of the message.
        message: String,
        /// The country of the number (ISO 3166-1); empty for email.
        country: String,
    }
    /// A code or link was right.
    VerificationSucceeded = "verification.succeeded" {
        /// What it was for, as in `verification.sent`.
        purpose: &'static str,
        /// How it came; `authenticator` where no message carried it.
        channel: String,
    }
    /// A code was wrong. In a sign-in, a recovery or a re-authentication `signin.failed` is told as well.
    VerificationFailed = "verification.failed" {
        /// What it was for, as in `verification.sent`.
        purpose: &'static str,
        /// How it came; `authenticator` where no message carried it; empty where none was sent.
        channel: String,
    }
    /// A vendor reported what became of a message.
    VerificationStatusChanged = "verification.status_changed" {
        /// The id of the message.
        message: String,
        /// What it said, a name such as `signin_code`.
        kind: String,
        /// How it left.
        channel: String,
        /// The provider that reports it, by its name in the settings.
        provider: String,
        /// `underway`, `delivered`, `failed` or `unreachable`.
        status: String,
    }
    /// A device was added to an account.
    DeviceAdded = "device.added" {
        /// `user`, `recovery` or `operator`.
        by: By,
        /// Its id.
        device: DeviceId,
        /// Its kind.
        kind: String,
        /// Whether it counts already.
        confirmed: bool,
    }
    /// A device counts from now on.
    DeviceConfirmed = "device.confirmed" {
        /// Its id.
        device: DeviceId,
        /// Its kind.
        kind: String,
    }
    /// A device was removed from an account, or another one took its place.
    DeviceRemoved = "device.removed" {
        /// `user`; `recovery`; `operator`; `server` for a claim to an address that somebody else proved.
        by: By,
        /// Its id.
        device: DeviceId,
        /// Its kind.
        kind: String,
    }
    /// A password was set or changed.
    PasswordChanged = "password.changed" {
        /// `user`, `recovery` or `operator`.
        by: By,
    }
    /// A secret of an own kind was set or changed.
    SecretChanged = "secret.changed" {
        /// `user` or `recovery`.
        by: By,
        /// Its kind.
        secret: String,
    }
    /// Recovery codes were made; earlier ones are dead.
    RecoveryCodesMade = "recovery_codes.made" {
        /// `user` where the owner asked for them; `server` where they came with a device or a sign-in.
        by: By,
        /// How many there are.
        count: u64,
    }
    /// The label of a device was changed, or which one of its kind comes first.
    DeviceChanged = "device.changed" {
        /// `user`.
        by: By,
        /// Its id.
        device: DeviceId,
        /// Its kind.
        kind: String,
        /// Whether it comes first from now on.
        primary: bool,
    }
    /// An account was recovered.
    RecoveryCompleted = "recovery.completed" {
        /// The kind of the identifier that it was recovered by; empty where somebody vouched for its owner.
        identifier: String,
    }
    /// Sessions of a user ended, other than by their time.
    SessionEnded = "session.ended" {
        /// `signed_out`; `password_changed`, `secret_changed`; `recovered`; `device_removed`; `proven` where an
        /// address is shown to be its owner's for the first time; `undone` where the change of an address was taken
        /// back; `reused` where a refresh token came back; `disabled`, `deleted`, `reset` or `operator`.
        reason: &'static str,
        /// How many ended; one where the event names the session.
        count: u64,
    }
    /// A message was given up.
    MessageFailed = "message.failed" {
        /// The id of the message.
        message: String,
        /// What it said, a name such as `signin_code`.
        kind: String,
        /// How it was to leave.
        channel: String,
        /// `unreachable` where a provider says so of the address, `refused` where every provider refused the message or
        /// its address, `expired` where nobody took it before its code ended, `untaken` where nobody took it
        /// within three days, `unreadable` where it cannot be opened, `vetoed` where a hook refused it.
        why: &'static str,
    }
}

/// Every event with what its payload holds, for people.
pub fn reference() -> String {
    let widest = NAMES.iter().flat_map(|event| event.fields).map(|field| field.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for event in NAMES {
        text += &format!("{}\n    {}\n", event.name, event.about);
        for field in event.fields {
            text += &format!("    {:<widest$}  {}\n", field.name, field.about);
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len() + 1);
    text
}

impl Event {
    /// Its payload, a JSON object.
    pub fn data(&self) -> Value {
        // Plain fields: serializing them cannot fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_told_apart_and_described() {
        let names: HashSet<_> = NAMES.iter().map(|event| event.name).collect();
        assert_eq!(names.len(), NAMES.len());
        for event in NAMES {
            assert!(event.about.ends_with('.') && event.name.contains('.'), "{}", event.name);
            assert!(event.fields.iter().all(|field| field.about.ends_with('.')), "{}", event.name);
        }
    }

    #[test]
    fn a_payload_has_the_fields_that_are_documented() {
        let event = Event::UserCreated { by: By::User, active: true, groups: vec!["staff".into()] };
        assert_eq!(event.data(), serde_json::json!({"by": "user", "active": true, "groups": ["staff"]}));
        let described = NAMES.iter().find(|one| one.name == event.name()).unwrap();
        let names: Vec<_> = described.fields.iter().map(|field| field.name).collect();
        assert_eq!(names, ["by", "active", "groups"]);
    }
}
