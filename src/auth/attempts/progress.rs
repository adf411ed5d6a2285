//! What an attempt answers: what is asked next, or that it is done.

use serde::{Deserialize, Serialize};

use crate::auth::purpose::Purpose;
use crate::base::{Millis, Sensitive};
use crate::flows::Passed;
use crate::store::devices::Device;

/// The state of an attempt, as its client sees it.
#[derive(Clone, Debug)]
pub enum Progress {
    /// Something is asked.
    Ask(Asking),
    /// It is over.
    Done(Done),
}

/// An attempt that asks.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The handle to answer it by.
    pub attempt: Sensitive,
    /// What it is for.
    pub purpose: Purpose,
    /// Seconds until it ends.
    pub expires_in: u64,
    /// Any of these moves it on; at the end of a recovery all of them together.
    pub ask: Vec<Ask>,
}

/// One thing that moves an attempt on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// `password`, `passcode`, `hardcode`, a secret of an own kind, `new_password` or `profile`.
    pub secret: String,
    /// The device that carries the passcode, once something is proven.
    pub device: Option<String>,
    /// What its owner calls that device, once something is proven.
    pub label: Option<String>,
    /// How the passcode comes: a channel, or `authenticator`.
    pub channel: Option<String>,
    /// Where it goes, masked.
    pub to: Option<String>,
    /// How many characters the sent code has.
    pub length: Option<u32>,
    /// Seconds until the sent code ends; none where no code was sent.
    pub expires_in: Option<u64>,
    /// Seconds until it may be sent again.
    pub resend_in: Option<u64>,
    /// Seconds until it is looked at again from a device that is not known; none: now.
    pub retry_after: Option<u64>,
    /// Whether every provider that could deliver it fails at the moment, so that it will be late.
    pub delayed: bool,
    /// Guesses left for the sent code.
    pub attempts_left: Option<u32>,
    /// The channels that it may be sent by.
    pub channels: Vec<String>,
    /// The fields of the profile that are asked for.
    pub fields: Vec<AskedField>,
}

/// A field of the profile that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedField {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub label: Option<String>,
    /// What helps to fill it in.
    pub help: Option<String>,
    /// Whether it must be given.
    pub required: bool,
    /// Its JSON Schema.
    pub schema: serde_json::Value,
}

impl Ask {
    /// Something without particulars.
    pub fn plain(secret: impl Into<String>) -> Self {
        Self { secret: secret.into(), ..Self::default() }
    }
}

/// An attempt that is done.
#[derive(Clone, Debug)]
pub struct Done {
    /// What it was for.
    pub purpose: Purpose,
    /// The user's id.
    pub user: String,
    /// What the client carries from now on; a recovery gives none (R58).
    pub tokens: Option<Tokens>,
    /// Devices that were added within three days, where an account was recovered.
    pub recent: Vec<Recent>,
    /// Whether the recovery codes were dropped with the recovery.
    pub codes_gone: bool,
}

/// A device that was added lately, as whoever recovered the account is told.
#[derive(Clone, Debug)]
pub struct Recent {
    /// The device.
    pub device: Device,
    /// Its address, masked.
    pub to: Option<String>,
    /// The key that takes its addition back, by the code that the mail has beside it; none where nothing does.
    pub undo: Option<Sensitive>,
}

impl Done {
    /// One that says no more than for whom it is.
    pub fn of(purpose: Purpose, user: String) -> Self {
        Self { purpose, user, tokens: None, recent: Vec::new(), codes_gone: false }
    }
}

/// What a client carries after a sign-in.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token, a JWT.
    pub access_token: Sensitive,
    /// Seconds until the access token ends.
    pub expires_in: u64,
    /// The refresh token; none after a re-authentication, which keeps the session's.
    pub refresh_token: Option<Sensitive>,
    /// The credential of this device, where it was not known before (R66).
    pub known_device: Option<Sensitive>,
    /// The recovery code that takes the place of the one that was used (R72).
    pub recovery_code: Option<Sensitive>,
    /// Recovery codes, where the account had none and a device above reach was shown: seen this once.
    pub recovery_codes: Vec<Sensitive>,
}

/// A secret that was passed in an attempt, as the attempt's row keeps it, and the session's after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The secret's name.
    pub secret: String,
    /// The kind of the device that carried it; where a recovery code stood in, of the one that it stood in for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The id of the device that carried or held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// When it was passed; in a session alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Millis>,
}

/// What stands as the secret of a proof where somebody vouched instead. No secret can be called so: names have no
/// space.
const VOUCHED: &str = "vouched for";
/// What stands as the secret of a proof that names one which is gone.
const LOST: &str = "is gone";

impl Proof {
    /// A fixed secret, by the device that holds it where there is one.
    pub fn fixed(secret: &str, device: Option<String>) -> Self {
        Self { secret: secret.to_owned(), kind: None, device, at: None }
    }

    /// A passcode, by a device of a kind.
    pub fn passcode(kind: &str, device: &str) -> Self {
        let (kind, device) = (Some(kind.to_owned()), Some(device.to_owned()));
        Self { secret: "passcode".to_owned(), kind, device, at: None }
    }

    /// A recovery code in the place of a passcode by a device of a kind.
    pub fn stood_in(kind: Option<String>) -> Self {
        Self { secret: "passcode".to_owned(), kind, device: None, at: None }
    }

    /// What stands in for every proof of an attempt that somebody vouched for: the operator, or the owner of a device
    /// who took a change back.
    pub fn vouched(device: Option<&str>) -> Self {
        Self { secret: VOUCHED.to_owned(), kind: None, device: device.map(str::to_owned), at: None }
    }

    /// What stands beside that for a fixed secret which the account had until then.
    pub fn lost(name: &str) -> Self {
        Self { secret: LOST.to_owned(), kind: Some(name.to_owned()), device: None, at: None }
    }

    /// The fixed secret that the account had until somebody vouched.
    pub fn gone(&self) -> Option<&str> {
        self.kind.as_deref().filter(|_| self.secret == LOST)
    }

    /// Whether somebody vouched.
    pub fn is_vouched(&self) -> bool {
        self.secret == VOUCHED
    }

    /// Whether a recovery code stood in for a passcode (R72).
    pub fn is_recovery_code(&self) -> bool {
        self.secret == "passcode" && self.device.is_none()
    }

    /// What it shows of an account, for as long as the account has it: a secret that a person chose by its name, a
    /// device by its id.
    pub fn shows(&self) -> Option<&str> {
        match self.secret.as_str() {
            VOUCHED | LOST => None,
            "passcode" => self.device.as_deref(),
            fixed => Some(self.device.as_deref().unwrap_or(fixed)),
        }
    }

    /// As the flow engine sees it: a recovery code counts as what it stood in for.
    pub fn passed(&self) -> Passed {
        Passed {
            secret: self.secret.clone(),
            device: self.kind.clone(),
            id: self.device.clone(),
            stood_in: self.is_recovery_code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_can_be_called_as_what_somebody_vouched_for() {
        assert!(crate::devices::contract::name(VOUCHED).is_some());
        assert!(crate::secrets::SECRETS.iter().all(|kind| kind.name() != VOUCHED));
        assert!(Proof::vouched(None).is_vouched() && !Proof::vouched(None).is_recovery_code());
    }
}
