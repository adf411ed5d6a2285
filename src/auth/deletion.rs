//! The end of an account: deleted, kept for a grace period in which the operator can bring it back, and then purged, so
//! that nothing personal is left of it (R146).

use super::account::{Account, even_disabled, events};
use super::sending::notices::{self, Notice};
use super::sending::{mutes, way};
use crate::app::App;
use crate::auth::account::ending::end_everything;
use crate::auth::devices::undo;
use crate::auth::error::{AuthError, Result};
use crate::base::clock::{DAY, rfc3339};
use crate::base::{Millis, UserId};
use crate::events::{By, Event, Source};
use crate::store::devices::{self, Device};
use crate::store::users::{self, User};
use crate::store::{Tx, attempts, challenges, changes, events as events_rows, guesses, outbox};

/// How many accounts one turn purges at most.
const AT_ONCE: i64 = 100;

/// Deletes an account, and tells its owner so by `told`: from now on it is as good as none, and its sessions are over.
/// Where there is no grace period it is purged in the same breath.
///
/// # Errors
/// [`AuthError::NotFound`] where it is deleted already; [`AuthError::InvalidToken`] where a user who asks for it was
/// thrown out meanwhile (R7).
pub async fn delete(app: &App, account: &Account, by: By, source: &Source, told: &[Notice]) -> Result<()> {
    let user = &account.user;
    let grace = app.settings.user.deletion_grace.millis();
    let mut tx = app.store.begin().await?;
    let now = app.now();
    // Attempts before the user, as a sign-in takes them: otherwise the two could wait for each other.
    challenges::drop_of_attempts(&mut tx, &user.id).await?;
    attempts::drop_of_user(&mut tx, &user.id).await?;
    if by == By::User && users::still(&mut tx, &user.id, user.credentials, now).await?.is_no() {
        return Err(AuthError::InvalidToken);
    }
    let ended = end_everything(&mut tx, &user.id).await?;
    if users::set_deleted(&mut tx, &user.id, now).await?.is_no() {
        return Err(AuthError::NotFound);
    }
    let deleted = Event::UserDeleted { by, purge_at: rfc3339(now + grace) }.of(&user.id);
    let mut noted = vec![deleted.naming(events::named(account))];
    noted.extend(events::ended(&user.id, "deleted", ended));
    app.events.write(&mut tx, now, source, &noted).await?;
    notices::queue(app, &mut tx, told).await?;
    if grace == 0 {
        erase(app, &mut tx, user, by).await?;
    }
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}

/// Brings a deleted account back; one that was disabled before stays so.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id, or the account is not deleted.
pub async fn restore(app: &App, user_id: &UserId) -> Result<()> {
    let mut tx = app.store.begin().await?;
    let now = app.now();
    if users::restore(&mut tx, user_id, now).await?.is_no() {
        return Err(AuthError::NotFound);
    }
    let account = even_disabled(&mut tx, user_id).await?.ok_or(AuthError::NotFound)?;
    let restored = Event::UserRestored { by: By::Operator }.of(user_id).naming(events::named(&account));
    app.events.write(&mut tx, now, &Source::default(), &[restored]).await?;
    Ok(tx.commit().await?)
}

/// Purges an account at once, deleted before or not.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id.
pub async fn purge(app: &App, user_id: &UserId, by: By) -> Result<()> {
    let mut tx = app.store.begin().await?;
    take(&mut tx, user_id, app.now()).await?;
    let user = users::by_id(&mut tx, user_id).await?.ok_or(AuthError::NotFound)?;
    erase(app, &mut tx, &user, by).await?;
    Ok(tx.commit().await?)
}

/// Purges the accounts whose grace period is over, and those that nothing confirmed names a day after they were made
/// (R120); gives how many.
pub async fn purge_due(app: &App) -> Result<usize> {
    let (now, grace) = (app.settled_now(), app.settings.user.deletion_grace.millis());
    let mut due = users::deleted_before(&mut app.store.read().await?, now - grace, AT_ONCE).await?;
    due.extend(users::orphans(&mut app.store.read().await?, now - DAY, AT_ONCE).await?);
    let mut purged = 0;
    for user in &due {
        match purge_one(app, user, now, now - grace).await {
            Ok(one) => purged += usize::from(one),
            Err(AuthError::Store(error)) if error.is_of_the_whole() => return Err(error.into()),
            // The others are purged all the same, and this one is tried again.
            Err(error) => tracing::warn!(%error, user = user.id.as_str(), "an account could not be purged"),
        }
    }
    Ok(purged)
}

/// Gives whether it was still there to be purged: another instance may have been faster, or the operator.
async fn purge_one(app: &App, user: &User, now: Millis, before: Millis) -> Result<bool> {
    let mut tx = app.store.begin().await?;
    take(&mut tx, &user.id, now).await?;
    if !still_due(&mut tx, user, before).await? {
        return Ok(false);
    }
    erase(app, &mut tx, user, By::Server).await?;
    tx.commit().await?;
    Ok(true)
}

/// Keeps an account to this transaction, so that nobody signs in to it, proves an address of it or brings it back
/// between the last look at it and its end. Attempts before the user, as a sign-in takes them.
async fn take(tx: &mut Tx, user_id: &UserId, now: Millis) -> Result<()> {
    challenges::drop_of_attempts(tx, user_id).await?;
    attempts::drop_of_user(tx, user_id).await?;
    users::hold(tx, user_id, now).await?.either_way();
    Ok(())
}

async fn still_due(tx: &mut Tx, user: &User, before: Millis) -> Result<bool> {
    let found = users::by_id(tx, &user.id).await?;
    let orphan = user.deleted_at.is_none();
    Ok(found.is_some_and(|found| match found.deleted_at {
        Some(deleted) => deleted <= before,
        None => orphan && found.credentials == user.credentials,
    }))
}

/// Nobody would be there to end the mute of an address that was the account's; that of another one stays, without the
/// address: an account that merely named it, or had it before, takes nothing of its reader's along.
async fn erase_mute(app: &App, tx: &mut Tx, device: &Device, address: &str) -> Result<()> {
    let scope = way::muted(app, address);
    if device.proven_at.is_none() || device.hidden_at.is_some() {
        challenges::forget_address(tx, &scope).await?;
        return Ok(());
    }
    challenges::drop_scope(tx, &scope).await?;
    mutes::unmute(tx, &mutes::name(app, address)).await
}

/// Takes away the account and whatever else speaks of its owner. What stays is a random id in the events, without the
/// network and request of whoever asked for it.
async fn erase(app: &App, tx: &mut Tx, user: &User, by: By) -> Result<()> {
    for device in devices::of_user(tx, &user.id).await? {
        challenges::drop_scope(tx, &format!("device/{}", device.id)).await?;
        challenges::drop_scope(tx, &format!("proof/{}", device.id)).await?;
        if let Some(address) = &device.delivery {
            erase_mute(app, tx, &device, address).await?;
        }
        outbox::forget_device(tx, &device.id).await?;
    }
    for change in changes::of_user(tx, &user.id).await? {
        challenges::drop_scope(tx, &format!("{}{}", undo::SCOPE, change.id)).await?;
    }
    let guessed = guesses::of_subject(tx, &user.id).await?;
    guesses::clear(tx, guessed, Vec::new()).await?;
    users::delete(tx, &user.id).await?.either_way();
    events_rows::forget(tx, &user.id).await?;
    let purged = Event::UserPurged { by }.of(&user.id);
    Ok(app.events.write(tx, app.now(), &Source::default(), &[purged]).await?)
}
