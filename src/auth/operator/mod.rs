//! What the operator does with other people's accounts; nobody is asked for a proof here.

pub mod api_keys;
pub mod find;
pub mod reset;

use serde_json::Value;

use super::account::{self, Account, claims, events, flows};
use super::deletion;
use super::devices::add;
use super::error::{AuthError, Result};
use super::input::understand;
use super::sending::notices;
use crate::app::App;
use crate::auth::account::ending::end_everything;
use crate::base::{DeviceId, Fault, SessionId, UserId, Wrong};
use crate::events::{By, Event, NewEvent, Source};
use crate::messages::Kind;
use crate::settings::is_group;
use crate::store::devices::{self as rows, Device};
use crate::store::sessions::{self, Session};
use crate::store::users::{self, User};
use crate::store::{attempts, known_devices};

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
        let mut devices = rows::of_user(&mut db, &user.id).await?;
        devices.retain(|device| device.hidden_at.is_none());
        found.push(Listed { user, devices });
    }
    Ok(found)
}

/// A user with everything that is theirs, disabled or not, and their live sessions.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id.
pub async fn show(app: &App, user_id: &UserId) -> Result<(Account, Vec<Session>)> {
    let mut db = app.store.read().await?;
    let account = account::even_disabled(&mut db, user_id).await?.ok_or(AuthError::NotFound)?;
    let sessions = sessions::of_user(&mut db, user_id, app.now()).await?;
    Ok((account, sessions))
}

/// Deletes a user; until the grace period is over they can be brought back ([`deletion::restore`]).
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id, or they are deleted already.
pub async fn delete(app: &App, user_id: &UserId) -> Result<()> {
    let account = account::even_disabled(&mut app.store.read().await?, user_id).await?;
    let account = account.ok_or(AuthError::NotFound)?;
    let told = notices::by_operator(app, &account, Kind::AccountDeleted, None)?;
    deletion::delete(app, &account, By::Operator, &Source::default(), &told).await
}

/// Disables (or enables) an account: every session ends at once (R83).
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id, or they are deleted.
pub async fn set_disabled(app: &App, user_id: &UserId, disabled: bool) -> Result<()> {
    let mut tx = app.store.begin().await?;
    let now = app.now();
    // Attempts before the user, as a sign-in takes them: otherwise the two could wait for each other.
    attempts::drop_of_user(&mut tx, user_id).await?;
    let account = account::even_disabled(&mut tx, user_id).await?.ok_or(AuthError::NotFound)?;
    if users::set_disabled(&mut tx, user_id, disabled.then_some(now), now).await?.is_no() {
        return Err(AuthError::NotFound);
    }
    let by = By::Operator;
    let event = if disabled { Event::UserDisabled { by } } else { Event::UserEnabled { by } };
    let changed = account.user.disabled_at.is_some() != disabled;
    let event = changed.then(|| event.of(user_id).naming(events::named(&account)));
    let mut noted: Vec<NewEvent> = event.into_iter().collect();
    if disabled {
        noted.extend(events::ended(user_id, "disabled", end_everything(&mut tx, user_id).await?));
    }
    app.events.write(&mut tx, now, &Source::default(), &noted).await?;
    Ok(tx.commit().await?)
}

/// Puts a user into `groups`, each named once, and no others. Tokens say so from the next refresh on.
///
/// # Errors
/// A fault that names a group that is none; [`AuthError::NotFound`] where nobody has that id, or they are deleted.
pub async fn set_groups(app: &App, user_id: &UserId, groups: &[String]) -> Result<()> {
    if let Some(wrong) = groups.iter().enumerate().find(|(n, g)| !is_group(g) || groups[..*n].contains(g)) {
        return Err(Fault::new("groups", Wrong::NotAGroup { name: format!("{:?}", wrong.1) }).into());
    }
    let names = Value::from(groups).to_string();
    let mut tx = app.store.begin().await?;
    let now = app.now();
    let account = account::even_disabled(&mut tx, user_id).await?.ok_or(AuthError::NotFound)?;
    if users::set_groups(&mut tx, user_id, &names, now).await?.is_no() {
        return Err(AuthError::NotFound);
    }
    let user = &account.user;
    if claims::groups(&user.group_names) != groups {
        let groups = Some(groups.to_vec());
        let updated = Event::UserUpdated { by: By::Operator, fields: Vec::new(), groups }.of(user_id);
        let personal = events::naming((user_id, &user.profile, &names), account.confirmed());
        app.events.write(&mut tx, now, &Source::default(), &[updated.naming(personal)]).await?;
    }
    Ok(tx.commit().await?)
}

