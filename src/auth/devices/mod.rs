//! The devices of a signed-in user: listed, confirmed anew, named, removed; how they are added is `add.rs`, how
//! one takes the place of another `replace.rs`.
//!
//! Adding or removing one takes a fresh authentication at the account's highest level (R67), is told to
//! every address (R128), and kills what was under way (R7). The last way in is never removed (R126).

pub mod add;
pub mod confirm;
pub(super) mod factor;
pub mod recovery_codes;
pub mod replace;
pub(super) mod undo;

use serde_json::Value;

use super::account::{Account, events, flows};
use super::error::{AuthError, Result};
use super::input::{Client, Given};
use super::sending::order::{Counted, Order, Parcel};
use super::sending::reach::reaching;
use super::sending::{language, notices};
use super::sessions::trusted::{account, shown, trusted};
use crate::app::App;
use crate::auth::account::ending::end_others;
use crate::auth::codes::dispatch;
use crate::auth::sending::recipient::Recipient;
use crate::auth::sessions::basis::Caller;
use crate::base::{DeviceId, Fault, Millis, Purpose, Scope, SessionId, Wrong};
use crate::events::{By, NewEvent};
use crate::messages::{Channel, Kind};
use crate::store::devices::{self as rows, Device};
use crate::store::{Changed, Tx, attempts as attempt_rows, sessions, users};
use undo::Told;

/// The caller's devices, oldest first.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Device>> {
    Ok(account(app, caller).await?.devices)
}

/// Sends the code of a device that nobody has proven, again; to a proven one the code that its removal or replacement
/// may ask for.
pub async fn send(
    app: &App,
    client: &Client,
    caller: &Caller,
    id: &DeviceId,
    channel: Option<Channel>,
) -> Result<()> {
    let account = account(app, caller).await?;
    let device = account.device(id).ok_or(AuthError::NotFound)?;
    if device.delivery.is_none() || app.plan.devices.is_silent(&device.kind) {
        return Err(unreached(app, device));
    }
    if device.proven_at.is_some() {
        factor::forget_spent(app, device).await?;
        let session = Some(caller.session.id.clone());
        let order = Order { session, ..factor::order(app, &account, device, channel) };
        return dispatch::dispatch(app, client, &order).await;
    }
    let canonical = device.canonical.as_deref().unwrap_or_default();
    let owner = rows::owner(&mut app.store.read().await?, &device.kind, canonical).await?;
    let taken = owner.is_some_and(|owner| owner.id != device.id);
    dispatch::dispatch(app, client, &order(app, &account, device, taken, channel)).await
}

/// The refusal to send anything to a device that no message reaches.
fn unreached(app: &App, device: &Device) -> AuthError {
    let kind = app.plan.devices.kind(&device.kind);
    let title = kind.map_or(device.kind.as_str(), |kind| kind.title()).to_lowercase();
    let shows_codes = kind.is_some_and(|kind| kind.carries_passcode());
    let kind = device.kind.clone();
    let wrong =
        if shows_codes { Wrong::ShowsItsCodes { kind, title } } else { Wrong::HasNoCodes { kind, title } };
    Fault::new("id", wrong).into()
}

pub(in crate::auth) fn order(
    app: &App,
    account: &Account,
    device: &Device,
    taken: bool,
    channel: Option<Channel>,
) -> Order {
    let address = device.delivery.as_deref().unwrap_or_default();
    let usual = reaching(app, &device.kind, address).first().copied();
    // By a name where there is one, else by the first address, which the message masks (R129).
    let mut named: Vec<&Device> = account.confirmed().filter(|d| d.canonical.is_some()).collect();
    named.sort_by_key(|device| !app.plan.devices.is_silent(&device.kind));
    let name = named.first().and_then(|d| Some(app.plan.devices.readable(&d.kind, d.canonical.as_deref()?)));
    let channel = channel.or(usual).unwrap_or(Channel::Email);
    let to = Recipient::of(app, channel, device);
    let place = (Scope::Device(device.id.clone()), device.id.to_string());
    Order {
        parcel: if taken { Parcel::Nothing } else { Parcel::Code },
        user: Some(account.user.id.clone()),
        subject: account.user.id.to_string(),
        account: name,
        language: language::wished(&account.user.profile),
        counted: Counted::Openly(account.user.id.to_string()),
        session: device.added_in.clone(),
        ..Order::new(Purpose::Device, place, Millis::MAX, to)
    }
}

/// Names a device, or makes it the first of its kind to be used. It takes what other changes take.
pub async fn change(
    app: &App,
    client: &Client,
    caller: &Caller,
    id: &DeviceId,
    label: Option<&str>,
    primary: bool,
) -> Result<Device> {
    let account = trusted(app, caller).await?;
    let device = account.device(id).ok_or(AuthError::NotFound)?;
    let label = label.map(checked_label).transpose()?;
    if primary && device.confirmed_at.is_none() {
        return Err(Fault::new("primary", Wrong::Unconfirmed).into());
    }
    let told = notices::about(app, client, &account, Kind::DeviceChanged, Some(device))?;
    let mut tx = app.store.begin().await?;
    unchanged(users::still(&mut tx, &account.user.id, account.user.credentials, app.now()).await?)?;
    if let Some(label) = label {
        rows::set_label(&mut tx, id, label).await?;
    }
    if primary {
        rows::set_primary(&mut tx, &account.user.id, &device.kind, id).await?;
    }
    if device.confirmed_at.is_some() {
        notices::queue(app, &mut tx, &told).await?;
    }
    let changed = events::changed(device, primary || device.is_primary).naming(events::named(&account));
    app.events.write(&mut tx, app.now(), &client.source(), &[changed]).await?;
    tx.commit().await?;
    app.wake.notify_one();
    let again = rows::by_id(&mut app.store.read().await?, id).await?;
    again.ok_or(AuthError::NotFound)
}

