//! The HTTP API: a file a resource, each handler a sentence. Typed arguments, one operation, one conversion.
//!
//! Bodies are read by [`body`] from the lists in [`requests`]; failures are the catalogue in [`problem`]; the
//! document of an instance is made by [`document`].

mod about;
pub mod answers;
mod bodies;
pub mod body;
pub mod caller;
mod confirm;
pub mod cut;
mod declared;
mod devices;
mod doors;
mod examples;
mod failures;
pub mod fields;
mod me;
mod openapi30;
pub mod problem;
mod profile;
pub mod receipts;
pub mod requests;
mod schema;
mod sessions;
mod strict;
mod tidy;
mod tokens;
pub mod verifications;

use poem_openapi::{LicenseObject, OpenApiService, Tags};

pub use schema::document;

use crate::base::Fault;
use crate::messages::Channel;

/// The parts of the document.
#[derive(Tags)]
enum Tag {
    /// Sign-in, sign-up, recovery, re-authentication.
    Attempts,
    /// Tokens.
    Tokens,
    /// The signed-in user.
    Me,
    /// The signed-in user's devices.
    Devices,
    /// The signed-in user's sessions.
    Sessions,
    /// Proof that somebody holds a number or an address.
    Verifications,
    /// The instance itself.
    About,
}

type All = (
    doors::Doors,
    confirm::Links,
    tokens::TokenApi,
    me::MeApi,
    devices::DeviceApi,
    sessions::SessionApi,
    verifications::VerificationApi,
    about::About,
);

/// All operations.
pub fn service() -> OpenApiService<All, ()> {
    let all = (
        doors::Doors,
        confirm::Links,
        tokens::TokenApi,
        me::MeApi,
        devices::DeviceApi,
        sessions::SessionApi,
        verifications::VerificationApi,
        about::About,
    );
    OpenApiService::new(all, "multauth", env!("CARGO_PKG_VERSION"))
        .license(LicenseObject::new("Apache-2.0").url("https://www.apache.org/licenses/LICENSE-2.0"))
}

/// The channel that a body names.
fn channel(body: &fields::Read) -> Result<Option<Channel>, problem::Problem> {
    let Some(name) = body.text("channel") else { return Ok(None) };
    let names: Vec<_> = Channel::ALL.iter().map(|channel| channel.name()).collect();
    let fault = || Fault::new("channel", "unknown", format!("one of: {}", names.join(", ")));
    Channel::from_name(name).map(Some).ok_or_else(|| problem::Problem::faults(vec![fault()]))
}
