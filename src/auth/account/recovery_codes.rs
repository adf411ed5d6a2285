//! Recovery codes at rest: kept as a keyed hash, spent once (R72).

use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::base::{Sensitive, UserId};
use crate::secrets::recovery;
use crate::store::{Tx, secrets};

/// Keeps one of our own codes.
///
/// # Errors
/// [`AuthError::Internal`] where it is no code.
pub async fn keep(app: &App, tx: &mut Tx, user: &UserId, code: &Sensitive) -> Result<()> {
    let hash = recovery::stored(&app.sealer, user, code.expose());
    let hash = hash.ok_or_else(|| AuthError::Internal("a recovery code has no hash".into()))?;
    secrets::insert(tx, &app.random.uuid(), user, secrets::RECOVERY, &hash, app.now()).await?;
    Ok(())
}

/// Spends the code that was typed; `false` where `user` has no such code, and where it is no code at all.
pub async fn spend(app: &App, tx: &mut Tx, user: &UserId, typed: &Sensitive) -> Result<bool> {
    match recovery::stored(&app.sealer, user, typed.expose()) {
        Some(hash) => Ok(secrets::spend_recovery(tx, user, &hash).await?.is_yes()),
        None => Ok(false),
    }
}
