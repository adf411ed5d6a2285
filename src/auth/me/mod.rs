//! What signed-in users do with their own account.

pub mod secret;

use super::account::{Account, profile};
use super::deletion;
use super::error::{AuthError, Result};
use super::input::Client;
use super::sending::notices;
use super::sessions::trusted::{account, trusted};
use crate::app::App;
use crate::auth::sessions::basis::Caller;
use crate::events::By;
use crate::messages::Kind;
use crate::settings::Who;
use crate::throttle::Keys;

/// The caller's account.
pub async fn get(app: &App, caller: &Caller) -> Result<Account> {
    account(app, caller).await
}

/// Changes fields of the profile; `null` takes one away.
pub async fn change_profile(
    app: &App,
    client: &Client,
    caller: &Caller,
    changed: &serde_json::Map<String, serde_json::Value>,
) -> Result<Account> {
    let account = account(app, caller).await?;
    let changed = app.plan.profile.check(Who::User, changed).map_err(AuthError::Faults)?;
    // Each change is kept as an event: one account must not fill the disk.
    let keys = Keys { ip: Some(client.ip), account: Some(&account.user.id), ..Keys::default() };
    app.throttle.check("profile", app.now(), &keys).await?;
    let user = &account.user.id;
    let taken = profile::first_taken(app, &mut app.store.read().await?, user, &changed).await?;
    if let Some(taken) = taken {
        return profile::tell_taken(app, client, taken).await;
    }
    let mut tx = app.store.begin().await?;
    let written = profile::write(app, &mut tx, user, &changed).await;
    let written = written.map_err(|error| {
        if matches!(error, AuthError::NotFound) { AuthError::InvalidToken } else { error }
    })?;
    let happened: Vec<_> = written.event(By::User, &account).into_iter().collect();
    app.events.write(&mut tx, app.now(), &client.source(), &happened).await?;
    tx.commit().await?;
    super::sessions::trusted::account(app, caller).await
}

/// Deletes the caller's account; the operator can bring it back until its grace period is over.
pub async fn delete(app: &App, client: &Client, caller: &Caller) -> Result<()> {
    let account = trusted(app, caller).await?;
    let told = notices::about(app, client, &account, Kind::AccountDeleted, None)?;
    deletion::delete(app, &account, By::User, &client.source(), &told).await
}
