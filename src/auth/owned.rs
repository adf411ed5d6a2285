//! The devices of a signed-in user: listed, added, confirmed, named, removed.
//!
//! Adding or removing one takes a fresh authentication at the account's highest level (R67), is told to
//! every address (R128), and kills what was under way (R7). The last way in is never removed (R126).

use serde_json::Value;

use super::account::{self, Account};
use super::challenge::{self, Order};
use super::channels::{channels, reaching};
use super::error::{AuthError, Result};
use super::input::{Client, Given, understand};
use super::purpose::Purpose;
use super::session::Caller;
use super::spend::Parcel;
use super::standing::{self, Shown};
use super::undo::{self, Told};
use super::{cards, doors, language, line, notices, noting, proofs, rescue, rules, totp};
use crate::app::App;
use crate::base::{Fault, Millis, Sensitive};
use crate::devices::{DeviceKind, authenticator, card, is_dialled, phone};
use crate::events::{By, Noted};
use crate::flows::Class;
use crate::messages::{Channel, Kind};
use crate::settings::GivenBy;
use crate::store::devices::{self as rows, Device};
use crate::store::{Tx, attempts, challenges, sessions, users};
use crate::throttle::Keys;

/// A device that was added, with what only its owner sees once.
#[derive(Clone, Debug)]
pub struct Added {
    /// The row.
    pub device: Device,
    /// An authenticator's seed, to be read until it is confirmed (R70).
    pub enrolment: Option<Enrolment>,
    /// Recovery codes that were made with it: seen this once.
    pub recovery_codes: Vec<Sensitive>,
}

impl Added {
    /// One that comes alone.
    pub fn alone(device: Device) -> Self {
        Self { device, enrolment: None, recovery_codes: Vec::new() }
    }
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
    Ok(shown(app, caller).await?.0)
}

/// The same, with what was shown lately in the caller's session.
pub(super) async fn shown(app: &App, caller: &Caller) -> Result<(Account, Shown)> {
    let found = account(app, caller).await?;
    let shown = Shown::lately(app, caller).await?;
    shown.is_enough(app, &found).map_err(|flow| AuthError::ReauthNeeded { flow })?;
    Ok((found, shown))
}

/// The caller's devices, oldest first.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Device>> {
    Ok(account(app, caller).await?.devices)
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
    if let Some(fault) = standing::never_asked(app, &account, found) {
        return Err(fault.into());
    }
    let blank =
        Device { added_in: Some(caller.session.id.clone()), ..blank(app, &account, found.name(), label) };
    match kind {
        "authenticator" => add_authenticator(app, client, &account, blank).await,
        "card" => add_card(app, client, &account, given, blank).await,
        _ => add_address(app, client, &account, found, given, blank).await,
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
        own: None,
        added_in: None,
        hidden_at: None,
        failing_since: None,
    }
}

async fn add_authenticator(app: &App, client: &Client, account: &Account, blank: Device) -> Result<Added> {
    let seed = authenticator::new_seed(&app.random);
    let mut device = blank;
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
    Ok(Added { enrolment, ..Added::alone(device) })
}

async fn add_card(
    app: &App,
    client: &Client,
    account: &Account,
    given: &Given,
    blank: Device,
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
        own: Some(rows::PROVEN.to_owned()),
        ..blank
    };
    let told = undo::tell(app, client, account, Kind::DeviceAdded, Some(&device))?;
    let mut tx = app.store.begin().await?;
    rows::insert(&mut tx, &device).await?;
    let mut noted = vec![noting::added(By::User, &device).naming(noting::named(account))];
    noted.extend(changed(app, &mut tx, account, &told).await?);
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(Added::alone(device))
}

/// Adds an address. One that somebody else owns is answered alike, and stays a claim.
async fn add_address(
    app: &App,
    client: &Client,
    account: &Account,
    kind: &dyn DeviceKind,
    given: &Given,
    blank: Device,
) -> Result<Added> {
    let device = address(app, client, account, kind, given, blank).await?;
    let recovery_codes = write_address(app, client, account, &device.0, device.1).await?;
    Ok(Added { recovery_codes, ..Added::alone(device.0) })
}

