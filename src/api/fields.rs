//! The fields of every request body: one list a body, from which it is read, refused and documented. Those
//! that name or prove a user follow the configured flows.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::problem::Problem;
use crate::auth::input::{Client, Given};
use crate::base::{Fault, Sensitive};
use crate::devices::{self, DEVICES};
use crate::flows::Flows;
use crate::secrets::SECRETS;
use crate::settings::User;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text.
    Text,
    /// A text that is never shown.
    Secret,
    /// Yes or no.
    Flag,
    /// The profile.
    Profile,
}

/// One field of a body.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub form: Form,
    /// Whether it must be there.
    pub required: bool,
    /// What it is, for the document.
    pub about: &'static str,
}

const fn field(name: &'static str, form: Form, required: bool, about: &'static str) -> Field {
    Field { name, form, required, about }
}

const KNOWN_DEVICE: Field = field(
    "known_device",
    Form::Secret,
    false,
    "The `known_device` of an earlier sign-in: guesses of others do not slow this device.",
);
const DEVICE: Field =
    field("device", Form::Text, false, "The `device` of the entry in `ask` that the passcode is of.");
const CHANNEL: Field =
    field("channel", Form::Text, false, "How to send it: `email`, `sms`, `call` or `whatsapp`.");
const RECOVERY_CODE: Field =
    field("recovery_code", Form::Secret, false, "A recovery code instead of a passcode.");
const PROFILE: Field = field("profile", Form::Profile, false, "The profile.");

/// A request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// `POST /v1/signin`
    Signin,
    /// `POST /v1/signup`
    Signup,
    /// `POST /v1/recovery`
    Recovery,
    /// `POST /v1/reauth`
    Reauth,
    /// `POST /v1/attempts/{attempt}`
    Answer,
    /// `POST …/send`
    Send,
    /// `POST /v1/confirm`
    Confirm,
    /// `POST /v1/token`
    Refresh,
    /// `POST /v1/introspect`
    Introspect,
    /// `PATCH /v1/me`
    ChangeMe,
    /// `PUT /v1/me/password`
    ChangePassword,
    /// `POST /v1/me/devices`
    NewDevice,
    /// `PATCH /v1/me/devices/{id}`
    ChangeDevice,
    /// `POST …/confirm`, `POST …/check`
    Code,
    /// `POST /v1/verifications`
    NewVerification,
}

impl Body {
    /// Every body.
    pub const ALL: [Self; 15] = [
        Self::Signin,
        Self::Signup,
        Self::Recovery,
        Self::Reauth,
        Self::Answer,
        Self::Send,
        Self::Confirm,
        Self::Refresh,
        Self::Introspect,
        Self::ChangeMe,
        Self::ChangePassword,
        Self::NewDevice,
        Self::ChangeDevice,
        Self::Code,
        Self::NewVerification,
    ];

