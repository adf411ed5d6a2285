//! A way: what a mail opens to whoever reads it, kept beside the code that it carries.

use super::mutes;
use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::base::seal::sha256_hex;
use crate::base::{Millis, UserId};
use crate::store::challenges::Challenge;
use serde::Deserialize;
use serde::Serialize;

/// The scope of a way by which strangers were muted: it lives on, so that they can be let in again.
pub const MUTED: &str = "muted/";

/// The scope of those by which the reader of `address` muted strangers.
pub fn muted(app: &App, address: &str) -> String {
    format!("{MUTED}{}", mutes::name(app, address))
}

/// What an attempt of the reader's own begins by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// What the attempt was for in which the code was asked for.
    pub purpose: String,
    /// The identifier's kind.
    pub kind: String,
    /// The identifier in its canonical form.
    pub canonical: String,
    /// Whose account it names; nobody's otherwise.
    pub user: Option<UserId>,
    /// The account's credentials number: with the next change of them the way is closed (R7).
    pub credentials: Option<i64>,
    /// The factor whose guesses are counted apart, where the code is good for that alone.
    pub factor: Option<String>,
}

/// The columns of a way: the hash of its key, and what it begins by.
pub fn written(begin: &Begin, key: &str) -> Result<(String, String)> {
    let begin = serde_json::to_string(begin).map_err(|error| AuthError::Internal(error.to_string()))?;
    Ok((sha256_hex(key.as_bytes()), begin))
}

/// What stands as the hash of a link's key where the link is a way: nobody has that key.
pub fn beside(key: &str) -> String {
    sha256_hex(format!("beside {}", sha256_hex(key.as_bytes())).as_bytes())
}

/// Whether the challenge of a link is still a way on.
pub fn is_open(way: &Challenge, now: Millis) -> bool {
    way.way_ends.is_some_and(|ends| ends > now) && way.way_guesses < way.max_guesses
}
