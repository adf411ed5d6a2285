//! What an attempt answers: what is asked next, or that it is done.

use serde::{Deserialize, Serialize};

use super::purpose::Purpose;
use crate::base::Sensitive;

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
    /// Any of these moves it on.
    pub ask: Vec<Ask>,
}

/// One thing that moves an attempt on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// `password`, `passcode`, `hardcode`, `new_password` or `profile`.
    pub secret: String,
    /// The device that carries the passcode, once something is proven.
    pub device: Option<String>,
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
}

/// A secret that was passed in an attempt, as the attempt's row keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The secret's name.
    pub secret: String,
    /// The kind of the device that carried it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The id of that device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

impl Proof {
    /// Whether a recovery code stood in for a passcode (R72).
    pub fn is_recovery_code(&self) -> bool {
        self.secret == "passcode" && self.device.is_none()
    }
}
