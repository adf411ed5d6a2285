//! Devices added by their owner: an authenticator, a card, an address. Adding one takes a fresh authentication at the
//! account's highest level (R67).

use super::{
    changed, checked_label, named_with, not_yours, order, recovery_codes, replaced, unchanged, undo, without,
};
use crate::app::App;
use crate::auth::account::{Account, card, events, seed, standing};
use crate::auth::codes::send;
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses;
use crate::auth::input::{Client, Given, understand};
use crate::auth::sending::counted::ADDED;
use crate::auth::sending::line_type;
use crate::auth::sending::reach::channels;
use crate::auth::sessions::basis::Caller;
use crate::auth::sessions::trusted::trusted;
use crate::base::{Fault, Sensitive, Wrong};
use crate::devices::{Address, DeviceKind, authenticator, card as kinds, is_dialled, phone};
use crate::events::By;
use crate::flows::Class;
use crate::messages::Kind;
use crate::settings::GivenBy;
use crate::store::devices::{self as rows, Device};
use crate::store::{attempts, users};
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
    let found = app.plan.devices.kind(kind).ok_or_else(|| unknown_kind(app))?;
    if found.given_by() == GivenBy::Operator {
        return Err(not_yours("kind"));
    }
    only_of(app, found, given)?;
    if let Some(fault) = standing::never_asked(app, &account, found) {
        return Err(fault.into());
    }
    form(app, found, given)?;
    let keys = Keys { ip: Some(client.ip), account: Some(&account.user.id), ..Keys::default() };
    app.throttle.check("devices", app.now(), &keys).await?;
    let blank =
        Device { added_in: Some(caller.session.id.clone()), ..blank(app, &account, found.name(), label) };
    match kind {
        "authenticator" => add_authenticator(app, client, &account, blank).await,
        "card" => add_card(app, client, &account, given, blank).await,
        _ => add_address(app, client, &account, found, given, blank).await,
    }
}

/// Refuses fields of other kinds of device: what is not looked at must not seem to have been taken.
pub(super) fn only_of(app: &App, kind: &dyn DeviceKind, given: &Given) -> Result<()> {
    let was_given = |other: &&'static dyn DeviceKind| {
        let name = app.plan.secrets.by_field(other.field()).map(|secret| secret.name());
        given.identifiers.contains_key(other.name())
            || name.is_some_and(|name| given.secrets.contains_key(name))
    };
    let others = app.plan.devices.iter().filter(|other| other.name() != kind.name()).filter(was_given);
    let fault = |other: &'static dyn DeviceKind| {
        Fault::new(other.field(), Wrong::OtherKind { other: other.name(), kind: kind.name() })
    };
    let faults: Vec<Fault> = others.map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(AuthError::Faults(faults)) }
}

pub(super) fn blank(app: &App, account: &Account, kind: &str, label: &str) -> Device {
    Device {
        label: label.to_owned(),
        is_primary: account.of_kind(kind).next().is_none(),
        ..Device::new(app.random.uuid().into(), account.user.id.clone(), kind, app.now())
    }
}

/// Whether what was given of a device is in its form: told before the change is counted.
pub(super) fn form(app: &App, kind: &dyn DeviceKind, given: &Given) -> Result<()> {
    match kind.name() {
        "authenticator" => {}
        "card" => drop(hardcode(given)?),
        _ => drop(typed(app, kind, given)?),
    }
    Ok(())
}

fn hardcode(given: &Given) -> Result<Sensitive> {
    let typed = given.secrets.get("hardcode");
    let typed = typed.ok_or_else(|| Fault::new("hardcode", Wrong::MissingHardcode))?;
    Ok(kinds::check(typed.expose())?)
}

/// The address that was given; a number is one that can be sent to.
fn typed(app: &App, kind: &dyn DeviceKind, given: &Given) -> Result<Address> {
    let text = given.identifiers.get(kind.name());
    let text = text.ok_or_else(|| Fault::new(kind.field(), Wrong::MissingOfKind))?;
    let found = understand(app, kind.name(), text)?.address;
    if is_dialled(kind, &found.canonical) {
        phone::sendable(&found.canonical, &app.rules)?;
    }
    Ok(found)
}

