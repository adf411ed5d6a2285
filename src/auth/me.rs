//! What signed-in users do with their own account.

use super::account::Account;
use super::error::{AuthError, Result};
use super::finish::end_everything;
use super::owned::{account, trusted};
use super::session::Caller;
use crate::app::App;
use crate::base::Sensitive;
use crate::secrets::recovery;
use crate::store::{attempts, guesses, secrets, users};
use crate::users::profile;

/// The caller's account.
pub async fn get(app: &App, caller: &Caller) -> Result<Account> {
    account(app, caller).await
}

/// Changes fields of the profile; `null` takes one away.
pub async fn change_profile(
    app: &App,
    caller: &Caller,
    changed: &serde_json::Map<String, serde_json::Value>,
) -> Result<Account> {
    let account = account(app, caller).await?;
    let merged = profile::merge(&account.user.profile, changed);
    profile::check(&app.settings.user, Some(changed), false).map_err(AuthError::Faults)?;
    let text = serde_json::Value::Object(merged).to_string();
    let mut tx = app.store.begin().await?;
    users::set_profile(&mut tx, &account.user.id, &text, app.now()).await?;
    tx.commit().await?;
    super::owned::account(app, caller).await
}

/// Deletes the caller's account with everything that is theirs.
pub async fn delete(app: &App, caller: &Caller) -> Result<()> {
    let account = trusted(app, caller).await?;
    let mut tx = app.store.begin().await?;
    guesses::forget(&mut tx, &account.user.id).await?;
    users::delete(&mut tx, &account.user.id).await?;
    Ok(tx.commit().await?)
}

/// Makes ten new recovery codes; the earlier ones are dead. They are shown this once (R72).
pub async fn recovery_codes(app: &App, caller: &Caller) -> Result<Vec<Sensitive>> {
    let account = trusted(app, caller).await?;
    let (user, now) = (&account.user.id, app.now());
    let codes = recovery::list(&app.random);
    let mut tx = app.store.begin().await?;
    if users::still(&mut tx, user, account.user.credentials, now).await? != 1 {
        return Err(AuthError::InvalidToken);
    }
    secrets::drop_kind(&mut tx, user, secrets::RECOVERY).await?;
    for code in &codes {
        let hash = recovery::stored(&app.sealer, user, code.expose());
        let hash = hash.ok_or_else(|| AuthError::Internal("a recovery code has no hash".into()))?;
        secrets::insert(&mut tx, &app.random.uuid(), user, secrets::RECOVERY, &hash, now).await?;
    }
    tx.commit().await?;
    Ok(codes)
}

/// Disables (or enables) an account: every session ends at once (R83).
pub async fn set_disabled(app: &App, user_id: &str, disabled: bool) -> Result<()> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    // Attempts before the user, as a sign-in takes them: otherwise the two could wait for each other.
    attempts::drop_of_user(&mut tx, user_id).await?;
    if users::set_disabled(&mut tx, user_id, disabled.then_some(now), now).await? == 0 {
        return Err(AuthError::NotFound);
    }
    if disabled {
        end_everything(&mut tx, user_id).await?;
    }
    Ok(tx.commit().await?)
}
