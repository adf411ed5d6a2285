//! What the operator does with other people's accounts; nobody is asked for a proof here.

use super::account::{self, Account};
use super::error::{AuthError, Result};
use super::{notices, noting, rules};
use crate::app::App;
use crate::base::clock::rfc3339;
use crate::events::{By, Event, Noted, Source};
use crate::messages::Kind;
use crate::store::devices::{self as rows, Device};
use crate::store::sessions::{self, Session};
use crate::store::users::{self, User};
use crate::store::{attempts, guesses, known_devices};

/// A user with what they are called by and reached at.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The user.
    pub user: User,
    /// All devices, unconfirmed ones too, oldest first.
    pub devices: Vec<Device>,
}

/// At most `limit` users in the order of their ids, after the id `after` (empty: from the beginning).
pub async fn list(app: &App, after: &str, limit: i64) -> Result<Vec<Listed>> {
    let mut db = app.store.read().await?;
    let mut found = Vec::new();
    for user in users::page(&mut db, after, limit).await? {
        let devices = rows::of_user(&mut db, &user.id).await?;
        found.push(Listed { user, devices });
    }
    Ok(found)
}

/// A user with everything that is theirs, disabled or not, and their live sessions.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id.
pub async fn show(app: &App, user_id: &str) -> Result<(Account, Vec<Session>)> {
    let mut db = app.store.read().await?;
    let account = account::even_disabled(&mut db, user_id).await?.ok_or(AuthError::NotFound)?;
    let sessions = sessions::of_user(&mut db, user_id, app.now()).await?;
    Ok((account, sessions))
}

/// Deletes a user with everything that is theirs.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id.
pub async fn delete(app: &App, user_id: &str) -> Result<()> {
    let mut tx = app.store.begin().await?;
    let account = account::even_disabled(&mut tx, user_id).await?.ok_or(AuthError::NotFound)?;
    guesses::forget(&mut tx, user_id).await?;
    if users::delete(&mut tx, user_id).await? == 0 {
        return Err(AuthError::NotFound);
    }
    let deleted = Event::UserDeleted { by: By::Operator, purge_at: rfc3339(app.now()) }.of(user_id);
    let deleted = deleted.naming(noting::named(&account));
    app.events.write(&mut tx, app.now(), &Source::default(), &[deleted]).await?;
    Ok(tx.commit().await?)
}

/// Ends every session of a user, forgets their known devices and drops what is under way (R83); gives how
/// many sessions there were. Wrong guesses stay counted.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id.
pub async fn end_sessions(app: &App, user_id: &str) -> Result<u64> {
    let mut tx = app.store.begin().await?;
    // Raised, so that a sign-in that is about to finish cannot leave a session behind.
    if users::touch(&mut tx, user_id, app.now()).await? == 0 {
        return Err(AuthError::NotFound);
    }
    let ended = sessions::end_all(&mut tx, user_id).await?;
    known_devices::forget(&mut tx, user_id).await?;
    attempts::drop_of_user(&mut tx, user_id).await?;
    let noted: Vec<Noted> = noting::ended(user_id, "operator", ended).into_iter().collect();
    app.events.write(&mut tx, app.now(), &Source::default(), &noted).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Removes a device, and tells its owner at every address, the removed one too (R128). Sessions end: whoever holds
/// the device may have opened one. The last way in goes only with `even_the_last` (R126).
///
/// # Errors
/// [`AuthError::NotFound`] where there is no such device, [`AuthError::LastWayIn`].
pub async fn remove_device(app: &App, device_id: &str, even_the_last: bool) -> Result<()> {
    let (account, device) = owned(app, device_id).await?;
    let confirmed = device.confirmed_at.is_some();
    if confirmed && !even_the_last && !rules::could_do_without(app, &account, &device) {
        return Err(AuthError::LastWayIn);
    }
    let user = account.user.id.as_str();
    let told = notices::by_operator(app, &account, Kind::DeviceRemoved, Some(&device))?;
    let mut tx = app.store.begin().await?;
    if rows::delete(&mut tx, device_id, user).await? == 0 {
        return Err(AuthError::NotFound);
    }
    let personal = noting::named_with(&account, &[device_id], None);
    let mut noted = vec![noting::removed(By::Operator, &device).naming(personal)];
    if confirmed {
        users::touch(&mut tx, user, app.now()).await?;
        let ended = sessions::end_all(&mut tx, user).await?;
        noted.extend(noting::ended(user, "device_removed", ended));
        known_devices::forget(&mut tx, user).await?;
        attempts::drop_of_user(&mut tx, user).await?;
        notices::queue(app, &mut tx, &told).await?;
    }
    app.events.write(&mut tx, app.now(), &Source::default(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}

async fn owned(app: &App, device_id: &str) -> Result<(Account, Device)> {
    let mut db = app.store.read().await?;
    let device = rows::by_id(&mut db, device_id).await?.ok_or(AuthError::NotFound)?;
    let account = account::even_disabled(&mut db, &device.user_id).await?.ok_or(AuthError::NotFound)?;
    Ok((account, device))
}
