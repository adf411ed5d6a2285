//! What a client gave and who it is, before anything is believed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::error::{AuthError, Result};
use crate::app::App;
use crate::base::{Fault, Sensitive, Wrong, net, typed};
use crate::devices::{self, Address, DeviceKind};
use crate::events::Source;
use crate::flows::Flows;
use crate::throttle::Keys;

/// Who calls.
#[derive(Clone, Debug)]
pub struct Client {
    /// The address, behind whatever proxies are trusted.
    pub ip: IpAddr,
    /// What it says of itself, shortened.
    pub agent: String,
    /// The credential of a known device, where it carries one (R66).
    pub known_device: Option<String>,
    /// The languages that it asks for, the most wanted first: few short tags ([`crate::messages::accepted`]).
    pub languages: Vec<String>,
    /// The id of the request.
    pub request: String,
}

impl Client {
    /// Roughly where it is, for messages and the list of sessions.
    pub fn place(&self) -> String {
        net::network(self.ip)
    }

    /// The windows of its network.
    pub fn keys(&self) -> Keys<'_> {
        Keys { ip: Some(self.ip), ..Keys::default() }
    }

    /// Those of a device that the account is known by, where it is one: nobody else slows it (R35).
    pub fn keys_of<'a>(&'a self, known: Option<&'a str>) -> Keys<'a> {
        Keys { known, apart: known.is_some(), ..self.keys() }
    }

    /// Where an event that it causes came from.
    pub fn source(&self) -> Source {
        Source { network: self.place(), request: self.request.clone() }
    }
}

/// The fields of a request, by name.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Identifiers, by the name of their device kind, as they were typed.
    pub identifiers: BTreeMap<&'static str, String>,
    /// Secrets, by their name.
    pub secrets: BTreeMap<&'static str, Sensitive>,
    /// A new password, where one is asked for.
    pub new_password: Option<Sensitive>,
    /// A recovery code, instead of a passcode.
    pub recovery_code: Option<Sensitive>,
    /// The long code that sets an attempt apart from whoever guesses.
    pub unlock_code: Option<Sensitive>,
    /// Which of several devices the passcode is of.
    pub device: Option<String>,
    /// The profile.
    pub profile: Option<serde_json::Map<String, serde_json::Value>>,
}

/// An identifier, understood.
#[derive(Clone)]
pub struct Identifier {
    /// Its kind.
    pub kind: &'static dyn DeviceKind,
    /// Its canonical form and the one to deliver to.
    pub address: Address,
}

impl Given {
    /// The one identifier of the request; there must be exactly one, of a kind that begins a flow.
    pub fn identifier(&self, app: &App, flows: &Flows) -> Result<Identifier> {
        let names = flows.identifiers().join(", ");
        let mut given = self.identifiers.iter();
        match (given.next(), given.next()) {
            (Some((kind, text)), None) => understand_owned(app, kind, text),
            (None, _) => Err(Fault::new("identifier", Wrong::MissingIdentifier { names }).into()),
            (Some(_), Some((second, _))) => {
                Err(Fault::new(*second, Wrong::SeveralIdentifiers { names }).into())
            }
        }
    }
}

/// An identifier that somebody may have: a name that is reserved by now was not always.
fn understand_owned(app: &App, kind: &str, text: &str) -> Result<Identifier> {
    match understand(app, kind, text) {
        Err(AuthError::Faults(faults)) if faults.iter().all(|fault| fault.code == "reserved") => {
            let name = typed::trimmed(text).to_ascii_lowercase();
            let kind = app.plan.devices.kind(kind).ok_or(AuthError::NotFound)?;
            Ok(Identifier { kind, address: Address { canonical: name.clone(), delivery: name } })
        }
        other => other,
    }
}

/// Brings an identifier into its canonical form.
pub fn understand(app: &App, kind: &str, text: &str) -> Result<Identifier> {
    let kind =
        app.plan.devices.kind(kind).ok_or_else(|| AuthError::Internal(format!("no device kind {kind}")))?;
    Ok(Identifier { kind, address: devices::read(kind, text, &app.rules)? })
}
