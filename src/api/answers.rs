//! What the API answers, typed.

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, Union};

use crate::auth::attempts::progress::{self, Progress};
use crate::auth::sessions::basis;
use crate::auth::{self, ask};
use crate::base::clock::rfc3339;
use crate::devices::Kinds;
use crate::store::{devices, sessions};

/// An attempt: something is asked, or it is done.
#[derive(Union)]
#[oai(discriminator_name = "state", one_of = true, rename_all = "snake_case")]
pub enum Attempt {
    /// Something is asked.
    Ask(Asking),
    /// It is over.
    Done(Done),
}

/// An attempt that asks. Any entry of `ask` moves it on; the end of a recovery takes all of them in one request.
#[derive(Object)]
pub struct Asking {
    /// The handle: answer at `POST /v1/attempts/{attempt}`.
    attempt: String,
    /// `signin`, `signup`, `recovery` or `reauth`.
    purpose: String,
    /// Seconds until the attempt ends.
    expires_in: u64,
    /// Any of these moves the attempt on. Where `new_password` is among them, all are given together.
    ask: Vec<Ask>,
}

/// One thing that moves an attempt on.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Ask {
    /// The field to answer with: `password`, `passcode`, `hardcode`, `new_password`, `profile`, `unlock_code`,
    /// `recovery_code`, or a secret of the
    /// installation's own. Beside `new_password` it is a new one.
    secret: String,
    /// The device that carries the passcode: its id or, while there is no account yet, its kind.
    device: Option<String>,
    /// What its owner calls that device, once something is proven.
    label: Option<String>,
    /// How the passcode comes: a channel, or `authenticator`.
    channel: Option<String>,
    /// Where it goes, masked.
    to: Option<String>,
    /// How many characters the sent code has.
    length: Option<u32>,
    /// Seconds until the sent code ends; absent where no code was sent.
    expires_in: Option<u64>,
    /// Seconds until it may be sent again.
    resend_in: Option<u64>,
    /// `true` where whatever could deliver it fails at the moment: it comes late, and what is asked stays the same.
    delayed: Option<bool>,
    /// Seconds until it is looked at again, after wrong guesses, from a device that is not known.
    retry_after: Option<u64>,
    /// Guesses left for the sent code.
    attempts_left: Option<u32>,
    /// The channels that it may be sent by.
    channels: Option<Vec<String>>,
    /// The fields that the `profile` must have.
    fields: Option<Vec<AskedField>>,
}

/// A field of the profile that is asked for.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct AskedField {
    /// Its name: answer with it in `profile`.
    name: String,
    /// What people call it, in the client's language.
    label: Option<String>,
    /// What helps to fill it in, in the client's language.
    help: Option<String>,
    /// Whether it must be given.
    required: bool,
    /// Its JSON Schema (2020-12).
    schema: serde_json::Value,
}

/// An attempt that is done.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Done {
    /// What it was for.
    purpose: String,
    /// The user.
    user: UserRef,
    /// A JWT that apps verify by `/.well-known/jwks.json`; absent after a recovery, and where new
    /// accounts wait for the operator.
    access_token: Option<String>,
    /// `Bearer`.
    token_type: Option<String>,
    /// Seconds until the access token ends.
    expires_in: Option<u64>,
    /// Gives a new pair at `POST /v1/token`, once.
    refresh_token: Option<String>,
    /// Keep it on this device and send it with the next sign-in.
    known_device: Option<String>,
    /// A new recovery code, in place of the one that was used.
    recovery_code: Option<String>,
    /// Ten recovery codes, shown this once: each works once, instead of a passcode. They come where there were none
    /// and a device above reach was confirmed or shown.
    recovery_codes: Option<Vec<String>>,
    /// After a recovery: the devices that were added within three days.
    recent_devices: Option<Vec<RecentDevice>>,
    /// After a recovery: whether the recovery codes were dropped, because a device of the highest class was shown.
    recovery_codes_dropped: Option<bool>,
}

