//! The request bodies: one list of fields each, from which a body is read, refused and documented. Those that
//! name or prove a user follow the configured flows.

use std::collections::BTreeSet;

use super::field::{Field, Form, field};
use crate::auth::attempts::apart::UNLOCK_CODE;
use crate::auth::attempts::reader::Wish;
use crate::auth::devices;
use crate::devices::DeviceKind;
use crate::devices::phone::Phone;
use crate::flows::{Flow, Flows, Secret};
use crate::messages::Channel;
use crate::plan::Surface;
use crate::secrets::SecretKind;
use crate::secrets::passcode::Passcode;
use crate::secrets::password::Password;
use crate::secrets::recovery::Recovery;
use crate::settings::GivenBy;

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
    let about = "A recovery code instead of a passcode, or of an `unlock_code`.";
    field(Recovery.field(), Form::Secret, false, about).like(Recovery.example())
}

fn unlock_code() -> Field {
    let about = "The long code that is asked while a factor rests, so that guesses of others do not bar you.";
    field(UNLOCK_CODE, Form::Secret, false, about).like("4R2M-K8TQ-Z7W1D")
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
    /// `PUT /v1/me/secrets/{secret}`
    ChangeSecret,
    /// `POST /v1/me/devices`
    NewDevice,
    /// `PATCH /v1/me/devices/{id}`
    ChangeDevice,
    /// `DELETE /v1/me/devices/{id}`
    RemoveDevice,
    /// `POST …/confirm`, `POST …/check`
    Code,
    /// `POST /v1/verifications`
    NewVerification,
}

