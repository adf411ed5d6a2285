//! The fields of every request body: one list a body, from which it is read, refused and documented. Those
//! that name or prove a user follow the configured flows.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::problem::Problem;
use crate::auth::input::{Client, Given};
use crate::auth::owned;
use crate::base::{Fault, Sensitive};
use crate::devices::phone::Phone;
use crate::devices::{self, DEVICES, DeviceKind};
use crate::flows::{Flow, Flows, Secret};
use crate::messages::Channel;
use crate::secrets::recovery::Recovery;
use crate::secrets::{SECRETS, SecretKind, passcode::Passcode, password::Password};

/// Characters of a text at most, where nothing smaller is said.
pub const LONGEST: usize = 4_096;

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
    /// What it may look like, for the document; empty where the name says it all.
    pub example: &'static str,
    /// Characters of a text at most.
    pub longest: usize,
    /// The only texts that it may be; any where there are none.
    pub choices: Vec<String>,
}

const fn field(name: &'static str, form: Form, required: bool, about: &'static str) -> Field {
    Field { name, form, required, about, example: "", longest: LONGEST, choices: Vec::new() }
}

impl Field {
    fn like(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    fn one_of<'a>(self, choices: impl IntoIterator<Item = &'a str>) -> Self {
        Self { choices: choices.into_iter().map(str::to_owned).collect(), ..self }
    }
}

const KNOWN_DEVICE: Field = field(
    "known_device",
    Form::Secret,
    false,
    "The `known_device` of an earlier sign-in: guesses of others do not slow this device.",
);
const DEVICE: Field =
    field("device", Form::Text, false, "The `device` of the entry in `ask` that the passcode is of.");
const PROFILE: Field = field("profile", Form::Profile, false, "The profile.");

fn recovery_code() -> Field {
    let about = "A recovery code instead of a passcode.";
    field(Recovery.field(), Form::Secret, false, about).like(Recovery.example())
}

fn channel() -> Field {
    let about = "How to send it; without it, the first way that the address and the providers allow.";
    field("channel", Form::Text, false, about).one_of(Channel::ALL.iter().map(|channel| channel.name()))
}

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

    /// What it is, for the document.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Signin => "Exactly one identifier, and any secrets that are known already.",
            Self::Signup => "The identifiers and secrets of at least one flow, and the profile.",
            Self::Recovery => "Exactly one identifier.",
            Self::Reauth => "A flow or secrets; an empty object is not enough.",
            Self::Answer => "What one entry of `ask` asks for.",
            Self::Send => "Which passcode, and by which way; the body may be left out.",
            Self::Confirm => "The key of a link.",
            Self::Refresh => "A refresh token.",
            Self::Introspect => "A token to look at.",
            Self::ChangeMe => "The fields of the profile to change.",
            Self::ChangePassword => "The new password, and the current one.",
            Self::NewDevice => "The kind of device, and that kind's own field.",
            Self::ChangeDevice => "What to change; at least one field.",
            Self::Code => "The code that was sent, or computed.",
            Self::NewVerification => "Where to send a code.",
        }
    }

    /// Its fields, for these flows.
    pub fn fields(self, signin: &Flows, recovery: &Flows) -> Vec<Field> {
        let (named, proven) = (identifiers(signin, false), secrets_of(&[signin]));
        let spare = if by_device(&[signin]) { vec![recovery_code()] } else { Vec::new() };
        match self {
            Self::Signin => chain([named, proven, spare, vec![KNOWN_DEVICE]]),
            Self::Signup => {
                let set = proven.into_iter().filter(|f| f.name != "passcode").collect();
                chain([identifiers(signin, true), set, vec![PROFILE]])
            }
            Self::Recovery => chain([identifiers(recovery, false), vec![KNOWN_DEVICE]]),
            Self::Reauth => {
                let about = "The name of the flow to re-authenticate by; without it, the one of the sign-in.";
                let flow = field("flow", Form::Text, false, about).one_of(signin.iter().map(|f| &*f.name));
                chain([vec![flow], proven, spare, device_of(&[signin])])
            }
            Self::Answer => {
                let new = field("new_password", Form::Secret, false, "The new password, where it is asked.");
                let new = new.like(Password.example());
                let name = named.into_iter().filter(|f| f.name == "username").collect();
                let (all, which) = (secrets_of(&[signin, recovery]), device_of(&[signin, recovery]));
                chain([all, confirmation(signin), vec![new], spare, which, name])
            }
            Self::NewDevice => {
                let kinds = in_use(signin, recovery);
                let kind = field("kind", Form::Text, true, "What kind of device it is.");
                chain([vec![kind.one_of(kinds.iter().map(|k| k.name())), label()], of_devices(&kinds)])
            }
            Self::ChangeDevice => chain([self.fixed(), addresses(&in_use(signin, recovery))]),
            other => other.fixed(),
        }
    }

    /// The fields of bodies that no flow changes.
    fn fixed(self) -> Vec<Field> {
        const TOKEN: &str = "An access or refresh token.";
        match self {
            Self::Send => vec![DEVICE, channel()],
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
                field("new_password", Form::Secret, true, "The new password.").like(Password.example()),
            ],
            Self::ChangeDevice => {
                vec![
                    label(),
                    field("primary", Form::Flag, false, "`true`: the first of its kind to be used."),
                ]
            }
            Self::Code => vec![field("passcode", Form::Secret, true, "The code.").like(Passcode.example())],
            _ => {
                let to = field("to", Form::Text, true, "A phone number or an email address.");
                vec![to.like(Phone.example()), channel()]
            }
        }
    }
}

