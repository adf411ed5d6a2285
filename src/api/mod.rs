//! The HTTP API: a file a resource, each handler a sentence. Typed arguments, one operation, one conversion.
//!
//! Bodies are read by [`body`] from the lists in [`body::bodies`]; failures are the catalogue in [`problem`]; the
//! document of an instance is made by [`document`](mod@document). A row of this list names only rows below it:
//!
//! | row | |
//! | --- | --- |
//! | 4 | [`attempts`], [`devices`], [`document`](mod@document), [`links`], [`me`], [`tokens`], [`verifications`], [`receipts`] |
//! | 3 | [`about`], [`body`], [`sessions`] |
//! | 2 | [`fail`] |
//! | 1 | [`problem`], [`profile`] |
//! | 0 | [`answers`], [`caller`], [`code`], [`cut`], [`slot`] |
//!
//! To add a resource: a file here, its service in the list below, its bodies in [`body::bodies`], its paths in
//! [`crate::server`]'s list of them.

mod about;
pub mod answers;
mod attempts;
pub mod body;
pub mod caller;
pub mod code;
pub mod cut;
mod devices;
mod document;
mod fail;
mod links;
mod me;
pub mod problem;
mod profile;
pub mod receipts;
mod sessions;
mod slot;
mod tokens;
pub mod verifications;

use poem_openapi::{LicenseObject, OpenApiService, Tags};

pub use document::document;

use crate::base::{Fault, Wrong};
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

/// One list for the type and the value.
macro_rules! services {
    ($($service:path),* $(,)?) => {
        type All = ($($service),*);

        const fn all() -> All {
            ($($service),*)
        }
    };
}

services! {
    attempts::Doors,
    links::Links,
    tokens::TokenApi,
    me::MeApi,
    devices::DeviceApi,
    sessions::SessionApi,
    verifications::VerificationApi,
    about::About,
}

/// All operations.
pub fn service() -> OpenApiService<All, ()> {
    OpenApiService::new(all(), "multauth", env!("CARGO_PKG_VERSION"))
        .license(LicenseObject::new("Apache-2.0").url("https://www.apache.org/licenses/LICENSE-2.0"))
}

/// The channel that a body names.
fn channel(body: &body::field::Read) -> Result<Option<Channel>, problem::Problem> {
    let Some(name) = body.text("channel") else { return Ok(None) };
    let names: Vec<_> = Channel::ALL.iter().map(|channel| channel.name()).collect();
    let fault = || Fault::new("channel", Wrong::Unknown { names: names.join(", ") });
    Channel::from_name(name).map(Some).ok_or_else(|| problem::Problem::faults(vec![fault()]))
}
