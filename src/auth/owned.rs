//! The devices of a signed-in user: listed, added, confirmed, named, removed.
//!
//! Adding or removing one takes a fresh authentication at the account's highest level (R67), is told to
//! every address (R128), and kills what was under way (R7). The last way in is never removed (R126).

use serde_json::Value;

use super::account::{self, Account};
use super::asks::{channels, reaching};
use super::challenge::{self, Order, Parcel};
use super::draft::{self, Moment};
use super::error::{AuthError, Result};
use super::input::{Client, Given, understand};
use super::notices::Notice;
use super::purpose::Purpose;
use super::session::Caller;
use super::{cards, doors, language, line, notices, noting, rules, totp};
use crate::app::App;
use crate::base::{Fault, Millis, Sensitive};
use crate::devices::{DeviceKind, authenticator, card, is_dialled, phone};
use crate::events::{By, Noted};
use crate::messages::{Channel, Kind};
use crate::settings::GivenBy;
use crate::store::devices::{self as rows, Device};
use crate::store::{Tx, attempts, sessions, users};
use crate::throttle::Keys;

/// A device that was added, with what only its owner sees once.
#[derive(Clone, Debug)]
pub struct Added {
    /// The row.
    pub device: Device,
    /// An authenticator's seed, to be read until it is confirmed (R70).
    pub enrolment: Option<Enrolment>,
}

/// What an authenticator app is set up with.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The seed in base 32.
    pub secret: Sensitive,
    /// The `otpauth://` URI.
    pub uri: Sensitive,
    /// The URI as a QR code, an SVG document.
    pub qr: Option<Sensitive>,
}

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
    let found = account(app, caller).await?;
    let (acr, auth_time) = (&caller.session.acr, caller.session.auth_time);
    rules::fresh(app, &found, acr, auth_time).map_err(|flow| AuthError::ReauthNeeded { flow })?;
    Ok(found)
}

/// The caller's devices, oldest first.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Device>> {
    let all = account(app, caller).await?.devices;
    Ok(all.into_iter().filter(|device| device.replaced_at.is_none()).collect())
}

/// Adds a device of `kind`.
pub async fn add(
    app: &App,
    client: &Client,
    caller: &Caller,
    kind: &str,
    label: Option<&str>,
    given: &Given,
) -> Result<Added> {
    let label = checked_label(label.unwrap_or_default())?;
    let account = trusted(app, caller).await?;
    let keys = Keys { ip: Some(client.ip), account: Some(&account.user.id), ..Keys::default() };
    app.throttle.check("devices", app.now(), &keys).await?;
    let found = app.devices.kind(kind).ok_or_else(|| unknown_kind(app))?;
    if found.given_by() == GivenBy::Operator {
        return Err(not_yours("kind"));
    }
    match kind {
        "authenticator" => add_authenticator(app, client, &account, label).await,
        "card" => add_card(app, client, &account, label, given).await,
        _ => add_address(app, client, &account, found, label, given).await,
    }
}

/// The refusal of what only the operator gives and takes.
fn not_yours(field: &str) -> AuthError {
    let message = "is given by the operator, who alone adds, replaces or removes it";
    Fault::new(field, "given_by_operator", message).into()
}

/// Characters of a label at most.
pub const LABEL: usize = 64;

fn checked_label(label: &str) -> Result<&str> {
    let long = label.chars().count() > LABEL;
    let fault = || Fault::new("label", "too_long", format!("must have at most {LABEL} characters"));
    if long { Err(fault().into()) } else { Ok(label) }
}

fn blank(app: &App, account: &Account, kind: &str, label: &str) -> Device {
    Device {
        id: app.random.uuid(),
        user_id: account.user.id.clone(),
        kind: kind.to_owned(),
        canonical: None,
        delivery: None,
        label: label.to_owned(),
        is_primary: account.of_kind(kind).next().is_none(),
        secret: None,
        last_step: None,
        created_at: app.now(),
        confirmed_at: None,
        proven_at: None,
        last_used_at: None,
        replaces: None,
        replaced_at: None,
        failing_since: None,
    }
}