fn label() -> Field {
    let label = field("label", Form::Text, false, "What its owner calls it.");
    Field { longest: owned::LABEL, ..label.like("Work") }
}

/// The kinds of device that any flow has a use for: as its identifier, as a carrier of its passcode, or as a
/// holder of its secret.
pub fn in_use(signin: &Flows, recovery: &Flows) -> Vec<&'static dyn DeviceKind> {
    let flows: Vec<&Flow> = signin.iter().chain(recovery.iter()).collect();
    let proves = |kind: &dyn DeviceKind, secret: &Secret| match &secret.device {
        Some(device) => device == kind.name(),
        None if kind.holds_secret() => secret.name == kind.field(),
        None => kind.carries_passcode() && SECRETS.iter().any(|s| s.name() == secret.name && s.carried()),
    };
    let used = |kind: &dyn DeviceKind| {
        flows
            .iter()
            .any(|flow| flow.identifier == kind.name() || flow.secrets.iter().any(|s| proves(kind, s)))
    };
    DEVICES.iter().copied().filter(|kind| used(*kind)).collect()
}

fn chain<const N: usize>(parts: [Vec<Field>; N]) -> Vec<Field> {
    let mut seen = BTreeSet::new();
    parts.into_iter().flatten().filter(|field| seen.insert(field.name)).collect()
}

/// The identifiers that begin a flow; with `reached`, also the devices that a flow narrows a passcode to.
fn identifiers(flows: &Flows, reached: bool) -> Vec<Field> {
    let mut names: Vec<&str> = flows.identifiers();
    if reached {
        names.extend(flows.iter().flat_map(|flow| &flow.secrets).filter_map(|s| s.device.as_deref()));
        let lost = names.iter().any(|name| unreachable(flows, name));
        names.extend(
            DEVICES.iter().filter(|kind| lost && !kind.channels().is_empty()).map(|kind| kind.name()),
        );
    }
    let kinds = DEVICES.iter().filter(|kind| kind.names_owner() && names.contains(&kind.name()));
    kinds.map(|kind| field(kind.field(), Form::Text, false, kind.title()).like(kind.example())).collect()
}

/// Whether every flow that begins with `name` asks for a passcode that such a device cannot carry: sign-up
/// then needs an address as well.
fn unreachable(flows: &Flows, name: &str) -> bool {
    let silent = DEVICES.iter().any(|kind| kind.name() == name && kind.channels().is_empty());
    let open = |secret: &Secret| {
        secret.device.is_none() && SECRETS.iter().any(|k| k.name() == secret.name && k.carried())
    };
    let mut own = flows.iter().filter(|flow| flow.identifier == name).peekable();
    silent && own.peek().is_some() && own.all(|flow| flow.secrets.iter().any(open))
}

/// The passcode that proves an address at sign-up, whether or not a flow asks for one.
fn confirmation(flows: &Flows) -> Vec<Field> {
    let named = flows.identifiers();
    let reached = DEVICES.iter().any(|kind| named.contains(&kind.name()) && !kind.channels().is_empty());
    let passcode = SECRETS.iter().filter(|kind| kind.carried() && reached);
    passcode.map(|kind| field(kind.field(), Form::Secret, false, kind.title()).like(kind.example())).collect()
}

