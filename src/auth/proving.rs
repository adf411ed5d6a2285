//! Devices shown to be their owner's: confirmed by code or link, and a change of address taken back.

use super::account::{self, Account};
use super::asks::reaching;
use super::challenge::{self, Order, Parcel};
use super::error::{AuthError, Result};
use super::finish::end_everything;
use super::guard::{Bound, Subject};
use super::input::Client;
use super::owned::{account, changed, named_with, replaced, told};
use super::purpose::Purpose;
use super::session::Caller;
use super::vendor::Hearer;
use super::{doors, language, noting, totp, vendor};
use crate::app::App;
use crate::base::{Millis, Sensitive};
use crate::events::{By, Noted};
use crate::messages::Kind;
use crate::store::devices::{self as rows, Device};
use crate::store::{Tx, challenges, known_devices, sessions};

/// The kind of device that shows a code itself, and how that comes, in events.
const AUTHENTICATOR: &str = "authenticator";

/// Confirms a device of the caller by a code.
pub async fn confirm(
    app: &App,
    client: &Client,
    caller: &Caller,
    id: &str,
    typed: &Sensitive,
) -> Result<Device> {
    let account = account(app, caller).await?;
    let device = account.device(id).cloned().ok_or(AuthError::NotFound)?;
    if device.confirmed_at.is_some() && device.proven_at.is_some() {
        return Ok(device);
    }
    doors::bounded(app, client, proven(app, client, &account, &device, typed, Some(&caller.session.id)))
        .await?;
    let again = rows::by_id(&mut app.store.read().await?, id).await?;
    again.ok_or(AuthError::NotFound)
}

/// Confirms a device by its link, wherever that was opened.
pub async fn confirm_by_link(app: &App, client: &Client, id: &str, code: &Sensitive) -> Result<()> {
    let device = rows::by_id(&mut app.store.read().await?, id).await?.ok_or(AuthError::LinkDead)?;
    let account = account::by_id(&mut app.store.read().await?, &device.user_id).await?;
    let account = account.ok_or(AuthError::LinkDead)?;
    proven(app, client, &account, &device, code, None).await
}

async fn proven(
    app: &App,
    client: &Client,
    account: &Account,
    device: &Device,
    typed: &Sensitive,
    session: Option<&str>,
) -> Result<()> {
    let now = app.now();
    let subject = Subject::new(app, (client, Purpose::Device), Some(account), None, ("", ""), "confirm");
    let told = told(app, client, account, device, Kind::DeviceAdded)?;
    let undo = undo_order(app, client, account, device).await?;
    let _turn = subject.turn(app).await;
    vendor::settle_latest(app, &format!("device/{}", device.id), None, typed, &subject, Hearer::Owner)
        .await?;
    let mut tx = app.store.begin().await?;
    let channel = match shown(app, &mut tx, device, typed, &subject).await {
        Ok(channel) => channel,
        Err(error) => {
            tx.commit().await?;
            return Err(error);
        }
    };
    let user = account.user.id.as_str();
    let counted = device.confirmed_at.is_some();
    let device = &Device { confirmed_at: device.confirmed_at.or(Some(now)), ..device.clone() };
    let mut noted = vec![challenge::succeeded(Purpose::Device, channel, Some(user))];
    if !counted {
        noted.push(noting::confirmed(device).naming(named_with(account, device)));
    }
    let first = !account.devices.iter().any(|d| d.proven_at.is_some() && d.canonical.is_some());
    rows::confirm(&mut tx, &device.id, now).await.map_err(|error| match error {
        crate::store::StoreError::Taken => AuthError::NoCode,
        other => other.into(),
    })?;
    if let Some(canonical) = &device.canonical {
        let claims = rows::drop_claims(&mut tx, &device.kind, canonical, &device.id).await?;
        noted.extend(noting::dropped(By::Server, claims));
    }
    if let Some(old) = &device.replaces {
        rows::replace(&mut tx, old, now).await?;
        rows::set_primary(&mut tx, &account.user.id, &device.kind, &device.id).await?;
        noted.extend(replaced(account, device));
    }
    if let Some(undo) = &undo {
        noted.push(challenge::write(app, &mut tx, undo).await?);
    }
    if first {
        // Whoever made this account is shown to hold its address only now (R121).
        let ended = sessions::end_others(&mut tx, user, session.unwrap_or_default()).await?;
        noted.extend(noting::ended(user, "proven", ended));
        known_devices::forget(&mut tx, &account.user.id).await?;
    }
    changed(app, &mut tx, account, &told).await?;
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}