/// A device that was added to a recovered account lately.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct RecentDevice {
    /// A random UUID.
    id: String,
    /// `username`, `email`, `phone`, `authenticator` or `card`.
    kind: String,
    /// Its address, masked.
    to: Option<String>,
    /// What its owner calls it.
    label: String,
    /// Since when it counts (RFC 3339).
    confirmed_at: String,
    /// The key that takes its addition back, and whatever came after it, at `POST /v1/confirm`, with the code that the
    /// mail about the recovery has beside it.
    undo: Option<String>,
}

impl From<progress::Recent> for RecentDevice {
    fn from(recent: progress::Recent) -> Self {
        let progress::Recent { device, to, undo } = recent;
        Self {
            id: device.id.into(),
            kind: device.kind,
            to,
            label: device.label,
            confirmed_at: rfc3339(device.confirmed_at.unwrap_or_default()),
            undo: undo.map(|key| key.expose().to_owned()),
        }
    }
}

/// A user by id.
#[derive(Object)]
pub struct UserRef {
    /// A random UUID.
    id: String,
}

impl From<Progress> for Attempt {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Ask(asking) => Self::Ask(Asking {
                attempt: asking.attempt.expose().to_owned(),
                purpose: asking.purpose.name().to_owned(),
                expires_in: asking.expires_in,
                ask: asking.ask.into_iter().map(Ask::from).collect(),
            }),
            Progress::Done(done) => Self::Done(done.into()),
        }
    }
}

/// Recovery codes as they are shown, where there are some.
fn shown(codes: &[crate::base::Sensitive]) -> Option<Vec<String>> {
    (!codes.is_empty()).then(|| codes.iter().map(|code| code.expose().to_owned()).collect())
}

impl From<progress::Done> for Done {
    fn from(done: progress::Done) -> Self {
        let tokens = done.tokens.as_ref();
        let text = |secret: &crate::base::Sensitive| secret.expose().to_owned();
        Self {
            purpose: done.purpose.name().to_owned(),
            access_token: tokens.map(|t| text(&t.access_token)),
            token_type: tokens.map(|_| "Bearer".to_owned()),
            expires_in: tokens.map(|t| t.expires_in),
            refresh_token: tokens.and_then(|t| t.refresh_token.as_ref()).map(text),
            known_device: tokens.and_then(|t| t.known_device.as_ref()).map(text),
            recovery_code: tokens.and_then(|t| t.recovery_code.as_ref()).map(text),
            recovery_codes: tokens.and_then(|t| shown(&t.recovery_codes)),
            recovery_codes_dropped: done.codes_gone.then_some(true),
            recent_devices: Some(done.recent)
                .filter(|recent| !recent.is_empty())
                .map(|recent| recent.into_iter().map(RecentDevice::from).collect()),
            user: UserRef { id: done.user.into() },
        }
    }
}

impl From<ask::Ask> for Ask {
    fn from(ask: ask::Ask) -> Self {
        Self {
            secret: ask.secret,
            device: ask.device,
            label: ask.label,
            channel: ask.channel,
            to: ask.to,
            length: ask.length,
            expires_in: ask.expires_in,
            resend_in: ask.resend_in,
            retry_after: ask.retry_after,
            delayed: ask.delayed.then_some(true),
            attempts_left: ask.attempts_left,
            channels: Some(ask.channels).filter(|channels| !channels.is_empty()),
            fields: Some(ask.fields)
                .filter(|fields| !fields.is_empty())
                .map(|fields| fields.into_iter().map(AskedField::from).collect()),
        }
    }
}

impl From<ask::AskedField> for AskedField {
    fn from(field: ask::AskedField) -> Self {
        let ask::AskedField { name, label, help, required, schema } = field;
        Self { name, label, help, required, schema }
    }
}

/// A new pair of tokens.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Pair {
    /// The access token.
    access_token: String,
    /// `Bearer`.
    token_type: String,
    /// Seconds until the access token ends.
    expires_in: u64,
    /// The refresh token that replaces the one that was shown.
    refresh_token: Option<String>,
}

