//! What a message is about, typed, before it becomes text.

use url::Url;

use super::{Kind, clean, mask_address};
use crate::base::{Millis, Sensitive, clock};

/// Who writes: the same in every message of an installation.
#[derive(Clone, Debug)]
pub struct Sender {
    /// What people call the service.
    pub service: String,
    /// Where people reach it; links start with it, and its host is what a code is bound to.
    pub public_url: Url,
    /// How a person objects, such as `support@example.com` or a phone number; a sentence without a link follows
    /// where there is none.
    pub contact: Option<String>,
}

impl Sender {
    /// The host that codes are bound to (R50).
    pub fn domain(&self) -> &str {
        self.public_url.host_str().unwrap_or("localhost")
    }

    /// The page that spends `key`, and changes nothing when it is only opened.
    pub fn link(&self, key: &str) -> String {
        format!("{}/confirm/{key}", self.public_url.as_str().trim_end_matches('/'))
    }
}

/// What one message is about. All text is data: it is cleaned and escaped when it is rendered (R131, R132).
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// When it was asked for, or happened.
    pub at: Millis,
    /// Roughly where from: the network of the client, such as `192.0.2.0/24`.
    pub place: Option<String>,
    /// What the account is called, so that the reader sees who asked for what (R129).
    pub account: Option<String>,
    /// The device concerned: its label or its masked address.
    pub device: Option<String>,
    /// The kind of a device that has neither, such as `authenticator`: each language has its name for it.
    pub device_kind: Option<&'static str>,
    /// The code, for the kinds that carry one.
    pub code: Option<Code>,
}

/// A code on its way to a person.
#[derive(Clone, Debug)]
pub struct Code {
    /// What is typed: ASCII letters and digits.
    pub code: Sensitive,
    /// The key of the link that does the same; base64url text.
    pub key: Option<Sensitive>,
    /// How long both live, in milliseconds.
    pub lifetime: Millis,
}

impl Code {
    /// Whether code and key are made of what cannot break a line, a link or the origin-bound form.
    pub(super) fn is_sound(&self) -> bool {
        let letters = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        let base64url =
            |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let key = self.key.as_ref().is_none_or(|key| !key.expose().is_empty() && base64url(key.expose()));
        letters(self.code.expose()) && key
    }
}

impl Context {
    /// A context with everything in it that `kind` can show: for previews, and for the trial at start.
    pub fn sample(kind: Kind) -> Self {
        let lifetime = if kind.is_undo() { 3 * clock::DAY } else { 10 * clock::MINUTE };
        let code = Code { code: "305118".into(), key: Some("4Zb0kEo".into()), lifetime };
        Self {
            at: 1_772_359_200_000,
            place: Some("192.0.2.0/24".into()),
            account: Some("maria".into()),
            device: Some("Maria's phone".into()),
            device_kind: None,
            code: kind.carries_code().then_some(code),
        }
    }

    /// The account as `kind` may show it: masked where the reader has not proven anything (R133).
    pub(super) fn account(&self, kind: Kind) -> Option<String> {
        let name = clean::name(self.account.as_deref()?)?;
        Some(if kind.to_unconfirmed() { mask_address(&name) } else { name })
    }

    /// The device as `kind` may show it; its label is somebody's choice, so the unproven never see one.
    pub(super) fn device(&self, kind: Kind) -> Option<String> {
        self.device.as_deref().filter(|_| !kind.to_unconfirmed()).and_then(clean::name)
    }
}
