//! What an access token says of its holder beside the session: groups, and the fields of the profile that are claims.

use serde_json::{Map, Value};

use super::Account;
use crate::app::App;
use crate::store::users::User;
use crate::users::profile::{self, Claims};

/// The bytes that may be added to a token, so that it stays one that every server takes in a header.
const LONGEST: usize = 4_096;

/// Whom a token is made for, as far as it says more of them than their id.
#[derive(Clone, Debug, Default)]
pub struct Holder {
    /// The groups, a JSON list of names.
    pub groups: String,
    /// The profile, a JSON object.
    pub profile: String,
    /// What hooks add. It stands over what users write, and under what the installation itself says.
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

/// The claims of a holder.
pub fn of(app: &App, holder: &Holder) -> Map<String, Value> {
    let profile = profile::claims(&app.plan.profile, &holder.profile);
    bounded(&profile, &holder.more, (&app.settings.tokens.groups_claim, &groups(&holder.groups)))
}

/// The claims that fit. Where they are too long together the profile goes first, and of it what users write, who must
/// not be able to push out what others say of them. A token without its additions lets nobody do more than they may;
/// one that no server takes shuts its holder out.
fn bounded(profile: &Claims, more: &Map<String, Value>, groups: (&str, &[String])) -> Map<String, Value> {
    let mut more = more.clone();
    // Not only laid under: it must not take the place of a claim that is too long, either.
    more.retain(|name, _| !profile.own.contains_key(name));
    let ways: [&[_]; 3] = [&[&profile.users, &more, &profile.own], &[&more, &profile.own], &[&more]];
    let fits = |claims: &Map<String, Value>| bytes(claims) <= LONGEST;
    ways.iter().map(|layers| said(layers, groups)).find(fits).unwrap_or_else(|| {
        let bytes = bytes(&said(ways[0], groups));
        tracing::error!(
            often = true,
            bytes,
            longest = LONGEST,
            "the claims of a token are too long and were left out"
        );
        Map::new()
    })
}

/// What each layer says, over those before it, and the groups, which come from nowhere else.
fn said(layers: &[&Map<String, Value>], (name, groups): (&str, &[String])) -> Map<String, Value> {
    let mut claims = Map::new();
    for layer in layers {
        claims.extend((*layer).clone());
    }
    claims.remove(name);
    if !name.is_empty() && !groups.is_empty() {
        claims.insert(name.to_owned(), groups.into());
    }
    claims
}

/// The names in a stored list of groups.
pub fn groups(stored: &str) -> Vec<String> {
    serde_json::from_str(stored).unwrap_or_default()
}

fn bytes(claims: &Map<String, Value>) -> usize {
    serde_json::to_string(claims).map_or(LONGEST + 1, |text| text.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn claims(users: Value, own: Value, more: Value) -> Value {
        let profile = Claims { users: map(users), own: map(own) };
        bounded(&profile, &map(more), ("teams", &["staff".to_owned()])).into()
    }

    #[test]
    fn a_hook_stands_over_what_users_write_and_under_what_the_installation_says() {
        let said = claims(
            json!({ "plan": "of the user", "size": "s", "teams": "of the user" }),
            json!({ "customer": "of the operator", "teams": "of the operator" }),
            json!({ "plan": "of the hook", "customer": "of the hook", "teams": "of the hook", "club": true }),
        );
        let expected = json!({
            "plan": "of the hook", "size": "s", "customer": "of the operator", "teams": ["staff"], "club": true
        });
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_too_long_gives_way_and_leaves_its_name_to_nobody() {
        let long = "x".repeat(LONGEST);
        let said =
            claims(json!({ "note": long }), json!({ "grade": 1 }), json!({ "grade": 9, "club": true }));
        assert_eq!(said, json!({ "grade": 1, "club": true, "teams": ["staff"] }), "users push nothing out");
        let said =
            claims(json!({ "size": "s" }), json!({ "grade": long }), json!({ "grade": 9, "club": true }));
        assert_eq!(said, json!({ "club": true, "teams": ["staff"] }));
        assert_eq!(claims(json!({}), json!({}), json!({ "club": long })), json!({}));
    }
}