/// Replaces the address of a device: the new one takes its place once it is confirmed; until then the old
/// one stays good, and for three days after it can take the change back (R125).
pub async fn replace(app: &App, client: &Client, caller: &Caller, id: &str, given: &Given) -> Result<Device> {
    let (account, shown) = shown(app, caller).await?;
    let keys = Keys { ip: Some(client.ip), account: Some(&account.user.id), ..Keys::default() };
    app.throttle.check("devices", app.now(), &keys).await?;
    let old = account.device(id).ok_or(AuthError::NotFound)?;
    let kind = app.devices.kind(&old.kind).filter(|kind| kind.names_owner()).ok_or(AuthError::NotFound)?;
    if kind.given_by() == GivenBy::Operator {
        return Err(not_yours(kind.field()));
    }
    if old.confirmed_at.is_none() {
        // Where it is to take the place of a factor, another address takes what the first one took.
        if let Some(replaced) = old.replaces.as_deref().and_then(|id| account.device(id)) {
            proofs::of_factor(app, client, &shown, &account, (replaced, false), given).await?;
        }
        return mend(app, client, &account, kind, given, old).await;
    }
    let new = Device {
        replaces: Some(old.id.clone()),
        added_in: Some(caller.session.id.clone()),
        ..blank(app, &account, kind.name(), &old.label)
    };
    let (new, taken) = address(app, client, &account, kind, given, new).await?;
    proofs::of_factor(app, client, &shown, &account, (old, false), given).await?;
    write_address(app, client, &account, &new, taken).await?;
    Ok(new)
}

