//! What an operator can set: the built-in `config/default.toml`, over it the operator's file, over that the
//! environment (`MULTAUTH__SECTION__KEY`). Unknown keys are refused, and every mistake is reported at once,
//! each with its place.
//!
//! The sections, and how to add a key, are in `sections/`. [`load`] puts it all together; `overlay` is how, and `whole`
//! is what no section can see alone.

use serde::Deserialize;
use url::Url;

use crate::base::TupleSpec;

mod check;
mod files;
mod form;
mod load;
mod origins;
mod overlay;
mod secret;
mod sections;
mod span;
mod whole;

#[cfg(test)]
mod tests;

pub use load::{Loaded, REFERENCE, environment, load, load_and};
pub use origins::{Located, Origins};
pub use overlay::hint::none_of;
pub use secret::secret;
pub use sections::*;
pub use span::Span;

/// The name of an action and its rates as the operator has written them; the throttle reads them, and knows the others.
pub type Throttle = std::collections::BTreeMap<String, String>;

/// What the server is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// On loopback only, with an inbox for messages and keys that make themselves.
    Development,
    /// For people: development's conveniences are refused.
    Production,
}

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the server is run for.
    pub mode: Mode,
    /// The service's name, as messages and pages say it.
    pub name: String,
    /// Where browsers and clients reach the server.
    #[serde(deserialize_with = "form::url")]
    pub public_url: Url,
    /// How a user may sign in.
    pub flows: Vec<TupleSpec>,
    /// How a user may win an account back.
    pub recovery: Vec<TupleSpec>,
    /// The least a flow must reach: `single`, `twostep` or `multifactor`; empty: anything.
    pub minimum_level: String,
    /// Addresses and numbers with fixed codes.
    pub sandbox: Vec<SandboxEntry>,
    /// The public listener.
    pub server: Server,
    /// Where the truth is kept.
    pub database: Database,
    /// What instances share.
    pub redis: Redis,
    /// The master key and the signing keys.
    pub keys: Keys,
    /// Access tokens, refresh tokens, sessions.
    pub tokens: Tokens,
    /// Attempts under way.
    pub attempt: Attempt,
    /// What asks for a fresh proof.
    pub reauth: Reauth,
    /// Usernames.
    pub username: Username,
    /// Email addresses.
    pub email: Email,
    /// Phone numbers.
    pub phone: Phone,
    /// Identifiers of the operator's own making, by name.
    pub identifier: std::collections::BTreeMap<String, Identifier>,
    /// Authenticator apps.
    pub authenticator: Authenticator,
    /// Cards.
    pub card: Card,
    /// Codes that are sent.
    pub passcode: Passcode,
    /// Passwords and their hashing.
    pub password: Password,
    /// What people are sent.
    pub messages: Messages,
    /// How often a secret may be guessed.
    pub guesses: Guesses,
    /// Verifications without a user.
    pub verification: Verification,
    /// How often something may be done.
    pub throttle: Throttle,
    /// The profile.
    pub user: User,
    /// Where webhooks and hooks may go.
    pub outbound: Outbound,
    /// Who is told what happens, by name.
    pub webhooks: std::collections::BTreeMap<String, Webhook>,
    /// Services that are asked.
    pub hooks: Hooks,
    /// The audit trail.
    pub events: Events,
    /// The log.
    pub log: Log,
}

impl Settings {
    /// The built-in settings.
    ///
    /// # Panics
    /// Never: a test reads the built-in file.
    pub fn built_in() -> Self {
        match load(None, std::iter::empty()) {
            Ok(loaded) => loaded.settings,
            Err(mistakes) => panic!("the built-in settings are wrong: {}", mistakes[0]),
        }
    }

    /// The public URL without a slash at its end.
    pub fn base_url(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }

    /// `iss` of the tokens.
    pub fn issuer(&self) -> &str {
        if self.tokens.issuer.is_empty() { self.base_url() } else { &self.tokens.issuer }
    }

    /// `aud` of the tokens.
    pub fn audience(&self) -> &str {
        if self.tokens.audience.is_empty() { self.issuer() } else { &self.tokens.audience }
    }

    /// Sender of every mail.
    pub fn email_from(&self) -> String {
        let host = self.public_url.host_str().unwrap_or("localhost");
        if self.email.from.is_empty() { format!("no-reply@{host}") } else { self.email.from.clone() }
    }

    /// What an authenticator app shows beside the code.
    pub fn authenticator_issuer(&self) -> &str {
        if self.authenticator.issuer.is_empty() { &self.name } else { &self.authenticator.issuer }
    }

    /// Whether the API can be browsed here; where nothing is said, in development alone.
    pub fn serves_docs(&self) -> bool {
        self.server.docs.unwrap_or(self.mode == Mode::Development)
    }

    /// Who sends mail; in development, where nobody is named, the console.
    pub fn email_providers(&self) -> Providers {
        self.or_console(&self.email.providers)
    }

    /// Who sends to phones; in development, where nobody is named, the console.
    pub fn phone_providers(&self) -> Providers {
        self.or_console(&self.phone.providers)
    }

    /// Regions that messages go to, `*` for all; in development, where none is named, the one that examples are of.
    pub fn phone_countries(&self) -> Vec<String> {
        if self.mode == Mode::Production || !self.phone.countries.is_empty() {
            return self.phone.countries.clone();
        }
        vec!["US".to_owned()]
    }

    fn or_console(&self, named: &Providers) -> Providers {
        if self.mode == Mode::Production || !named.is_empty() {
            return named.clone();
        }
        let kind = ("kind".to_owned(), toml::Value::from("console"));
        vec![toml::Table::from_iter([kind])]
    }
}