async fn add_authenticator(app: &App, client: &Client, account: &Account, blank: Device) -> Result<Added> {
    let seed = authenticator::new_seed(&app.random);
    let mut device = blank;
    device.secret = Some(seed::seal(app, &device.id, seed.as_ref()));
    let mut tx = app.store.begin().await?;
    unchanged(users::still(&mut tx, &account.user.id, account.user.credentials, app.now()).await?)?;
    rows::insert(&mut tx, &device).await?;
    let added = events::added(By::User, &device).naming(events::named(account));
    app.events.write(&mut tx, app.now(), &client.source(), &[added]).await?;
    tx.commit().await?;
    let mut named = account.confirmed();
    let called = named
        .find_map(|d| Some(app.plan.devices.readable(&d.kind, d.canonical.as_deref()?)))
        .unwrap_or_default();
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
    let code = hardcode(given)?;
    let phc = app.hasher.kept_for(true).hash(code.clone(), app.random.bytes()).await?;
    let now = app.now();
    let device = Device {
        secret: Some(card::stored(&app.sealer, &account.user.id, &code, &phc)),
        confirmed_at: Some(now),
        proven_at: Some(now),
        own: Some(rows::PROVEN.to_owned()),
        ..blank
    };
    let told = undo::tell(app, client, account, Kind::DeviceAdded, Some(&device))?;
    let mut tx = app.store.begin().await?;
    // Whoever guessed did so at another one (R38).
    guesses::forget(app, &mut tx, account, "hardcode").await?;
    rows::insert(&mut tx, &device).await?;
    let mut noted = vec![events::added(By::User, &device).naming(events::named(account))];
    noted.extend(changed(app, &mut tx, account, &told, (&device.id, device.added_in.as_ref())).await?);
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

/// The device with the address that was given, and whether somebody else owns that.
pub(in crate::auth) async fn address(
    app: &App,
    client: &Client,
    account: &Account,
    kind: &dyn DeviceKind,
    given: &Given,
    blank: Device,
) -> Result<(Device, bool)> {
    let found = typed(app, kind, given)?;
    if is_dialled(kind, &found.canonical) {
        line_type::check(app, &found.canonical, ADDED).await?;
    }
    if account.devices.iter().any(|d| d.kind == kind.name() && d.canonical.as_ref() == Some(&found.canonical))
    {
        return Err(Fault::new(kind.field(), Wrong::AlreadyYours).into());
    }
    if !kind.several() && blank.replaces.is_none() && account.of_kind(kind.name()).next().is_some() {
        return Err(Fault::new(kind.field(), Wrong::OnlyOne).into());
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

pub(super) async fn write_address(
    app: &App,
    client: &Client,
    account: &Account,
    device: &Device,
    taken: bool,
) -> Result<Vec<Sensitive>> {
    let ready = match device.confirmed_at {
        Some(_) => None,
        None => send::prepare(app, client, &order(app, account, device, taken, None)).await.ok(),
    };
    let told = device.confirmed_at.map(|_| undo::tell_replaced(app, client, account, device)).transpose()?;
    let due = told.is_some() && codes_are_due(app, account, device);
    let mut codes = Vec::new();
    let mut tx = app.store.begin().await?;
    let name = app.plan.devices.kind(&device.kind).map_or("identifier", |kind| kind.name());
    if told.is_some() {
        // Attempts before the user, as a sign-in takes them: otherwise the two could wait for each other.
        attempts::drop_of_user(&mut tx, &account.user.id).await?;
    }
    unchanged(users::still(&mut tx, &account.user.id, account.user.credentials, app.now()).await?)?;
    rows::insert(&mut tx, device).await.map_err(|error| match error {
        crate::store::StoreError::Taken => AuthError::Taken(name),
        other => other.into(),
    })?;
    let mut noted = vec![events::added(By::User, device).naming(named_with(account, device))];
    match (&ready, &told) {
        (Some(ready), _) => match send::write(app, &mut tx, ready).await {
            Ok(sent) => noted.push(sent),
            Err(AuthError::TooMany { .. }) => {}
            Err(error) => return Err(error),
        },
        (None, Some(told)) => {
            if let Some(old) = &device.replaces {
                rows::hide(&mut tx, old, &account.user.id, app.now()).await?.either_way();
                rows::set_primary(&mut tx, &account.user.id, &device.kind, &device.id).await?;
            }
            noted.extend(replaced(account, device));
            noted.extend(changed(app, &mut tx, account, told, (&device.id, device.added_in.as_ref())).await?);
            if due {
                let (made, event) = recovery_codes::write(app, &mut tx, &account.user.id, By::Server).await?;
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

/// Whether recovery codes are to be made once `new` counts: there are none, or those that there are were made when
/// there was less than they would stand in for now.
pub(in crate::auth) fn codes_are_due(app: &App, account: &Account, new: &Device) -> bool {
    let mut after = account.clone();
    after.devices = without(account, &new.id);
    after.devices.retain(|device| new.replaces.as_ref() != Some(&device.id));
    after.devices.push(Device { confirmed_at: Some(app.now()), ..new.clone() });
    let holding = after.holding(app);
    let above = holding.carrier(&new.id).is_some_and(|carrier| carrier.class > Class::Reach);
    let left = if raises(app, account, new) { 0 } else { account.recovery.len() };
    above && recovery_codes::are_due(app, left, &holding)
}

/// Whether `new` is of a higher class than any device that the account has.
pub(in crate::auth) fn raises(app: &App, account: &Account, new: &Device) -> bool {
    app.plan.words.class(&new.kind) > account.holding(app).top()
}

fn unknown_kind(app: &App) -> AuthError {
    let names: Vec<_> = app.plan.devices.iter().map(|kind| kind.name()).collect();
    Fault::new("kind", Wrong::Unknown { names: names.join(", ") }).into()
}