/// Corrects an address that nobody confirmed yet, and sends its code to the right one.
async fn mend(
    app: &App,
    client: &Client,
    account: &Account,
    kind: &dyn DeviceKind,
    given: &Given,
    old: &Device,
) -> Result<Device> {
    let wrong = Account { devices: without(account, &old.id), ..account.clone() };
    let (mended, taken) =
        address(app, client, &wrong, kind, given, Device { confirmed_at: None, ..old.clone() }).await?;
    let mended = Device { confirmed_at: None, created_at: app.now(), ..mended };
    let ready = challenge::prepare(app, client, &order(app, account, &mended, taken, None)).await.ok();
    let to =
        (mended.canonical.as_deref().unwrap_or_default(), mended.delivery.as_deref().unwrap_or_default());
    let mut tx = app.store.begin().await?;
    unchanged(users::still(&mut tx, &account.user.id, account.user.credentials, app.now()).await?)?;
    // The code that went to the wrong address is good for nothing, and its guesses are not this one's.
    challenges::drop_scope(&mut tx, &challenge::of_device(&mended.id)).await?;
    if rows::set_address(&mut tx, &mended.id, to.0, to.1, app.now()).await? != 1 {
        return Err(AuthError::NotFound);
    }
    let mut noted = Vec::new();
    if let Some(ready) = &ready {
        match challenge::write(app, &mut tx, ready).await {
            Ok(sent) => noted.push(sent),
            Err(AuthError::TooMany { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(mended)
}

fn without(account: &Account, id: &str) -> Vec<Device> {
    account.devices.iter().filter(|device| device.id != id).cloned().collect()
}

/// The device with the address that was given, and whether somebody else owns that.
async fn address(
    app: &App,
    client: &Client,
    account: &Account,
    kind: &dyn DeviceKind,
    given: &Given,
    blank: Device,
) -> Result<(Device, bool)> {
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
    let mut db = app.store.read().await?;
    let owner = rows::owner(&mut db, kind.name(), &found.canonical).await?;
    let kept = rows::is_kept(&mut db, kind.name(), &found.canonical, &account.user.id).await?;
    drop(db);
    let taken = owner.is_some();
    let silent = channels(app, kind.name()).is_empty();
    if (taken || kept) && silent {
        let keys = Keys { ip: Some(client.ip), ..Keys::default() };
        app.throttle.check("username_lookup", app.now(), &keys).await?;
        return Err(AuthError::Taken(kind.name()));
    }
    // Proven even where a sign-up takes addresses as they are: whoever proves one that nobody has proven yet is rid of
    // everything else (R122), and that must not be had by adding it.
    let device = Device {
        canonical: Some(found.canonical),
        delivery: Some(found.delivery),
        confirmed_at: silent.then(|| app.now()),
        ..blank
    };
    Ok((device, taken))
}

async fn write_address(
    app: &App,
    client: &Client,
    account: &Account,
    device: &Device,
    taken: bool,
) -> Result<Vec<Sensitive>> {
    let ready = match device.confirmed_at {
        Some(_) => None,
        None => challenge::prepare(app, client, &order(app, account, device, taken, None)).await.ok(),
    };
    let told = device.confirmed_at.map(|_| undo::tell_replaced(app, client, account, device)).transpose()?;
    let due = told.is_some() && codes_are_due(app, account, device);
    let mut codes = Vec::new();
    let mut tx = app.store.begin().await?;
    let name = app.devices.kind(&device.kind).map_or("identifier", |kind| kind.name());
    unchanged(users::still(&mut tx, &account.user.id, account.user.credentials, app.now()).await?)?;
    rows::insert(&mut tx, device).await.map_err(|error| match error {
        crate::store::StoreError::Taken => AuthError::Taken(name),
        other => other.into(),
    })?;
    let mut noted = vec![noting::added(By::User, device).naming(named_with(account, device))];
    match (&ready, &told) {
        (Some(ready), _) => match challenge::write(app, &mut tx, ready).await {
            Ok(sent) => noted.push(sent),
            Err(AuthError::TooMany { .. }) => {}
            Err(error) => return Err(error),
        },
        (None, Some(told)) => {
            if let Some(old) = &device.replaces {
                rows::hide(&mut tx, old, &account.user.id, app.now()).await?;
                rows::set_primary(&mut tx, &account.user.id, &device.kind, &device.id).await?;
            }
            noted.extend(replaced(account, device));
            noted.extend(changed(app, &mut tx, account, told).await?);
            if due {
                let (made, event) = rescue::write(app, &mut tx, &account.user.id, By::Server).await?;
                codes = made;
                noted.push(event);
            }
        }
        (None, None) => {}
    }
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(codes)
}

/// Whether recovery codes are to be made once `new` counts.
pub(super) fn codes_are_due(app: &App, account: &Account, new: &Device) -> bool {
    let mut after = account.clone();
    after.devices = without(account, &new.id);
    after.devices.retain(|device| new.replaces.as_ref() != Some(&device.id));
    after.devices.push(Device { confirmed_at: Some(app.now()), ..new.clone() });
    let holding = after.holding(app);
    let above = holding.carrier(&new.id).is_some_and(|carrier| carrier.class > Class::Reach);
    above && rescue::are_due(app, account.recovery.len(), &holding)
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

pub(super) fn order(
    app: &App,
    account: &Account,
    device: &Device,
    taken: bool,
    channel: Option<Channel>,
) -> Order {
    let address = device.delivery.clone().unwrap_or_default();
    let usual = reaching(app, &device.kind, &address).first().copied();
    // By a name where there is one, else by the first address, which the message masks (R129).
    let mut named: Vec<&Device> = account.confirmed().filter(|d| d.canonical.is_some()).collect();
    named.sort_by_key(|device| !app.devices.is_silent(&device.kind));
    let name = named.first().and_then(|device| device.canonical.clone());
    Order {
        purpose: Purpose::Device,
        scope: challenge::of_device(&device.id),
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

/// Sends the code of a device that nobody has proven, again; to a proven one the code that its removal or replacement may ask for.
pub async fn send(
    app: &App,
    client: &Client,
    caller: &Caller,
    id: &str,
    channel: Option<Channel>,
) -> Result<()> {
    let account = account(app, caller).await?;
    let device = account.device(id).filter(|d| d.delivery.is_some() && !app.devices.is_silent(&d.kind));
    let device = device.ok_or(AuthError::NotFound)?;
    if device.proven_at.is_some() {
        proofs::forget_spent(app, device).await?;
        return doors::dispatch(app, client, &proofs::order(app, &account, device, channel)).await;
    }
    let canonical = device.canonical.as_deref().unwrap_or_default();
    let owner = rows::owner(&mut app.store.read().await?, &device.kind, canonical).await?;
    let taken = owner.is_some_and(|owner| owner.id != device.id);
    doors::dispatch(app, client, &order(app, &account, device, taken, channel)).await
}

/// Names a device, or makes it the first of its kind to be used. It takes what other changes take.
pub async fn change(
    app: &App,
    client: &Client,
    caller: &Caller,
    id: &str,
    label: Option<&str>,
    primary: bool,
) -> Result<Device> {
    let account = trusted(app, caller).await?;
    let device = account.device(id).ok_or(AuthError::NotFound)?;
    let label = label.map(checked_label).transpose()?;
    if primary && device.confirmed_at.is_none() {
        return Err(Fault::new("primary", "unconfirmed", "only a confirmed device can be the first").into());
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
    let changed = noting::changed(device, primary || device.is_primary).naming(noting::named(&account));
    app.events.write(&mut tx, app.now(), &client.source(), &[changed]).await?;
    tx.commit().await?;
    app.wake.notify_one();
    let again = rows::by_id(&mut app.store.read().await?, id).await?;
    again.ok_or(AuthError::NotFound)
}

/// Removes a device. A confirmed one is kept, hidden, for as long as that can be taken back.
pub async fn remove(app: &App, client: &Client, caller: &Caller, id: &str, given: &Given) -> Result<()> {
    let (account, shown) = shown(app, caller).await?;
    let device = account.device(id).ok_or(AuthError::NotFound)?;
    if !app.devices.by_user(&device.kind) {
        return Err(not_yours("id"));
    }
    let (user, confirmed) = (account.user.id.as_str(), device.confirmed_at.is_some());
    if confirmed && !rules::could_do_without(app, &account, device) {
        return Err(AuthError::LastWayIn);
    }
    proofs::of_factor(app, client, &shown, &account, (device, true), given).await?;
    let told = || undo::tell(app, client, &account, Kind::DeviceRemoved, Some(device));
    let told = confirmed.then(told).transpose()?;
    let mut tx = app.store.begin().await?;
    let personal = noting::named_with(&account, &[id], None);
    let mut noted = vec![noting::removed(By::User, device).naming(personal)];
    if let Some(told) = &told {
        noted.extend(changed(app, &mut tx, &account, told).await?);
        let ended = sessions::end_others(&mut tx, user, &caller.session.id).await?;
        noted.extend(noting::ended(user, "device_removed", ended));
    }
    let gone = if confirmed {
        rows::hide(&mut tx, id, user, app.now()).await?
    } else {
        rows::delete_pending(&mut tx, id, user).await?
    };
    if gone == 0 {
        return Err(AuthError::NotFound);
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

/// Kills what was under way, keeps what there was before, and tells every address; gives the events of that.
pub(super) async fn changed(app: &App, tx: &mut Tx, account: &Account, told: &Told) -> Result<Vec<Noted>> {
    touched(app, tx, account).await?;
    told.write(app, tx).await
}

/// Kills what was under way.
pub(super) async fn touched(app: &App, tx: &mut Tx, account: &Account) -> Result<()> {
    // Attempts before the user, as a sign-in takes them: otherwise the two could wait for each other.
    attempts::drop_of_user(tx, &account.user.id).await?;
    unchanged(users::touch_from(tx, &account.user.id, account.user.credentials, app.now()).await?)
}
