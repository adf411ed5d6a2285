//! What was shown of an account in an attempt, and kept with the session that came of it.

use crate::base::{DeviceId, Millis};
use crate::flows::Passed;
use serde::Deserialize;
use serde::Serialize;

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
    pub device: Option<DeviceId>,
    /// When it was passed; in a session alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Millis>,
}

/// What stands as the secret of a proof where somebody vouched instead. No secret can be called so: names have no
/// space.
pub(super) const VOUCHED: &str = "vouched for";

/// What stands as the secret of a proof that names one which is gone.
const LOST: &str = "is gone";

impl Proof {
    /// A fixed secret, by the device that holds it where there is one.
    pub fn fixed(secret: &str, device: Option<DeviceId>) -> Self {
        Self { secret: secret.to_owned(), kind: None, device, at: None }
    }

    /// A passcode, by a device of a kind.
    pub fn passcode(kind: &str, device: &DeviceId) -> Self {
        let (kind, device) = (Some(kind.to_owned()), Some(device.to_owned()));
        Self { secret: "passcode".to_owned(), kind, device, at: None }
    }

    /// A recovery code in the place of a passcode by a device of a kind.
    pub fn stood_in(kind: Option<String>) -> Self {
        Self { secret: "passcode".to_owned(), kind, device: None, at: None }
    }

    /// What stands in for every proof of an attempt that somebody vouched for: the operator, or the owner of a device
    /// who took a change back.
    pub fn vouched(device: Option<&DeviceId>) -> Self {
        Self { secret: VOUCHED.to_owned(), kind: None, device: device.cloned(), at: None }
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
            id: self.device.clone().map(String::from),
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
