//! The language of a message: what its reader's profile names, then what the client asks for, then the installation's.

use crate::app::App;
use crate::auth::input::Client;
use crate::messages::Language;
use crate::users::profile;

/// The field of the profile that holds a language tag (BCP 47).
const FIELD: &str = "language";

/// The language that a profile, a JSON object, wishes for.
pub fn wished(profile: &str) -> Option<String> {
    profile::field(profile, FIELD)
}

/// The language of a message to somebody whose profile wishes for `wished`. `client` is given only where it may choose:
/// where somebody else reads the message, what the caller asks for is nothing to them.
pub fn of(app: &App, wished: Option<&str>, client: Option<&Client>) -> Language {
    let accepted = client.into_iter().flat_map(|client| client.languages.iter().map(String::as_str));
    app.plan.catalogue.language(wished.into_iter().chain(accepted))
}