async fn add_authenticator(app: &App, client: &Client, account: &Account, label: &str) -> Result<Added> {
    let seed = authenticator::new_seed(&app.random);
    let mut device = blank(app, account, "authenticator", label);
    device.secret = Some(totp::seal(app, &device.id, seed.as_ref()));
    let mut tx = app.store.begin().await?;
    unchanged(users::still(&mut tx, &account.user.id, account.user.credentials, app.now()).await?)?;
    rows::insert(&mut tx, &device).await?;
    let added = noting::added(By::User, &device).naming(noting::named(account));
    app.events.write(&mut tx, app.now(), &client.source(), &[added]).await?;
    tx.commit().await?;
    let called = account.confirmed().find_map(|d| d.canonical.clone()).unwrap_or_default();
    let uri = authenticator::uri(seed.as_ref(), app.settings.authenticator_issuer(), &called);
    let qr = authenticator::qr_svg(&uri);
    let enrolment = Some(Enrolment { secret: authenticator::seed_text(seed.as_ref()), uri, qr });
    Ok(Added { device, enrolment })
}

async fn add_card(
    app: &App,
    client: &Client,
    account: &Account,
    label: &str,
    given: &Given,
) -> Result<Added> {
    let typed = given.secrets.get("hardcode");
    let typed = typed.ok_or_else(|| Fault::new("hardcode", "missing", "is needed for a card"))?;
    let code = card::check(typed.expose())?;
    let phc = app.hasher.hash(code.clone(), app.random.bytes()).await?;
    let now = app.now();
    let device = Device {
        secret: Some(cards::stored(&app.sealer, &account.user.id, &code, &phc)),
        confirmed_at: Some(now),
        proven_at: Some(now),
        ..blank(app, account, "card", label)
    };
    let told = told(app, client, account, &device, Kind::DeviceAdded)?;
    let mut tx = app.store.begin().await?;
    rows::insert(&mut tx, &device).await?;
    changed(app, &mut tx, account, &told).await?;
    let added = noting::added(By::User, &device).naming(noting::named(account));
    app.events.write(&mut tx, app.now(), &client.source(), &[added]).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(Added { device, enrolment: None })
}

/// Adds an address. One that somebody else owns is answered alike, and stays a claim.
async fn add_address(
    app: &App,
    client: &Client,
    account: &Account,
    kind: &dyn DeviceKind,
    label: &str,
    given: &Given,
) -> Result<Added> {
    let blank = blank(app, account, kind.name(), label);
    let device = store_address(app, client, account, kind, given, blank).await?;
    Ok(Added { device, enrolment: None })
}

/// Replaces the address of a device: the new one takes its place once it is confirmed; until then the old
/// one stays good, and for three days after it can take the change back (R125).
pub async fn replace(app: &App, client: &Client, caller: &Caller, id: &str, given: &Given) -> Result<Device> {
    let account = trusted(app, caller).await?;
    let keys = Keys { ip: Some(client.ip), account: Some(&account.user.id), ..Keys::default() };
    app.throttle.check("devices", app.now(), &keys).await?;
    let old = account.device(id).filter(|d| d.confirmed_at.is_some());
    let old = old.ok_or(AuthError::NotFound)?;
    let kind = app.devices.kind(&old.kind).filter(|kind| kind.names_owner()).ok_or(AuthError::NotFound)?;
    if kind.given_by() == GivenBy::Operator {
        return Err(not_yours(kind.field()));
    }
    let new = Device { replaces: Some(old.id.clone()), ..blank(app, &account, kind.name(), &old.label) };
    store_address(app, client, &account, kind, given, new).await
}