/// The kinds whose address can be replaced.
fn addresses(kinds: &[&'static dyn DeviceKind]) -> Vec<Field> {
    let kinds = kinds.iter().filter(|kind| kind.names_owner());
    kinds.map(|kind| field(kind.field(), Form::Text, false, kind.title()).like(kind.example())).collect()
}

fn asked<'a>(lists: &[&'a Flows]) -> impl Iterator<Item = &'a Secret> {
    lists.iter().flat_map(|flows| flows.iter()).flat_map(|flow| &flow.secrets)
}

fn secrets_of(lists: &[&Flows]) -> Vec<Field> {
    let kinds = SECRETS.iter().filter(|kind| asked(lists).any(|s| s.name == kind.name()));
    kinds.map(|kind| field(kind.field(), Form::Secret, false, kind.title()).like(kind.example())).collect()
}

/// Whether any flow asks for what a device carries.
fn by_device(lists: &[&Flows]) -> bool {
    asked(lists).any(|secret| SECRETS.iter().any(|kind| kind.name() == secret.name && kind.carried()))
}

fn device_of(lists: &[&Flows]) -> Vec<Field> {
    if by_device(lists) { vec![DEVICE] } else { Vec::new() }
}

fn of_devices(kinds: &[&'static dyn DeviceKind]) -> Vec<Field> {
    let form = |secret| if secret { Form::Secret } else { Form::Text };
    let kinds = kinds.iter().filter(|kind| !kind.field().is_empty());
    let one = |kind: &&'static dyn DeviceKind| {
        field(kind.field(), form(kind.holds_secret()), false, kind.title()).like(kind.example())
    };
    kinds.map(one).collect()
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
    let choice = |text: &String| field.choices.is_empty() || field.choices.contains(text);
    match (field.form, value) {
        (_, None) if field.required => fault("missing", "is required"),
        (_, None) => None,
        (Form::Text | Form::Secret, Some(Value::String(text))) if text.is_empty() => {
            fault("empty", "is empty")
        }
        (Form::Text | Form::Secret, Some(Value::String(text))) if text.chars().count() > field.longest => {
            fault("too_long", &format!("must have at most {} characters", field.longest))
        }
        (Form::Text, Some(Value::String(text))) if !choice(text) => {
            fault("unknown", &format!("one of: {}", field.choices.join(", ")))
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
            recovery_code: self.secret(Recovery.field()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::tuple::TupleSpec;
    use crate::plan;
    use crate::settings::Settings;

    fn names(body: Body, signin: &[&[&str]], recovery: &[&[&str]]) -> Vec<&'static str> {
        let words = |flow: &&[&str]| flow.iter().map(|word| (*word).to_owned()).collect();
        let list = |flows: &[&[&str]]| flows.iter().map(|flow| TupleSpec::Plain(words(flow))).collect();
        let settings = Settings { flows: list(signin), recovery: list(recovery), ..Settings::built_in() };
        let plan = plan::read(&settings).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        body.fields(&plan.signin, &plan.recovery).iter().map(|field| field.name).collect()
    }

    #[test]
    fn bodies_have_what_the_flows_ask_for_and_nothing_else() {
        let only: &[&[&str]] = &[&["username", "password"]];
        assert_eq!(names(Body::Signin, only, &[]), ["username", "password", "known_device"]);
        assert_eq!(names(Body::NewDevice, only, &[]), ["kind", "label", "username"]);
        assert_eq!(names(Body::Answer, only, &[]), ["password", "new_password", "username"]);
    }

    #[test]
    fn what_only_a_recovery_asks_for_can_be_answered() {
        let (only, mail): (&[&[&str]], &[&[&str]]) =
            (&[&["username", "password"]], &[&["email", "passcode"]]);
        assert!(names(Body::Answer, only, mail).contains(&"passcode"));
        assert!(names(Body::NewDevice, only, mail).contains(&"email"));
        assert!(!names(Body::Signin, only, mail).contains(&"passcode"));
    }

    #[test]
    fn a_text_is_one_of_the_choices() {
        let fields = Body::Send.fields(&Flows::default(), &Flows::default());
        let sent = |text: &str| serde_json::json!({ "channel": text }).as_object().cloned().unwrap();
        assert!(read(&fields, sent("sms")).is_ok());
        assert!(read(&fields, sent("pigeon")).is_err());
    }
}
