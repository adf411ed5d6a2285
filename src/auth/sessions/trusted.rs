//! Whose account a caller's is, and whether they may change how it is entered.

use crate::app::App;
use crate::auth::account::standing::Shown;
use crate::auth::account::{self, Account};
use crate::auth::error::{AuthError, Result};
use crate::auth::sessions::basis::Caller;

/// The account of a caller.
pub async fn account(app: &App, caller: &Caller) -> Result<Account> {
    let found = account::by_id(&mut app.store.read().await?, &caller.session.user_id).await?;
    found.ok_or(AuthError::InvalidToken)
}

/// The account of a caller who may change how it is entered.
///
/// # Errors
/// [`AuthError::ReauthNeeded`] with the flow to re-authenticate by.
pub async fn trusted(app: &App, caller: &Caller) -> Result<Account> {
    Ok(shown(app, caller).await?.0)
}

/// The same, with what was shown lately in the caller's session.
pub(in crate::auth) async fn shown(app: &App, caller: &Caller) -> Result<(Account, Shown)> {
    let found = account(app, caller).await?;
    let shown = Shown::lately(app, &caller.session).await?;
    shown.is_enough(app, &found).map_err(|flow| AuthError::ReauthNeeded { flow })?;
    Ok((found, shown))
}