    /// Its name in the document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signin => "SigninRequest",
            Self::Signup => "SignupRequest",
            Self::Recovery => "RecoveryRequest",
            Self::Reauth => "ReauthRequest",
            Self::Answer => "AnswerRequest",
            Self::Send => "SendRequest",
            Self::Confirm => "ConfirmRequest",
            Self::Refresh => "TokenRequest",
            Self::Introspect => "IntrospectRequest",
            Self::ChangeMe => "ChangeMeRequest",
            Self::ChangePassword => "ChangePasswordRequest",
            Self::NewDevice => "NewDeviceRequest",
            Self::ChangeDevice => "ChangeDeviceRequest",
            Self::Code => "CodeRequest",
            Self::NewVerification => "NewVerificationRequest",
        }
    }

    /// Its fields, for these flows.
    pub fn fields(self, signin: &Flows, recovery: &Flows) -> Vec<Field> {
        let (named, proven) = (identifiers(signin, false), secrets_of(&[signin], ""));
        match self {
            Self::Signin => chain([named, proven, vec![RECOVERY_CODE, KNOWN_DEVICE]]),
            Self::Signup => {
                let set = proven.into_iter().filter(|f| f.name != "passcode").collect();
                chain([identifiers(signin, true), set, vec![PROFILE]])
            }
            Self::Recovery => chain([identifiers(recovery, false), vec![KNOWN_DEVICE]]),
            Self::Reauth => {
                let flow = field("flow", Form::Text, false, "The name of the flow to re-authenticate by.");
                chain([vec![flow], proven, vec![RECOVERY_CODE, DEVICE]])
            }
            Self::Answer => {
                let new = field("new_password", Form::Secret, false, "The new password, where it is asked.");
                let name = named.into_iter().filter(|f| f.name == "username").collect();
                // A sign-up proves its address by a passcode, whatever the flows ask for.
                let proven = secrets_of(&[signin, recovery], "passcode");
                chain([proven, vec![new, RECOVERY_CODE, DEVICE], name])
            }
            Self::NewDevice => chain([vec![KIND, LABEL], of_devices()]),
            other => other.fixed(),
        }
    }

    /// The fields of bodies that no flow changes.
    fn fixed(self) -> Vec<Field> {
        const TOKEN: &str = "An access or refresh token.";
        match self {
            Self::Send => vec![DEVICE, CHANNEL],
            Self::Confirm => vec![
                field("key", Form::Secret, true, "The key from the link."),
                field(
                    "attempt",
                    Form::Secret,
                    false,
                    "The attempt that the link belongs to, where it is yours.",
                ),
            ],
            Self::Refresh => vec![field("refresh_token", Form::Secret, true, "The refresh token.")],
            Self::Introspect => vec![field("token", Form::Secret, true, TOKEN)],
            Self::ChangeMe => vec![Field { required: true, ..PROFILE }],
            Self::ChangePassword => vec![
                field("password", Form::Secret, false, "The current password; needed where there is one."),
                field("new_password", Form::Secret, true, "The new password."),
            ],
            Self::ChangeDevice => {
                vec![LABEL, field("primary", Form::Flag, false, "`true`: the first of its kind to be used.")]
            }
            Self::Code => vec![field("passcode", Form::Secret, true, "The code.")],
            _ => vec![field("to", Form::Text, true, "A phone number or an email address."), CHANNEL],
        }
    }
}

const KIND: Field =
    field("kind", Form::Text, true, "The kind: `phone`, `email`, `username`, `authenticator` or `card`.");
const LABEL: Field = field("label", Form::Text, false, "What its owner calls it.");

fn chain<const N: usize>(parts: [Vec<Field>; N]) -> Vec<Field> {
    let mut seen = BTreeSet::new();
    parts.into_iter().flatten().filter(|field| seen.insert(field.name)).collect()
}

/// The identifiers that begin a flow; with `reached`, also the devices that a flow narrows a passcode to.
fn identifiers(flows: &Flows, reached: bool) -> Vec<Field> {
    let narrowed = flows.iter().flat_map(|flow| &flow.secrets).filter_map(|s| s.device.as_deref());
    let mut names: Vec<&str> = flows.identifiers();
    names.extend(narrowed.filter(|_| reached));
    let kinds = DEVICES.iter().filter(|kind| kind.names_owner() && names.contains(&kind.name()));
    kinds.map(|kind| field(kind.field(), Form::Text, false, kind.title())).collect()
}

/// The secrets that some flow asks for, and the one that is always taken.
fn secrets_of(flows: &[&Flows], always: &str) -> Vec<Field> {
    let asked = |name: &str| {
        flows.iter().flat_map(|flows| flows.iter()).flat_map(|flow| &flow.secrets).any(|s| s.name == name)
    };
    let kinds = SECRETS.iter().filter(|kind| kind.name() == always || asked(kind.name()));
    kinds.map(|kind| field(kind.field(), Form::Secret, false, kind.title())).collect()
}

fn of_devices() -> Vec<Field> {
    let form = |secret| if secret { Form::Secret } else { Form::Text };
    let kinds = DEVICES.iter().filter(|kind| !kind.field().is_empty());
    kinds.map(|kind| field(kind.field(), form(kind.holds_secret()), false, kind.title())).collect()
}

/// The fields that a client sent, checked against those of a body.
#[derive(Debug, Default)]
pub struct Read(Map<String, Value>);