impl Body {
    /// Every body.
    pub const ALL: [Self; 17] = [
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
        Self::ChangeSecret,
        Self::NewDevice,
        Self::ChangeDevice,
        Self::RemoveDevice,
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
            Self::ChangeSecret => "ChangeSecretRequest",
            Self::NewDevice => "NewDeviceRequest",
            Self::ChangeDevice => "ChangeDeviceRequest",
            Self::RemoveDevice => "RemoveDeviceRequest",
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
            Self::Answer => "What one entry of `ask` asks for; at the end of a recovery what all of them do.",
            Self::Send => "Which passcode, and by which way; the body may be left out.",
            Self::Confirm => "The key of a link, and what shows that the account is yours.",
            Self::Refresh => "A refresh token.",
            Self::Introspect => "A token to look at.",
            Self::ChangeMe => "The fields of the profile to change.",
            Self::ChangePassword => "The new password, and the current one.",
            Self::ChangeSecret => "The new secret, and the current one.",
            Self::NewDevice => "The kind of device, and that kind's own field.",
            Self::ChangeDevice => "What to change; at least one field.",
            Self::RemoveDevice => "What vouches for the removal of a factor; the body may be left out.",
            Self::Code => "The code that was sent, or computed.",
            Self::NewVerification => "Where to send a code.",
        }
    }

    /// Its fields, for these flows.
    pub fn fields(self, surface: &Surface<'_>) -> Vec<Field> {
        let &Surface { signin, recovery, .. } = surface;
        let (named, proven) = (identifiers(surface, signin, false), secrets_of(surface, &[signin]));
        let spare = if by_device(surface, &[signin]) { vec![recovery_code()] } else { Vec::new() };
        match self {
            Self::Signin => chain([named, proven, spare, vec![KNOWN_DEVICE]]),
            Self::Signup => {
                let set = proven.into_iter().filter(|f| f.name != "passcode").collect();
                chain([identifiers(surface, signin, true), set, vec![PROFILE]])
            }
            Self::Recovery => chain([identifiers(surface, recovery, false), vec![KNOWN_DEVICE]]),
            Self::Reauth => {
                let about = "The name of the flow to re-authenticate by; without it, the one of the sign-in.";
                let flow = field("flow", Form::Text, false, about).one_of(signin.iter().map(|f| &*f.name));
                chain([vec![flow], proven, spare, device_of(surface, &[signin]), vec![KNOWN_DEVICE]])
            }
            Self::Answer => {
                let new = field("new_password", Form::Secret, false, "The new password, where it is asked.");
                let new = new.like(Password.example());
                // What turned out to be taken is chosen again.
                let name = identifiers(surface, signin, true).into_iter();
                let name = name.filter(|f| surface.devices.is_silent(f.name)).collect();
                let (all, which) =
                    (secrets_of(surface, &[signin, recovery]), device_of(surface, &[signin, recovery]));
                chain([
                    all,
                    confirmation(surface),
                    vec![new, unlock_code()],
                    vec![recovery_code()],
                    which,
                    name,
                    vec![PROFILE],
                ])
            }
            Self::NewDevice => {
                let kinds = by_user(in_use(surface));
                let kind = field("kind", Form::Text, true, "What kind of device it is.");
                chain([vec![kind.one_of(kinds.iter().map(|k| k.name())), label()], of_devices(&kinds)])
            }
            Self::ChangeDevice => chain([
                self.fixed(),
                addresses(&by_user(in_use(surface))),
                vouching(surface),
                vec![KNOWN_DEVICE],
            ]),
            Self::RemoveDevice => chain([vouching(surface), vec![KNOWN_DEVICE]]),
            Self::Confirm => {
                let held = surface.secrets.iter().filter(|kind| kind.in_flows() && !kind.carried());
                let held = held
                    .map(|kind| field(kind.field(), Form::Secret, false, kind.title()).like(kind.example()));
                chain([self.fixed(), held.collect()])
            }
            other => other.fixed(),
        }
    }

    /// Whether a request may come without it.
    pub fn may_be_absent(self) -> bool {
        matches!(self, Self::Send | Self::RemoveDevice)
    }

    /// The fields of bodies that no flow changes.
    fn fixed(self) -> Vec<Field> {
        const TOKEN: &str = "An access or refresh token.";
        match self {
            Self::Send => {
                let about = "Which code: the `passcode`, or the `unlock_code` while a factor rests.";
                let secret = field("secret", Form::Text, false, about);
                vec![secret.one_of([Passcode.field(), UNLOCK_CODE]), DEVICE, channel()]
            }
            Self::Confirm => vec![
                field("key", Form::Secret, true, "The key from the link."),
                field(
                    "attempt",
                    Form::Secret,
                    false,
                    "The attempt that the link belongs to, where it is yours.",
                ),
                field(
                    Passcode.field(),
                    Form::Secret,
                    false,
                    "The code that stands beside a link that leads on, or takes a change back.",
                )
                .like(Passcode.example()),
                field("wish", Form::Text, false, "What to do by a link that leads on; without it, to go on.")
                    .one_of(Wish::NAMES),
            ],
            Self::Refresh => vec![field("refresh_token", Form::Secret, true, "The refresh token.")],
            Self::Introspect => vec![field("token", Form::Secret, true, TOKEN)],
            Self::ChangeMe => vec![Field { required: true, ..PROFILE }],
            Self::ChangePassword => vec![
                field("password", Form::Secret, false, "The current password; needed where there is one."),
                field("new_password", Form::Secret, true, "The new password.").like(Password.example()),
            ],
            Self::ChangeSecret => vec![
                field("current", Form::Secret, false, "The current secret; needed where there is one."),
                field("new", Form::Secret, true, "The new secret."),
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

/// What vouches in the request itself for the removal or replacement of a factor.
fn vouching(surface: &Surface<'_>) -> Vec<Field> {
    let code =
        field(Passcode.field(), Form::Secret, false, "The code of the device itself, where it is a factor.");
    let held = in_use(surface).into_iter().filter(|kind| kind.holds_secret());
    let held = held.map(|kind| field(kind.field(), Form::Secret, false, kind.title()).like(kind.example()));
    chain([vec![code.like(Passcode.example()), recovery_code()], held.collect()])
}

fn label() -> Field {
    let label = field("label", Form::Text, false, "What its owner calls it.");
    Field { longest: devices::LABEL, ..label.like("Work") }
}

/// The kinds of device that any flow has a use for: as its identifier, as a carrier of its passcode, or as a
/// holder of its secret.
pub fn in_use(surface: &Surface<'_>) -> Vec<&'static dyn DeviceKind> {
    let flows: Vec<&Flow> = surface.signin.iter().chain(surface.recovery.iter()).collect();
    let proves = |kind: &dyn DeviceKind, secret: &Secret| match &secret.device {
        Some(device) => device == kind.name(),
        None if kind.holds_secret() => secret.name == kind.field(),
        None => kind.carries_passcode() && surface.secrets.kind(&secret.name).is_some_and(|s| s.carried()),
    };
    let used = |kind: &dyn DeviceKind| {
        flows
            .iter()
            .any(|flow| flow.identifier == kind.name() || flow.secrets.iter().any(|s| proves(kind, s)))
    };
    surface.devices.iter().filter(|kind| used(*kind)).collect()
}

/// The kinds that a user is called by: those in use that name their owner.
pub fn named(surface: &Surface<'_>) -> Vec<&'static dyn DeviceKind> {
    in_use(surface).into_iter().filter(|kind| kind.names_owner()).collect()
}

/// The kinds that people give themselves.
fn by_user(kinds: Vec<&'static dyn DeviceKind>) -> Vec<&'static dyn DeviceKind> {
    kinds.into_iter().filter(|kind| kind.given_by() == GivenBy::User).collect()
}

fn chain<const N: usize>(parts: [Vec<Field>; N]) -> Vec<Field> {
    let mut seen = BTreeSet::new();
    parts.into_iter().flatten().filter(|field| seen.insert(field.name)).collect()
}

/// The identifiers that begin a flow. With `set`, those that a sign-up sets: also the devices that a flow narrows a
/// passcode to, and nothing that the operator gives.
fn identifiers(surface: &Surface<'_>, flows: &Flows, set: bool) -> Vec<Field> {
    let mut names: Vec<&str> = flows.identifiers();
    if set {
        names.retain(|name| surface.devices.by_user(name));
        let narrowed = flows.iter().flat_map(|flow| &flow.secrets).filter_map(|s| s.device.as_deref());
        names.extend(narrowed.filter(|name| surface.devices.by_user(name)));
        let lost = names.iter().any(|name| unreachable(surface, flows, name));
        let open =
            |kind: &&'static dyn DeviceKind| kind.given_by() == GivenBy::User && !kind.channels().is_empty();
        names.extend(surface.devices.iter().filter(|kind| lost && open(kind)).map(|kind| kind.name()));
    }
    let kinds = surface.devices.iter().filter(|kind| kind.names_owner() && names.contains(&kind.name()));
    kinds.map(|kind| field(kind.field(), Form::Text, false, kind.title()).like(kind.example())).collect()
}

/// Whether every flow that begins with `name` asks for a passcode that such a device cannot carry: sign-up
/// then needs an address as well.
fn unreachable(surface: &Surface<'_>, flows: &Flows, name: &str) -> bool {
    let silent = surface.devices.kind(name).is_some_and(|kind| kind.channels().is_empty());
    let open = |secret: &Secret| {
        secret.device.is_none() && surface.secrets.kind(&secret.name).is_some_and(|kind| kind.carried())
    };
    let mut extensions = flows.iter().filter(|flow| flow.identifier == name).peekable();
    silent && extensions.peek().is_some() && extensions.all(|flow| flow.secrets.iter().any(open))
}

/// The passcode that proves an address at sign-up, whether or not a flow asks for one.
fn confirmation(surface: &Surface<'_>) -> Vec<Field> {
    let named = surface.signin.identifiers();
    let reached =
        surface.devices.iter().any(|kind| named.contains(&kind.name()) && !kind.channels().is_empty());
    let passcode = surface.secrets.iter().filter(|kind| kind.carried() && reached);
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

fn secrets_of(surface: &Surface<'_>, lists: &[&Flows]) -> Vec<Field> {
    let kinds = surface.secrets.iter().filter(|kind| asked(lists).any(|s| s.name == kind.name()));
    kinds.map(|kind| field(kind.field(), Form::Secret, false, kind.title()).like(kind.example())).collect()
}

/// Whether any flow asks for what a device carries.
fn by_device(surface: &Surface<'_>, lists: &[&Flows]) -> bool {
    asked(lists).any(|secret| surface.secrets.kind(&secret.name).is_some_and(|kind| kind.carried()))
}

fn device_of(surface: &Surface<'_>, lists: &[&Flows]) -> Vec<Field> {
    if by_device(surface, lists) { vec![DEVICE] } else { Vec::new() }
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
    use crate::api::body::field::read;
    use crate::base::tuple::TupleSpec;
    use crate::extensions::Extensions;
    use crate::plan;
    use crate::settings::Settings;

    fn names(body: Body, signin: &[&[&str]], recovery: &[&[&str]]) -> Vec<&'static str> {
        let words = |flow: &&[&str]| flow.iter().map(|word| (*word).to_owned()).collect();
        let list = |flows: &[&[&str]]| flows.iter().map(|flow| TupleSpec::Plain(words(flow))).collect();
        let settings = Settings { flows: list(signin), recovery: list(recovery), ..Settings::built_in() };
        let plan =
            plan::read(&settings, &Extensions::default()).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        body.fields(&plan.surface()).iter().map(|field| field.name).collect()
    }

    #[test]
    fn bodies_have_what_the_flows_ask_for_and_nothing_else() {
        let only: &[&[&str]] = &[&["username", "password"]];
        assert_eq!(names(Body::Signin, only, &[]), ["username", "password", "known_device"]);
        assert_eq!(names(Body::NewDevice, only, &[]), ["kind", "label", "username"]);
        assert_eq!(
            names(Body::Answer, only, &[]),
            ["password", "new_password", "unlock_code", "recovery_code", "username", "profile"]
        );
    }

    #[test]
    fn what_only_a_recovery_asks_for_can_be_answered() {
        let (only, mail): (&[&[&str]], &[&[&str]]) =
            (&[&["username", "password"]], &[&["email", "passcode"]]);
        assert!(names(Body::Answer, only, mail).contains(&"passcode"));
        assert!(names(Body::NewDevice, only, mail).contains(&"email"));
        assert!(!names(Body::Signin, only, mail).contains(&"passcode"));
    }

    /// What a custom identifier or an own kind may not be called, it would be mistaken for.
    #[test]
    fn every_field_that_is_no_kind_is_reserved() {
        let plan = plan::read(&Settings::built_in(), &Extensions::default())
            .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let surface = plan.surface();
        let is_kind =
            |name: &str| surface.devices.by_field(name).is_some() || surface.secrets.by_field(name).is_some();
        let document = crate::api::document(&Settings::built_in(), &Extensions::default());
        let me =
            document["components"]["schemas"]["Me"]["properties"].as_object().cloned().unwrap_or_default();
        let fields =
            Body::ALL.iter().flat_map(|body| body.fields(&surface)).map(|field| field.name.to_owned());
        for name in fields.chain(me.keys().cloned()).filter(|name| !is_kind(name)) {
            assert!(
                crate::devices::contract::TAKEN.contains(&name.as_str()),
                "{name} may be taken by a kind"
            );
        }
        assert!(!me.is_empty());
    }

    #[test]
    fn a_text_is_one_of_the_choices() {
        let plan = plan::read(&Settings::built_in(), &Extensions::default())
            .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let fields = Body::Send.fields(&plan.surface());
        let sent = |text: &str| serde_json::json!({ "channel": text }).as_object().cloned().unwrap();
        assert!(read(&plan.surface(), &fields, false, sent("sms")).is_ok());
        assert!(read(&plan.surface(), &fields, false, sent("pigeon")).is_err());
    }
}
