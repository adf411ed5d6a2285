//! A field of a request body: what it may hold, and how what was sent is read and refused.

use serde_json::{Map, Value};

use crate::api::problem::Problem;
use crate::auth::attempts::apart::UNLOCK_CODE;
use crate::auth::input::{Client, Given};
use crate::base::{Fault, Sensitive, Wrong};
use crate::devices;
use crate::plan::Surface;
use crate::secrets::recovery::Recovery;
use crate::secrets::{self, SecretKind};

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

pub(in crate::api) const fn field(
    name: &'static str,
    form: Form,
    required: bool,
    about: &'static str,
) -> Field {
    Field { name, form, required, about, example: "", longest: LONGEST, choices: Vec::new() }
}

impl Field {
    pub(in crate::api) fn like(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    pub(in crate::api) fn one_of<'a>(self, choices: impl IntoIterator<Item = &'a str>) -> Self {
        Self { choices: choices.into_iter().map(str::to_owned).collect(), ..self }
    }
}

/// The fields that a client sent, checked against those of a body. It does not print: passwords are among them.
pub struct Read {
    sent: Map<String, Value>,
    devices: devices::Kinds,
    secrets: secrets::Kinds,
}

/// Checks what was sent: every mistake at once, none of them quoting a value. Nothing at all is a mistake unless the
/// body is `optional`.
///
/// # Errors
/// [`Problem`] with one entry a field.
pub fn read(
    surface: &Surface<'_>,
    fields: &[Field],
    optional: bool,
    sent: Map<String, Value>,
) -> Result<Read, Problem> {
    let known: Vec<&str> = fields.iter().map(|f| f.name).collect();
    let unknown = sent.keys().filter(|key| !known.contains(&key.as_str())).map(|key| {
        let shown: String = key.chars().filter(|c| !c.is_control()).take(40).collect();
        Fault::new(shown, Wrong::UnknownField { names: known.join(", ") })
    });
    let mut faults: Vec<Fault> = unknown.collect();
    for field in fields {
        let fault = wrong(field, sent.get(field.name));
        faults.extend(fault.or_else(|| misfit(surface.secrets, field.name, sent.get(field.name)?.as_str()?)));
    }
    if sent.is_empty() && fields.iter().all(|f| !f.required) && !optional {
        faults.push(Fault::new("", Wrong::EmptyBody { names: known.join(", ") }));
    }
    if faults.is_empty() {
        Ok(Read { sent, devices: surface.devices.clone(), secrets: surface.secrets.clone() })
    } else {
        Err(Problem::faults(faults))
    }
}

/// The fault of a text that could be no secret of the field's kind, whoever's it is.
pub fn misfit(secrets: &secrets::Kinds, field: &str, text: &str) -> Option<Fault> {
    let kind = secrets.by_field(field).filter(|kind| !kind.is_possible(text))?;
    Some(Fault::new(field, Wrong::Malformed { example: kind.example().to_owned() }))
}

fn wrong(field: &Field, value: Option<&Value>) -> Option<Fault> {
    let fault = |wrong| Some(Fault::new(field.name, wrong));
    let choice = |text: &String| field.choices.is_empty() || field.choices.contains(text);
    match (field.form, value) {
        (_, None) if field.required => fault(Wrong::Missing),
        (_, None) => None,
        (Form::Text | Form::Secret, Some(Value::String(text))) if text.is_empty() => fault(Wrong::Empty),
        (Form::Text | Form::Secret, Some(Value::String(text))) if text.chars().count() > field.longest => {
            fault(Wrong::TooLong { most: field.longest })
        }
        (Form::Text, Some(Value::String(text))) if !choice(text) => {
            fault(Wrong::Unknown { names: field.choices.join(", ") })
        }
        (Form::Text | Form::Secret, Some(Value::String(_)))
        | (Form::Flag, Some(Value::Bool(_)))
        | (Form::Profile, Some(Value::Object(_))) => None,
        (Form::Text | Form::Secret, Some(_)) => fault(Wrong::NoText),
        (Form::Flag, Some(_)) => fault(Wrong::NoFlag),
        (Form::Profile, Some(_)) => fault(Wrong::NoObject),
    }
}

impl Read {
    /// The text of a field.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.sent.get(name).and_then(Value::as_str)
    }

    /// The secret of a field.
    pub fn secret(&self, name: &str) -> Option<Sensitive> {
        self.text(name).map(Sensitive::new)
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.sent.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The profile.
    pub fn profile(&self) -> Option<&Map<String, Value>> {
        self.sent.get("profile").and_then(Value::as_object)
    }

    /// Identifiers and secrets, sorted by the registries.
    pub fn given(&self) -> Given {
        let identifiers = self.sent.iter().filter_map(|(name, value)| {
            let kind = self.devices.by_field(name).filter(|kind| kind.names_owner())?;
            Some((kind.name(), value.as_str()?.to_owned()))
        });
        let secrets = self.sent.iter().filter_map(|(name, value)| {
            let kind = self.secrets.by_field(name).filter(|kind| kind.in_flows())?;
            Some((kind.name(), Sensitive::new(value.as_str()?)))
        });
        Given {
            identifiers: identifiers.collect(),
            secrets: secrets.collect(),
            new_password: self.secret("new_password"),
            recovery_code: self.secret(Recovery.field()),
            unlock_code: self.secret(UNLOCK_CODE),
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
