//! The sections of the settings: a file a section (small ones share one).
//!
//! To add a key: a field in its section, a line with a comment in `config/default.toml` (the only place for its
//! default), and a line in the section's `check` if not every value of its type is right.

mod attempt;
mod database;
mod devices;
mod events;
mod field;
mod field_check;
mod guesses;
mod hooks;
mod identifier;
mod keys;
mod log;
mod messages;
mod outbound;
mod passcode;
mod password;
mod phone;
mod sandbox;
mod server;
mod tokens;
mod user;
mod verification;
mod webhooks;

pub use attempt::{Attempt, Reauth};
pub use database::{Database, Redis};
pub use devices::{Authenticator, Card, Confirm, Email, Phone, Providers, Username};
pub use events::Events;
pub use field::{Claim, FieldType, Items, Limit, Required, Who, Words};
pub use field_check::RESERVED_CLAIMS;
pub use guesses::Guesses;
pub use hooks::{HookPoint, Hooks, WhenDown};
pub use identifier::{Case, GivenBy, Identifier};
pub use keys::{Algorithm, Keys};
pub use log::{Log, LogFormat};
pub use messages::Messages;
pub use outbound::Outbound;
pub use passcode::{ByChannel, ByPurpose, Passcode, Shape};
pub use password::Password;
pub use phone::{Conversion, LineType, Lookup, Mask, Micros, Spend, Unknown, micros};
pub use sandbox::SandboxEntry;
pub use server::Server;
pub use tokens::Tokens;
pub use user::{Field, GROUP, User, is_group};
pub use verification::Verification;
pub use webhooks::Webhook;