/// Looks at the code of a device; gives how it came.
async fn shown(
    app: &App,
    tx: &mut Tx,
    device: &Device,
    typed: &Sensitive,
    subject: &Subject,
) -> Result<String> {
    if device.kind == AUTHENTICATOR {
        by_authenticator(app, tx, device, typed, subject).await?;
        return Ok(AUTHENTICATOR.to_owned());
    }
    let sent = challenge::latest(tx, &format!("device/{}", device.id), None, app.now()).await?;
    challenge::look(app, tx, sent.as_ref(), typed, subject).await?;
    Ok(sent.map(|sent| sent.channel).unwrap_or_default())
}

/// The message to a replaced address, with the link that takes the change back.
async fn undo_order(
    app: &App,
    client: &Client,
    account: &Account,
    device: &Device,
) -> Result<Option<challenge::Ready>> {
    let old = device.replaces.as_deref().and_then(|id| account.device(id));
    let Some((old, address)) = old.and_then(|old| Some((old, old.delivery.clone()?))) else {
        return Ok(None);
    };
    let Some(channel) = reaching(app, &old.kind, &address).first().copied() else { return Ok(None) };
    let order = Order {
        purpose: Purpose::Undo,
        scope: format!("undo/{}", device.id),
        target: old.id.clone(),
        channel,
        address,
        device: Some(old.id.clone()),
        parcel: Parcel::Code,
        long: true,
        user: Some(account.user.id.clone()),
        account: None,
        language: language::wished(&account.user.profile),
        counted_as: "undo".to_owned(),
        ends: Millis::MAX,
        plain: false,
        identifier: None,
    };
    challenge::prepare(app, client, &order).await.map(Some)
}

/// Takes the change of an address back, by the link that its old address got: the new one goes with all that
/// was added since, the old one is good again, and every session ends (R125). `channel` is how the link came.
pub async fn undo(app: &App, client: &Client, new: &str, old: &str, channel: &str) -> Result<()> {
    let row = rows::by_id(&mut app.store.read().await?, old).await?.ok_or(AuthError::LinkDead)?;
    let account = account::by_id(&mut app.store.read().await?, &row.user_id).await?;
    let account = account.ok_or(AuthError::LinkDead)?;
    let told = told(app, client, &account, &row, Kind::DeviceAdded)?;
    let made = account.devices.iter().find(|d| d.id == new).map(|d| d.created_at);
    let since = made.or(row.replaced_at).ok_or(AuthError::LinkDead)?;
    let mut tx = app.store.begin().await?;
    if rows::restore(&mut tx, old).await? != 1 {
        return Err(AuthError::LinkDead);
    }
    let mut gone = Vec::new();
    for added in account.devices.iter().filter(|d| d.created_at >= since && d.id != old) {
        if rows::delete(&mut tx, &added.id, &row.user_id).await? == 1 {
            gone.push(added);
        }
    }
    rows::set_primary(&mut tx, &row.user_id, &row.kind, old).await?;
    challenges::drop_scope(&mut tx, &format!("undo/{new}")).await?;
    let ended = end_everything(&mut tx, &row.user_id).await?;
    changed(app, &mut tx, &account, &told).await?;
    let noted = taken_back(&account, &row, &gone, (channel, ended));
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}

/// The events of a change that was taken back: the device `old` counts again, those of `gone` do not.
fn taken_back(
    account: &Account,
    old: &Device,
    gone: &[&Device],
    (channel, ended): (&str, u64),
) -> Vec<Noted> {
    let ids: Vec<&str> = gone.iter().map(|device| device.id.as_str()).collect();
    let personal = noting::named_with(account, &ids, Some(old));
    let about = |noted: Noted| noted.naming(personal.clone());
    let mut noted = vec![
        challenge::succeeded(Purpose::Undo, channel, Some(&account.user.id)),
        about(noting::confirmed(old)),
    ];
    noted.extend(gone.iter().map(|device| about(noting::removed(By::User, device))));
    noted.extend(noting::ended(&account.user.id, "undone", ended));
    noted
}

async fn by_authenticator(
    app: &App,
    tx: &mut Tx,
    device: &Device,
    typed: &Sensitive,
    subject: &Subject,
) -> Result<()> {
    let so_far = subject.judge(app, tx, Bound::Fixed).await?;
    let step = totp::step(app, device, typed, app.now());
    if let Some(step) = step
        && rows::take_step(tx, &device.id, step, app.now()).await? == 1
    {
        return subject.succeed(tx, &so_far).await;
    }
    subject.fail(app, tx, AUTHENTICATOR).await?;
    Err(challenge::wrong("passcode", None))
}