async fn store_address(
    app: &App,
    client: &Client,
    account: &Account,
    kind: &dyn DeviceKind,
    given: &Given,
    blank: Device,
) -> Result<Device> {
    let text = given.identifiers.get(kind.name());
    let text = text.ok_or_else(|| Fault::new(kind.field(), "missing", "is needed for this kind"))?;
    let found = understand(app, kind.name(), text)?.address;
    if is_dialled(kind, &found.canonical) {
        phone::sendable(&found.canonical, &app.rules)?;
        line::check(app, &found.canonical).await?;
    }
    if account.devices.iter().any(|d| d.kind == kind.name() && d.canonical.as_ref() == Some(&found.canonical))
    {
        return Err(Fault::new(kind.field(), "already_yours", "is among your devices already").into());
    }
    if !kind.several() && blank.replaces.is_none() && account.of_kind(kind.name()).next().is_some() {
        return Err(Fault::new(kind.field(), "only_one", "you have one already; remove it first").into());
    }
    let owner = rows::owner(&mut app.store.read().await?, kind.name(), &found.canonical).await?;
    let taken = owner.is_some();
    let silent = channels(app, kind.name()).is_empty();
    if taken && silent {
        let keys = Keys { ip: Some(client.ip), ..Keys::default() };
        app.throttle.check("username_lookup", app.now(), &keys).await?;
        return Err(AuthError::Taken(kind.name()));
    }
    // What takes the place of another address is proven, whatever is taken as it is elsewhere (R125).
    let unproven = draft::moment(app, kind.name()) == Moment::Never && blank.replaces.is_none();
    let at_once = silent || (unproven && !taken);
    let device = Device {
        canonical: Some(found.canonical),
        delivery: Some(found.delivery),
        confirmed_at: at_once.then(|| app.now()),
        ..blank
    };
    write_address(app, client, account, &device, taken).await?;
    Ok(device)
}

async fn write_address(
    app: &App,
    client: &Client,
    account: &Account,
    device: &Device,
    taken: bool,
) -> Result<()> {
    let ready = match device.confirmed_at {
        Some(_) => None,
        None => challenge::prepare(app, client, &order(app, account, device, taken, None)).await.ok(),
    };
    let told = told(app, client, account, device, Kind::DeviceAdded)?;
    let mut tx = app.store.begin().await?;
    let name = app.devices.kind(&device.kind).map_or("identifier", |kind| kind.name());
    unchanged(users::still(&mut tx, &account.user.id, account.user.credentials, app.now()).await?)?;
    rows::insert(&mut tx, device).await.map_err(|error| match error {
        crate::store::StoreError::Taken => AuthError::Taken(name),
        other => other.into(),
    })?;
    let mut noted = vec![noting::added(By::User, device).naming(named_with(account, device))];
    match &ready {
        Some(ready) => match challenge::write(app, &mut tx, ready).await {
            Ok(sent) => noted.push(sent),
            Err(AuthError::TooMany { .. }) => {}
            Err(error) => return Err(error),
        },
        None if device.confirmed_at.is_some() => {
            if let Some(old) = &device.replaces {
                rows::replace(&mut tx, old, app.now()).await?;
                rows::set_primary(&mut tx, &account.user.id, &device.kind, &device.id).await?;
            }
            noted.extend(replaced(account, device));
            changed(app, &mut tx, account, &told).await?;
        }
        None => {}
    }
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}

/// What names the user once `new` is written, and has the place of what it replaces where it counts.
pub(super) fn named_with(account: &Account, new: &Device) -> Value {
    let counts = new.confirmed_at.is_some();
    let old: Vec<&str> = new.replaces.as_deref().filter(|_| counts).into_iter().collect();
    noting::named_with(account, &old, Some(new).filter(|_| counts))
}

/// The event that `new`, which counts from now on, took the place of another device.
pub(super) fn replaced(account: &Account, new: &Device) -> Option<Noted> {
    let old = new.replaces.as_deref().and_then(|old| account.device(old))?;
    Some(noting::removed(By::User, old).naming(named_with(account, new)))
}

fn unknown_kind(app: &App) -> AuthError {
    let names: Vec<_> = app.devices.iter().map(|kind| kind.name()).collect();
    Fault::new("kind", "unknown", format!("one of: {}", names.join(", "))).into()
}

fn order(app: &App, account: &Account, device: &Device, taken: bool, channel: Option<Channel>) -> Order {
    let address = device.delivery.clone().unwrap_or_default();
    let usual = reaching(app, &device.kind, &address).first().copied();
    let name = account.confirmed().find(|d| app.devices.is_silent(&d.kind)).and_then(|d| d.canonical.clone());
    Order {
        purpose: Purpose::Device,
        scope: format!("device/{}", device.id),
        ends: Millis::MAX,
        plain: false,
        target: device.id.clone(),
        channel: channel.or(usual).unwrap_or(Channel::Email),
        address,
        device: Some(device.id.clone()),
        parcel: if taken { Parcel::Nothing } else { Parcel::Code },
        long: false,
        user: Some(account.user.id.clone()),
        account: name,
        language: language::wished(&account.user.profile),
        counted_as: String::new(),
        identifier: None,
    }
}

