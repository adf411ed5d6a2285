//! What an access token says of its holder beside the session: groups, and the fields of the profile that are claims.

use serde_json::{Map, Value};

use super::account::Account;
use crate::app::App;
use crate::store::users::User;
use crate::users::profile;

/// The bytes that may be added to a token, so that it stays one that every server takes in a header.
const LONGEST: usize = 4_096;

/// Whom a token is made for, as far as it says more of them than their id.
#[derive(Clone, Debug, Default)]
pub struct Holder {
    /// The groups, a JSON list of names.
    pub groups: String,
    /// The profile, a JSON object.
    pub profile: String,
    /// What hooks add. Nothing of it takes the place of what the installation itself says.
    pub more: Map<String, Value>,
}

impl Holder {
    /// What a user's row says.
    pub fn of(user: &User) -> Self {
        Self { groups: user.group_names.clone(), profile: user.profile.clone(), more: Map::new() }
    }
}

impl From<&Account> for Holder {
    fn from(account: &Account) -> Self {
        Self::of(&account.user)
    }
}

/// The claims of a holder. Where they are too long together the profile goes first: much of it is written by users, who
/// must not be able to push out what others say of them.
pub fn of(app: &App, holder: &Holder) -> Map<String, Value> {
    let whole = said(app, holder, profile::claims(&app.profile, &holder.profile));
    if bytes(&whole) <= LONGEST { whole } else { bounded(said(app, holder, Map::new())) }
}

/// What hooks and the operator say, beside the claims of the profile.
fn said(app: &App, holder: &Holder, mut claims: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in &holder.more {
        claims.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let name = &app.settings.tokens.groups_claim;
    let groups = groups(&holder.groups);
    // A field of the profile that is called so says nothing of groups.
    claims.remove(name);
    if !name.is_empty() && !groups.is_empty() {
        claims.insert(name.clone(), groups.into());
    }
    claims
}

/// The names in a stored list of groups.
pub fn groups(stored: &str) -> Vec<String> {
    serde_json::from_str(stored).unwrap_or_default()
}

/// A token without its additions lets nobody do more than they may; one that no server takes shuts its holder out.
fn bounded(claims: Map<String, Value>) -> Map<String, Value> {
    let bytes = bytes(&claims);
    if bytes <= LONGEST {
        return claims;
    }
    tracing::error!(bytes, longest = LONGEST, "the claims of a token are too long and were left out");
    Map::new()
}

fn bytes(claims: &Map<String, Value>) -> usize {
    serde_json::to_string(claims).map_or(LONGEST + 1, |text| text.len())
}
