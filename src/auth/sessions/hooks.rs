//! Hooks asked before a sign-up goes on and before an access token is made. Never within a transaction.

use serde_json::{Map, Value};

use crate::app::App;
use crate::auth::account::{Account, claims};
use crate::auth::error::Result;
use crate::auth::sessions::basis::Basis;
use crate::base::{SessionId, UserId};
use crate::hooks::{Identifier, Tokens};
use crate::settings::RESERVED_CLAIMS;
use crate::users::profile;

/// Who gets a token, as hooks are told.
pub struct Bearer {
    /// The groups.
    pub groups: Vec<String>,
    /// The profile, a JSON object.
    pub profile: String,
    /// The confirmed identifiers and addresses.
    pub identifiers: Vec<Identifier>,
}

impl From<&Account> for Bearer {
    fn from(account: &Account) -> Self {
        let named = |d: &crate::store::devices::Device| Some(Identifier::new(&d.kind, d.canonical.as_ref()?));
        Self {
            groups: claims::groups(&account.user.group_names),
            profile: account.user.profile.clone(),
            identifiers: account.confirmed().filter_map(named).collect(),
        }
    }
}

/// Asks about an access token of `user` in `session`, and gives the claims that are added to it.
///
/// # Errors
/// [`crate::auth::AuthError::Refused`].
pub async fn before_tokens(
    app: &App,
    purpose: &'static str,
    (user, session): (&UserId, &SessionId),
    basis: &Basis,
    bearer: Bearer,
) -> Result<Map<String, Value>> {
    let asked = Tokens {
        user: user.to_string(),
        session: session.to_string(),
        purpose,
        flow: basis.flow.clone(),
        acr: basis.acr.clone(),
        amr: basis.amr.clone(),
        groups: bearer.groups,
        profile: profile::stored(&bearer.profile),
        identifiers: bearer.identifiers,
    };
    let groups = app.settings.tokens.groups_claim.as_str();
    let reserved = |name: &str| RESERVED_CLAIMS.contains(&name) || name == groups || name == "groups";
    Ok(app.hooks.before_tokens(&asked, reserved).await?)
}
