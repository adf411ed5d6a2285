//! What the operator does with other people's accounts; nobody is asked for a proof here.

use super::account::{self, Account};
use super::error::{AuthError, Result};
use super::input::understand;
use super::{notices, rules};
use crate::app::App;
use crate::base::Fault;
use crate::events::{By, Event, Source};
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
    guesses::forget(&mut tx, user_id).await?;
    if users::delete(&mut tx, user_id).await? == 0 {
        return Err(AuthError::NotFound);
    }
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
    tx.commit().await?;
    Ok(ended)
}

/// Gives a user an identifier of any kind, confirmed at once: the operator vouches for it. The owner is told at every
/// address. It takes the place of what the user has of a kind of which there may be one.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id; [`AuthError::Taken`] where somebody else has the identifier; a
/// fault of the kind's field where it has another form, is the user's already, or there is no such kind.
pub async fn add_identifier(app: &App, user_id: &str, kind: &str, value: &str) -> Result<Device> {
    let kinds = || app.devices.iter().filter(|kind| kind.names_owner());
    let Some(kind) = kinds().find(|found| found.name() == kind) else {
        let names: Vec<_> = kinds().map(|kind| kind.name()).collect();
        return Err(Fault::new("kind", "unknown", format!("one of: {}", names.join(", "))).into());
    };
    let address = understand(app, kind.name(), value)?.address;
    let mut db = app.store.read().await?;
    let account = account::even_disabled(&mut db, user_id).await?.ok_or(AuthError::NotFound)?;
    drop(db);
    if account.of_kind(kind.name()).any(|d| d.canonical.as_ref() == Some(&address.canonical)) {
        return Err(Fault::new(kind.field(), "already_theirs", "is among their devices already").into());
    }
    let now = app.now();
    let before: Vec<String> = account.devices.iter().filter(|d| d.kind == kind.name()).map(|d| d.id.clone()).collect();
    let device = Device {
        id: app.random.uuid(),
        user_id: account.user.id.clone(),
        kind: kind.name().to_owned(),
        canonical: Some(address.canonical),
        delivery: Some(address.delivery),
        label: String::new(),
        is_primary: account.of_kind(kind.name()).next().is_none() || !kind.several(),
        secret: None,
        last_step: None,
        created_at: now,
        confirmed_at: Some(now),
        // Nobody but its owner can show that they hold it.
        proven_at: None,
        last_used_at: None,
        replaces: None,
        replaced_at: None,
        failing_since: None,
    };
    let told = notices::by_operator(app, &account, Kind::DeviceAdded, Some(&device))?;
    let mut tx = app.store.begin().await?;
    attempts::drop_of_user(&mut tx, user_id).await?;
    if users::touch(&mut tx, user_id, now).await? == 0 {
        return Err(AuthError::NotFound);
    }
    for old in before.iter().filter(|_| !kind.several()) {
        rows::delete(&mut tx, old, user_id).await?;
    }
    rows::insert(&mut tx, &device).await.map_err(|error| match error {
        crate::store::StoreError::Taken => AuthError::Taken(kind.name()),
        other => other.into(),
    })?;
    if let Some(canonical) = &device.canonical {
        rows::drop_claims(&mut tx, &device.kind, canonical, &device.id).await?;
    }
    notices::queue(app, &mut tx, &told).await?;
    let added = Event::DeviceAdded { by: By::Operator, device: device.id.clone(), kind: device.kind.clone(), confirmed: true };
    app.events.write(&mut tx, now, &Source::default(), &[added.of(user_id)]).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(device)
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
    if confirmed {
        users::touch(&mut tx, user, app.now()).await?;
        sessions::end_all(&mut tx, user).await?;
        known_devices::forget(&mut tx, user).await?;
        attempts::drop_of_user(&mut tx, user).await?;
        notices::queue(app, &mut tx, &told).await?;
    }
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