/// Ends every session of a user, forgets their known devices and drops what is under way (R83); gives how
/// many sessions there were. Wrong guesses stay counted.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id.
pub async fn end_sessions(app: &App, user_id: &UserId) -> Result<u64> {
    let mut tx = app.store.begin().await?;
    // Attempts before the user, as a sign-in takes them: otherwise the two could wait for each other.
    attempts::drop_of_user(&mut tx, user_id).await?;
    // Raised, so that a sign-in that is about to finish cannot leave a session behind.
    if users::touch(&mut tx, user_id, app.now()).await?.is_no() {
        return Err(AuthError::NotFound);
    }
    let ended = sessions::end_all(&mut tx, user_id).await?;
    known_devices::forget(&mut tx, user_id).await?;
    let noted: Vec<NewEvent> = events::ended(user_id, "operator", ended).into_iter().collect();
    app.events.write(&mut tx, app.now(), &Source::default(), &noted).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Gives a user an identifier of any kind, confirmed at once: the operator vouches for it. The owner is told at every
/// address. It takes the place of what the user has of a kind of which there may be one.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id; [`AuthError::Taken`] where somebody else has the identifier; a
/// fault of the kind's field where it has another form, is the user's already, or there is no such kind.
pub async fn add_identifier(app: &App, user_id: &UserId, kind: &str, value: &str) -> Result<Device> {
    let kinds = || app.plan.devices.iter().filter(|kind| kind.names_owner());
    let Some(kind) = kinds().find(|found| found.name() == kind) else {
        let names: Vec<_> = kinds().map(|kind| kind.name()).collect();
        return Err(Fault::new("kind", Wrong::Unknown { names: names.join(", ") }).into());
    };
    let address = understand(app, kind.name(), value)?.address;
    let mut db = app.store.read().await?;
    let account = account::even_disabled(&mut db, user_id).await?.ok_or(AuthError::NotFound)?;
    drop(db);
    if account.of_kind(kind.name()).any(|d| d.canonical.as_ref() == Some(&address.canonical)) {
        return Err(Fault::new(kind.field(), Wrong::AlreadyTheirs).into());
    }
    let now = app.now();
    let before = account.devices.iter().filter(|d| d.kind == kind.name() && !kind.several());
    let gone: Vec<&DeviceId> = before.map(|d| &d.id).collect();
    let device = Device {
        canonical: Some(address.canonical),
        delivery: Some(address.delivery),
        is_primary: account.of_kind(kind.name()).next().is_none() || !kind.several(),
        // Nobody but its owner can show that they hold it, so that it is not proven; the operator vouches for it.
        confirmed_at: Some(now),
        own: Some(rows::VOUCHED.to_owned()),
        ..Device::new(app.random.uuid().into(), account.user.id.clone(), kind.name(), now)
    };
    let told = notices::by_operator(app, &account, Kind::DeviceAdded, Some(&device))?;
    let mut tx = app.store.begin().await?;
    attempts::drop_of_user(&mut tx, user_id).await?;
    if users::touch(&mut tx, user_id, now).await?.is_no() {
        return Err(AuthError::NotFound);
    }
    let mut waited = Vec::new();
    if add::raises(app, &account, &device) {
        // As by a change of its owner's: what waits, and what was shown, was weighed against another account.
        let (none, nowhere) = (DeviceId::default(), SessionId::default());
        sessions::forget_proofs(&mut tx, user_id, &nowhere).await?;
        waited =
            rows::drop_waiting(&mut tx, user_id, (&none, &nowhere), account.user.created_at, true).await?;
    }
    for old in &gone {
        rows::delete(&mut tx, old, user_id).await?.either_way();
    }
    rows::insert(&mut tx, &device).await.map_err(|error| match error {
        crate::store::StoreError::Taken => AuthError::Taken(kind.name()),
        other => other.into(),
    })?;
    let canonical = device.canonical.as_deref().unwrap_or_default();
    let claims = rows::drop_claims(&mut tx, &device.kind, canonical, &device.id).await?;
    notices::queue(app, &mut tx, &told).await?;
    let personal = events::named_with(&account, &gone, Some(&device));
    let mut noted = vec![events::added(By::Operator, &device).naming(personal.clone())];
    let replaced = account.devices.iter().filter(|old| gone.contains(&&old.id));
    noted.extend(replaced.map(|old| events::removed(By::Operator, old).naming(personal.clone())));
    noted.extend(events::dropped(By::Server, claims));
    noted.extend(events::dropped(By::Server, waited).map(|gone| gone.naming(personal.clone())));
    app.events.write(&mut tx, now, &Source::default(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(device)
}

/// Removes a device, and tells its owner at every address, the removed one too (R128). Sessions end: whoever holds
/// the device may have opened one. The last way in goes only with `even_the_last` (R126).
///
/// # Errors
/// [`AuthError::NotFound`] where there is no such device, [`AuthError::LastWayIn`].
pub async fn remove_device(app: &App, device_id: &DeviceId, even_the_last: bool) -> Result<()> {
    let (account, device) = owned(app, device_id).await?;
    let confirmed = device.confirmed_at.is_some();
    if confirmed && !even_the_last && !flows::could_do_without(app, &account, &device) {
        return Err(AuthError::LastWayIn);
    }
    let user = &account.user.id;
    let told = notices::by_operator(app, &account, Kind::DeviceRemoved, Some(&device))?;
    let mut tx = app.store.begin().await?;
    if confirmed {
        attempts::drop_of_user(&mut tx, user).await?;
    }
    if rows::delete(&mut tx, device_id, user).await?.is_no() {
        return Err(AuthError::NotFound);
    }
    let personal = events::named_with(&account, &[device_id], None);
    let mut noted = vec![events::removed(By::Operator, &device).naming(personal)];
    if confirmed {
        users::touch(&mut tx, user, app.now()).await?.either_way();
        let ended = sessions::end_all(&mut tx, user).await?;
        noted.extend(events::ended(user, "device_removed", ended));
        known_devices::forget(&mut tx, user).await?;
        notices::queue(app, &mut tx, &told).await?;
    }
    app.events.write(&mut tx, app.now(), &Source::default(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}

async fn owned(app: &App, device_id: &DeviceId) -> Result<(Account, Device)> {
    let mut db = app.store.read().await?;
    let device = rows::by_id(&mut db, device_id).await?.ok_or(AuthError::NotFound)?;
    let account = account::even_disabled(&mut db, &device.user_id).await?.ok_or(AuthError::NotFound)?;
    Ok((account, device))
}
