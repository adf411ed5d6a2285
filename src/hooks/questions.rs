//! What hooks are asked. Over HTTP each is the `data` of the question, under the same names.

use serde::Serialize;
use serde_json::{Map, Value};

/// Something that a user is called by or reached at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identifier {
    /// Its kind, such as `email`.
    pub kind: String,
    /// Its canonical form, such as `ada@example.com`.
    pub value: String,
}

impl Identifier {
    /// An identifier of that kind.
    pub fn new(kind: impl Into<String>, value: impl Into<String>) -> Self {
        Self { kind: kind.into(), value: value.into() }
    }
}

/// Somebody signs up.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Signup {
    /// What they want to be called by and reached at. None of it is proven.
    pub identifiers: Vec<Identifier>,
    /// The profile, checked.
    pub profile: Map<String, Value>,
    /// The groups that the account begins in.
    pub groups: Vec<String>,
    /// The network that the request came from, such as `192.0.2.0/24`.
    pub network: String,
    /// What the client says of itself.
    pub user_agent: String,
    /// The languages that the client asks for, the most wanted first.
    pub languages: Vec<String>,
}

/// An access token is about to be made.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Tokens {
    /// The user's id.
    pub user: String,
    /// The session's id.
    pub session: String,
    /// `signup`, `signin`, `reauth` or `refresh`.
    pub purpose: &'static str,
    /// The name of the flow.
    pub flow: String,
    /// The level of the authentication.
    pub acr: String,
    /// The factors that were passed (RFC 8176).
    pub amr: Vec<String>,
    /// The groups that the user is in.
    pub groups: Vec<String>,
    /// The profile.
    pub profile: Map<String, Value>,
    /// The user's confirmed identifiers and addresses.
    pub identifiers: Vec<Identifier>,
}

/// A message is about to be handed to a provider.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Sending {
    /// The message's id; the same at every try.
    pub message: String,
    /// What it is, such as `signin_code`.
    pub kind: String,
    /// How it leaves, such as `sms`.
    pub channel: String,
    /// Where it goes.
    pub to: String,
    /// The country of the number (ISO 3166-1 alpha-2); empty for email.
    pub country: String,
    /// The user's id, where the device is known.
    pub user: Option<String>,
    /// The device's id, where it is known.
    pub device: Option<String>,
    /// The providers that are left, in the order they are tried.
    pub providers: Vec<String>,
}

/// An attempt begins, or its first secret was passed.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Offer {
    /// `signin`, `signup`, `recovery` or `reauth`.
    pub purpose: &'static str,
    /// What somebody came by; several at a sign-up. Whether anybody has it is not said.
    pub identifiers: Vec<Identifier>,
    /// The user's id, once something is proven.
    pub user: Option<String>,
    /// The network that the request came from.
    pub network: String,
    /// What the client says of itself.
    pub user_agent: String,
    /// How codes can come: channels such as `sms`, and `authenticator`.
    pub channels: Vec<String>,
    /// The names of the flows; none at a sign-up.
    pub flows: Vec<String>,
}
