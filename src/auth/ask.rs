//! What an attempt can ask; a sign-up, a verification and the profile ask the same way.

use crate::base::{Purpose, Sensitive};

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