impl From<basis::Tokens> for Pair {
    fn from(tokens: basis::Tokens) -> Self {
        Self {
            access_token: tokens.access_token.expose().to_owned(),
            token_type: "Bearer".to_owned(),
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh_token.map(|t| t.expose().to_owned()),
        }
    }
}

/// A device.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Device {
    /// A random UUID.
    id: String,
    /// `username`, `email`, `phone`, `authenticator` or `card`.
    kind: String,
    /// Its address, in full: it is the caller's own.
    address: Option<String>,
    /// What its owner calls it.
    label: String,
    /// Whether it is the first of its kind to be used.
    primary: bool,
    /// Whether it is confirmed.
    confirmed: bool,
    /// Since when messages to it come back (RFC 3339): a bounce, a number that nobody can be reached at.
    failing_since: Option<String>,
    /// When it was added (RFC 3339).
    created_at: String,
    /// When it last took part in a sign-in (RFC 3339).
    last_used_at: Option<String>,
    /// The seed of a new authenticator in base 32, until it is confirmed.
    secret: Option<String>,
    /// The same as an `otpauth://` URI.
    uri: Option<String>,
    /// The URI as a QR code, an SVG document.
    qr: Option<String>,
    /// Ten recovery codes that were made with its confirmation, shown this once.
    recovery_codes: Option<Vec<String>>,
}

impl Device {
    /// A device as its owner sees it.
    pub fn new(kinds: &Kinds, device: devices::Device) -> Self {
        Self {
            address: device.delivery.map(|address| kinds.readable(&device.kind, &address)),
            id: device.id.into(),
            kind: device.kind,
            label: device.label,
            primary: device.is_primary,
            confirmed: device.confirmed_at.is_some(),
            failing_since: device.failing_since.map(rfc3339),
            created_at: rfc3339(device.created_at),
            last_used_at: device.last_used_at.map(rfc3339),
            secret: None,
            uri: None,
            qr: None,
            recovery_codes: None,
        }
    }

    /// A device with what its owner sees once.
    pub fn added(kinds: &Kinds, added: auth::devices::add::Added) -> Self {
        let mut device = Self::new(kinds, added.device);
        device.recovery_codes = shown(&added.recovery_codes);
        if let Some(enrolment) = added.enrolment {
            device.secret = Some(enrolment.secret.expose().to_owned());
            device.uri = Some(enrolment.uri.expose().to_owned());
            device.qr = enrolment.qr.map(|qr| qr.expose().to_owned());
        }
        device
    }
}

/// A session.
#[derive(Object)]
pub struct Session {
    /// Its id, `sid` in the tokens.
    id: String,
    /// Whether it is the caller's own.
    current: bool,
    /// The flow that made it.
    flow: String,
    /// The level it was authenticated at.
    acr: String,
    /// The factors that were passed (RFC 8176).
    amr: Vec<String>,
    /// The network it was made from.
    network: String,
    /// The user agent it was made by.
    user_agent: String,
    /// When it was made (RFC 3339).
    created_at: String,
    /// When it was last refreshed (RFC 3339).
    last_used_at: String,
    /// When it ends (RFC 3339).
    expires_at: String,
}

impl Session {
    /// A session as its owner sees it.
    pub fn new(session: sessions::Session, own: &str) -> Self {
        Self {
            current: session.id == own,
            id: session.id.into(),
            flow: session.flow,
            acr: session.acr,
            amr: session.amr.split(' ').filter(|m| !m.is_empty()).map(str::to_owned).collect(),
            network: session.ip,
            user_agent: session.agent,
            created_at: rfc3339(session.created_at),
            last_used_at: rfc3339(session.rotated_at),
            expires_at: rfc3339(session.expires_at),
        }
    }
}

/// Done, with nothing to say.
#[derive(ApiResponse)]
pub enum Gone {
    /// Done.
    #[oai(status = 204)]
    NoContent,
}

/// Something was made.
#[derive(ApiResponse)]
pub enum MadeDevice {
    /// The device was added.
    #[oai(status = 201)]
    Made(Json<Device>),
}