/// Sends the code of an unconfirmed device, again.
pub async fn send(
    app: &App,
    client: &Client,
    caller: &Caller,
    id: &str,
    channel: Option<Channel>,
) -> Result<()> {
    let account = account(app, caller).await?;
    let device = account.device(id).filter(|d| d.confirmed_at.is_none() && d.delivery.is_some());
    let device = device.ok_or(AuthError::NotFound)?;
    let canonical = device.canonical.as_deref().unwrap_or_default();
    let taken = rows::owner(&mut app.store.read().await?, &device.kind, canonical).await?.is_some();
    doors::dispatch(app, client, &order(app, &account, device, taken, channel)).await
}

/// Names a device, or makes it the first of its kind to be used.
pub async fn change(
    app: &App,
    caller: &Caller,
    id: &str,
    label: Option<&str>,
    primary: bool,
) -> Result<Device> {
    let account = account(app, caller).await?;
    let device = account.device(id).ok_or(AuthError::NotFound)?;
    let label = label.map(checked_label).transpose()?;
    if primary && device.confirmed_at.is_none() {
        return Err(Fault::new("primary", "unconfirmed", "only a confirmed device can be the first").into());
    }
    let mut tx = app.store.begin().await?;
    if let Some(label) = label {
        rows::set_label(&mut tx, id, label).await?;
    }
    if primary {
        rows::set_primary(&mut tx, &account.user.id, &device.kind, id).await?;
    }
    tx.commit().await?;
    let again = rows::by_id(&mut app.store.read().await?, id).await?;
    again.ok_or(AuthError::NotFound)
}

/// Removes a device.
pub async fn remove(app: &App, client: &Client, caller: &Caller, id: &str) -> Result<()> {
    let account = trusted(app, caller).await?;
    let device = account.device(id).ok_or(AuthError::NotFound)?;
    if !app.devices.by_user(&device.kind) {
        return Err(not_yours("id"));
    }
    if device.confirmed_at.is_some() && !rules::could_do_without(app, &account, device) {
        return Err(AuthError::LastWayIn);
    }
    let told = told(app, client, &account, device, Kind::DeviceRemoved)?;
    let mut tx = app.store.begin().await?;
    if rows::delete(&mut tx, id, &account.user.id).await? == 0 {
        return Err(AuthError::NotFound);
    }
    let personal = noting::named_with(&account, &[id], None);
    let mut noted = vec![noting::removed(By::User, device).naming(personal)];
    if device.confirmed_at.is_some() {
        let ended = sessions::end_others(&mut tx, &account.user.id, &caller.session.id).await?;
        noted.extend(noting::ended(&account.user.id, "device_removed", ended));
        changed(app, &mut tx, &account, &told).await?;
    }
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}

/// Of two changes that were thought out at the same state of the account only the first is made: a recovery
/// is not undone by whoever it threw out, and two devices are not each the other's remaining way in (R126).
fn unchanged(rows: u64) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(crate::store::StoreError::Busy.into()) }
}

/// What every address is told of a change.
pub(super) fn told(
    app: &App,
    client: &Client,
    account: &Account,
    device: &Device,
    kind: Kind,
) -> Result<Vec<Notice>> {
    notices::about(app, client, account, kind, Some(device))
}

/// Kills what was under way and tells every address.
pub(super) async fn changed(app: &App, tx: &mut Tx, account: &Account, told: &[Notice]) -> Result<()> {
    // Attempts before the user, as a sign-in takes them: otherwise the two could wait for each other.
    attempts::drop_of_user(tx, &account.user.id).await?;
    unchanged(users::touch_from(tx, &account.user.id, account.user.credentials, app.now()).await?)?;
    notices::queue(app, tx, told).await
}