/// Checks what was sent: every mistake at once, none of them quoting a value.
///
/// # Errors
/// [`Problem`] with one entry a field.
pub fn read(fields: &[Field], sent: Map<String, Value>) -> Result<Read, Problem> {
    let known: Vec<&str> = fields.iter().map(|f| f.name).collect();
    let unknown = sent.keys().filter(|key| !known.contains(&key.as_str())).map(|key| {
        let shown: String = key.chars().filter(|c| !c.is_control()).take(40).collect();
        Fault::new(shown, "unknown_field", format!("is not known here; there are: {}", known.join(", ")))
    });
    let mut faults: Vec<Fault> = unknown.collect();
    for field in fields {
        faults.extend(wrong(field, sent.get(field.name)));
    }
    if sent.is_empty() && fields.iter().all(|f| !f.required) && !known.contains(&"channel") {
        faults.push(Fault::new("", "empty", format!("give something of: {}", known.join(", "))));
    }
    if faults.is_empty() { Ok(Read(sent)) } else { Err(Problem::faults(faults)) }
}

fn wrong(field: &Field, value: Option<&Value>) -> Option<Fault> {
    let fault = |code, message: &str| Some(Fault::new(field.name, code, message));
    match (field.form, value) {
        (_, None) if field.required => fault("missing", "is required"),
        (_, None) => None,
        (Form::Text | Form::Secret, Some(Value::String(text))) if text.is_empty() => {
            fault("empty", "is empty")
        }
        (Form::Text | Form::Secret, Some(Value::String(text))) if text.len() > 4_096 => {
            fault("too_long", "is too long")
        }
        (Form::Text | Form::Secret, Some(Value::String(_)))
        | (Form::Flag, Some(Value::Bool(_)))
        | (Form::Profile, Some(Value::Object(_))) => None,
        (Form::Text | Form::Secret, Some(_)) => fault("wrong_type", "must be a text"),
        (Form::Flag, Some(_)) => fault("wrong_type", "must be true or false"),
        (Form::Profile, Some(_)) => fault("wrong_type", "must be an object"),
    }
}

impl Read {
    /// The text of a field.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The secret of a field.
    pub fn secret(&self, name: &str) -> Option<Sensitive> {
        self.text(name).map(Sensitive::new)
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The profile.
    pub fn profile(&self) -> Option<&Map<String, Value>> {
        self.0.get("profile").and_then(Value::as_object)
    }

    /// Identifiers and secrets, sorted by the registries.
    pub fn given(&self) -> Given {
        let identifiers = self.0.iter().filter_map(|(name, value)| {
            let kind = devices::by_field(name).filter(|kind| kind.names_owner())?;
            Some((kind.name(), value.as_str()?.to_owned()))
        });
        let secrets = self.0.iter().filter_map(|(name, value)| {
            let kind = SECRETS.iter().find(|kind| kind.field() == name && kind.in_flows())?;
            Some((kind.name(), Sensitive::new(value.as_str()?)))
        });
        Given {
            identifiers: identifiers.collect(),
            secrets: secrets.collect(),
            new_password: self.secret("new_password"),
            recovery_code: self.secret(RECOVERY_CODE.name),
            device: self.text("device").map(str::to_owned),
            profile: self.profile().cloned(),
        }
    }

    /// The client, with the known device that it says it is.
    pub fn client(&self, client: &Client) -> Client {
        let known_device = self.text("known_device").map(str::to_owned);
        Client { known_device, ..client.clone() }
    }
}

/// The JSON Schema of a body.
pub fn schema(fields: &[Field], user: &User) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|f| (f.name.to_owned(), property(f, user))).collect();
    let required: Vec<&str> = fields.iter().filter(|f| f.required).map(|f| f.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(field: &Field, user: &User) -> Value {
    match field.form {
        Form::Text => {
            json!({ "type": "string", "minLength": 1, "maxLength": 4096, "description": field.about })
        }
        Form::Secret => json!({
            "type": "string", "format": "password", "minLength": 1, "maxLength": 4096, "writeOnly": true,
            "description": field.about
        }),
        Form::Flag => json!({ "type": "boolean", "description": field.about }),
        Form::Profile => profile(user),
    }
}

/// The JSON Schema of the profile.
pub fn profile(user: &User) -> Value {
    let declared = user.fields.iter().filter(|(_, field)| !field.off);
    let properties: Map<String, Value> = declared
        .map(|(name, field)| (name.clone(), json!({ "type": "string", "maxLength": field.max_length })))
        .collect();
    json!({
        "type": "object", "properties": properties, "additionalProperties": false,
        "description": "The profile, as `[user.fields]` of the settings declares it."
    })
}