/// Characters of a label at most.
pub const LABEL: usize = 64;

fn checked_label(label: &str) -> Result<&str> {
    let long = label.chars().count() > LABEL;
    let fault = || Fault::new("label", Wrong::TooLong { most: LABEL });
    if long { Err(fault().into()) } else { Ok(label) }
}

/// Removes a device. A confirmed one is kept, hidden, for as long as that can be taken back.
pub async fn remove(app: &App, client: &Client, caller: &Caller, id: &DeviceId, given: &Given) -> Result<()> {
    let (account, shown) = shown(app, caller).await?;
    let device = account.device(id).ok_or(AuthError::NotFound)?;
    if !app.plan.devices.by_user(&device.kind) {
        return Err(not_yours("id"));
    }
    let (user, confirmed) = (&account.user.id, device.confirmed_at.is_some());
    if confirmed && !flows::could_do_without(app, &account, device) {
        return Err(AuthError::LastWayIn);
    }
    factor::of_factor(app, client, (&caller.session.id, &shown), &account, (device, true), given).await?;
    let told = || undo::tell(app, client, &account, Kind::DeviceRemoved, Some(device));
    let told = confirmed.then(told).transpose()?;
    let mut tx = app.store.begin().await?;
    let personal = events::named_with(&account, &[id], None);
    let mut noted = vec![events::removed(By::User, device).naming(personal)];
    if let Some(told) = &told {
        noted.extend(changed(app, &mut tx, &account, told, (id, Some(&caller.session.id))).await?);
        let ended = end_others(&mut tx, user, &caller.session.id).await?;
        noted.extend(events::ended(user, "device_removed", ended));
    }
    let gone = if confirmed {
        rows::hide(&mut tx, id, user, app.now()).await?
    } else {
        rows::delete_pending(&mut tx, id, user).await?
    };
    if gone.is_no() {
        return Err(AuthError::NotFound);
    }
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}

/// The refusal of what only the operator gives and takes.
fn not_yours(field: &str) -> AuthError {
    Fault::new(field, Wrong::GivenByOperator).into()
}

pub(in crate::auth) fn without(account: &Account, id: &DeviceId) -> Vec<Device> {
    account.devices.iter().filter(|device| device.id != *id).cloned().collect()
}

/// What names the user once `new` is written, and has the place of what it replaces where it counts.
pub(in crate::auth) fn named_with(account: &Account, new: &Device) -> Value {
    let counts = new.confirmed_at.is_some();
    let old: Vec<&DeviceId> = new.replaces.as_ref().filter(|_| counts).into_iter().collect();
    events::named_with(account, &old, Some(new).filter(|_| counts))
}

/// The event that `new`, which counts from now on, took the place of another device.
pub(in crate::auth) fn replaced(account: &Account, new: &Device) -> Option<NewEvent> {
    let old = new.replaces.as_deref().and_then(|old| account.device(old))?;
    Some(events::removed(By::User, old).naming(named_with(account, new)))
}

/// Kills what was under way, keeps what there was before, and tells every address; gives the events of that. What
/// `stays` stands at [`touched`].
pub(in crate::auth) async fn changed(
    app: &App,
    tx: &mut Tx,
    account: &Account,
    told: &Told,
    stays: (&DeviceId, Option<&SessionId>),
) -> Result<Vec<NewEvent>> {
    let mut noted = touched(app, tx, account, stays).await?;
    noted.extend(told.write(app, tx).await?);
    Ok(noted)
}

/// Kills what was under way, in other sessions above all: what was added there and waits is gone (R123), and nothing
/// that was shown there vouches for a change any more, as it was weighed against another account. The device that
/// changes and what was added in the session of whoever changes it `stays`; gives the events of it.
async fn touched(
    app: &App,
    tx: &mut Tx,
    account: &Account,
    (device, session): (&DeviceId, Option<&SessionId>),
) -> Result<Vec<NewEvent>> {
    let user = &account.user.id;
    // Attempts before the user, as a sign-in takes them: otherwise the two could wait for each other.
    attempt_rows::drop_of_user(tx, user).await?;
    unchanged(users::touch_from(tx, user, account.user.credentials, app.now()).await?)?;
    let none = SessionId::default();
    let session = session.unwrap_or(&none);
    // Of two apps that were begun in one session, which may be in two hands, the first is the one.
    let held = account
        .device(device)
        .is_some_and(|device| device.canonical.is_none() && device.confirmed_at.is_none());
    sessions::forget_proofs(tx, user, session).await?;
    let gone = rows::drop_waiting(tx, user, (device, session), account.user.created_at, held).await?;
    let personal = events::named(account);
    Ok(events::dropped(By::User, gone).map(|gone| gone.naming(personal.clone())).collect())
}

/// Of two changes that were thought out at the same state of the account only the first is made: a recovery
/// is not undone by whoever it threw out, and two devices are not each the other's remaining way in (R126).
fn unchanged(held: Changed) -> Result<()> {
    if held.is_yes() { Ok(()) } else { Err(crate::store::StoreError::Busy(crate::store::MET).into()) }
}
