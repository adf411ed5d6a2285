//! What a message is about, typed, before it becomes text.

use url::Url;

use super::{Kind, clean, mask_address};
use crate::base::{Millis, Sensitive, clock};

/// When samples happen.
const SAMPLE_AT: Millis = 1_772_359_200_000;

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
    /// The code of the kinds that carry one; the undo of those that may be undone, where there is one.
    pub code: Option<Code>,
    /// What was added to the account lately, for [`Kind::RecoveryDone`].
    pub recent: Vec<Recent>,
    /// Whether the recovery codes went with the secrets, for [`Kind::RecoveryDone`].
    pub codes_gone: bool,
    /// Masked addresses that somebody else has proven meanwhile, for [`Kind::ChangeUndone`].
    pub lost: Vec<String>,
}

/// A device that was added lately.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    /// Its masked address.
    pub device: Option<String>,
    /// Its kind where it has no address, such as `authenticator`: each language has its name for it.
    pub device_kind: Option<&'static str>,
    /// When it was added.
    pub since: Millis,
    /// What takes it away again.
    pub undo: Option<Code>,
}

/// A code on its way to a person.
#[derive(Clone, Debug)]
pub struct Code {
    /// What is typed: ASCII letters and digits.
    pub code: Sensitive,
    /// The key of the link that does the same, or whose page asks for the code of an undo; base64url text.
    pub key: Option<Sensitive>,
    /// How long both live, in milliseconds.
    pub lifetime: Millis,
    /// Whether the page behind the link asks for the code, and leads on.
    pub leads_on: bool,
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

impl Recent {
    /// One that can be taken back, and one that cannot.
    fn samples() -> Vec<Self> {
        let undo = Code {
            code: "914402".into(),
            key: Some("9Qm2tVx".into()),
            lifetime: 2 * clock::DAY,
            leads_on: false,
        };
        let since = SAMPLE_AT - clock::DAY;
        vec![
            Self {
                device: Some("b•••@example.org".into()), since, undo: Some(undo), ..Self::default()
            },
            Self { device_kind: Some("authenticator"), since, ..Self::default() },
        ]
    }
}

impl Context {
    /// A context with everything in it that `kind` can show: for previews, and for the trial at start.
    pub fn sample(kind: Kind) -> Self {
        let lifetime = if kind.may_be_undone() { 3 * clock::DAY } else { 10 * clock::MINUTE };
        let leads_on = kind.may_lead_on();
        let code = Code { code: "305118".into(), key: Some("4Zb0kEo".into()), lifetime, leads_on };
        let recovered = kind == Kind::RecoveryDone;
        let lost = ["b•••@example.org", "+•••67"].map(str::to_owned);
        Self {
            at: SAMPLE_AT,
            place: Some("192.0.2.0/24".into()),
            account: Some("maria".into()),
            device: Some("Maria's phone".into()),
            device_kind: None,
            code: (kind.carries_code() || kind.may_be_undone()).then_some(code),
            recent: if recovered { Recent::samples() } else { Vec::new() },
            codes_gone: recovered,
            lost: if kind == Kind::ChangeUndone { lost.to_vec() } else { Vec::new() },
        }
    }

    /// The same for a voice, which reads out no link; the code of an undo is good for nothing without it.
    pub(super) fn spoken(&self, kind: Kind) -> Self {
        let code = self.code.clone().filter(|_| !kind.may_be_undone());
        let silent = |one: &Recent| Recent { undo: None, ..one.clone() };
        Self { code, recent: self.recent.iter().map(silent).collect(), ..self.clone() }
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
