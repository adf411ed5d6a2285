//! The request bodies: one list of fields each, from which a body is read, refused and documented. Those that
//! name or prove a user follow the configured flows.

use std::collections::BTreeSet;

use super::fields::{Field, Form, field};
use crate::auth::owned;
use crate::devices::phone::Phone;
use crate::devices::{DEVICES, DeviceKind};
use crate::flows::{Flow, Flows, Secret};
use crate::messages::Channel;
use crate::secrets::recovery::Recovery;
use crate::secrets::{SECRETS, SecretKind, passcode::Passcode, password::Password};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fields::read;
    use crate::base::tuple::TupleSpec;
    use crate::plan;
    use crate::settings::Settings;

    fn names(body: Body, signin: &[&[&str]], recovery: &[&[&str]]) -> Vec<&'static str> {
        let words = |flow: &&[&str]| flow.iter().map(|word| (*word).to_owned()).collect();
        let list = |flows: &[&[&str]]| flows.iter().map(|flow| TupleSpec::Plain(words(flow))).collect();
        let settings = Settings { flows: list(signin), recovery: list(recovery), ..Settings::built_in() };
        let plan = plan::read(&settings, &[]).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
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
