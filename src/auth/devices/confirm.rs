//! Devices shown to be their owner's: confirmed by code, or by link.

use super::add::{Added, codes_are_due, raises};
use super::{named_with, recovery_codes, replaced, touched, undo};
use crate::app::App;
use crate::auth::account::ending::end_others;
use crate::auth::account::{Account, events, seed};
use crate::auth::codes::vendor::{self, Hearer};
use crate::auth::codes::{challenge, look, shape};
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::{self, Bound, Subject, network};
use crate::auth::input::Client;
use crate::auth::sessions::basis::Caller;
use crate::auth::sessions::trusted::account;
use crate::base::{DeviceId, Purpose, Scope, Sensitive, SessionId};
use crate::events::{By, NewEvent};
use crate::flows::Class;
use crate::store::devices::{self as rows, Device};
use crate::store::{Changed, StoreError, Tx, secrets};

/// The kind of device that shows a code itself, and how that comes, in events.
const AUTHENTICATOR: &str = "authenticator";

/// Confirms a device of the caller by a code.
pub async fn confirm(
    app: &App,
    client: &Client,
    caller: &Caller,
    id: &DeviceId,
    typed: &Sensitive,
) -> Result<Added> {
    let account = account(app, caller).await?;
    let device = account.device(id).cloned().ok_or(AuthError::NotFound)?;
    if device.confirmed_at.is_some() && device.proven_at.is_some() {
        return Ok(Added::alone(device));
    }
    let from = Inside { session: Some(&caller.session.id), shows_codes: true };
    let proven = proven(app, client, &account, &device, typed, Some(from));
    let recovery_codes = network::bounded(app, &client.keys_of(Some(&caller.session.id)), proven).await?;
    let again = rows::by_id(&mut app.store.read().await?, id).await?.ok_or(AuthError::NotFound)?;
    Ok(Added { recovery_codes, ..Added::alone(again) })
}

/// Somebody inside of the account: what a proof keeps that comes from there.
#[derive(Clone, Copy)]
pub struct Inside<'a> {
    /// The session that stays where all others end: the caller's, or the one in which the device was added.
    pub session: Option<&'a SessionId>,
    /// Whether the answer can show recovery codes.
    pub shows_codes: bool,
}

/// Confirms a device by its link for somebody who showed that the account is theirs; for anybody, where there is
/// nothing in the account but that device.
pub async fn confirm_by_link(
    app: &App,
    client: &Client,
    (account, device): (&Account, &Device),
    code: &Sensitive,
    from: Option<Inside<'_>>,
) -> Result<()> {
    proven(app, client, account, device, code, from).await.map(drop)
}

/// Whether there is anything in an account but one device: a secret, another device, proven or not.
pub fn is_bare(account: &Account, device: &Device) -> bool {
    let others = account.devices.iter().chain(&account.hidden).any(|other| other.id != device.id);
    !others && account.hashes.is_empty() && account.recovery.is_empty()
}

/// Gives the recovery codes that were made with it, where the answer shows them.
async fn proven(
    app: &App,
    client: &Client,
    account: &Account,
    device: &Device,
    typed: &Sensitive,
    from: Option<Inside<'_>>,
) -> Result<Vec<Sensitive>> {
    let subject = Subject::new(app, (client, Purpose::Device), Some(account), None, ("", ""), "confirm");
    // What counts already is proven by it, and nothing is added.
    let counted = device.confirmed_at.is_some();
    let told = (!counted).then(|| undo::tell_replaced(app, client, account, device)).transpose()?;
    let due = from.is_some_and(|from| from.shows_codes) && codes_are_due(app, account, device);
    let _turn = subject.turn(app).await?;
    let scope = Scope::Device(device.id.clone());
    shape::of_scope(app, &scope, device.kind == AUTHENTICATOR, typed).await?;
    vendor::settle_latest(app, &scope, None, typed, &subject, Hearer::Owner).await?;
    let mut tx = app.store.begin().await?;
    let channel = match shown(app, &mut tx, device, typed, &subject).await {
        Ok(channel) => channel,
        Err(error) => {
            tx.commit().await?;
            return Err(error);
        }
    };
    let (user, now) = (&account.user.id, app.now());
    let device = &Device { confirmed_at: device.confirmed_at.or(Some(now)), ..device.clone() };
    let mut noted = vec![look::succeeded(Purpose::Device, channel, Some(user))];
    if !counted {
        noted.push(events::confirmed(device).naming(named_with(account, device)));
    }
    if device.kind == AUTHENTICATOR {
        // Whoever guessed did so at another one (R38).
        guesses::forget(app, &mut tx, account, "passcode").await?;
    }
    // The user is held before what is theirs: otherwise two changes could wait for each other.
    let session = from.and_then(|from| from.session);
    noted.extend(touched(app, &mut tx, account, (&device.id, session)).await?);
    noted.extend(count(app, &mut tx, account, device, from.is_some()).await?);
    if let Some(told) = &told {
        noted.extend(told.write(app, &mut tx).await?);
    }
    if is_first(account) {
        // Whoever made this account is shown to hold its address only now (R121).
        let none = SessionId::default();
        let kept = from.and_then(|from| from.session).unwrap_or(&none);
        let ended = end_others(&mut tx, user, kept).await?;
        noted.extend(events::ended(user, "proven", ended));
    }
    let mut codes = Vec::new();
    if raises(app, account, device) && app.plan.words.class(&device.kind) > Some(Class::Reach) {
        // What was made when there was less stands in for no more than there was, whoever has it.
        secrets::drop_kind(&mut tx, user, secrets::RECOVERY).await?;
    }
    if due {
        let (made, event) = recovery_codes::write(app, &mut tx, user, By::Server).await?;
        codes = made;
        noted.push(event);
    }
    app.events.write(&mut tx, now, &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(codes)
}

/// Whether no address of an account was proven before.
fn is_first(account: &Account) -> bool {
    !account.devices.iter().any(|d| d.proven_at.is_some() && d.canonical.is_some())
}

/// Lets a device count that was shown, in the place of what it replaces; gives the events of what it put aside.
async fn count(
    app: &App,
    tx: &mut Tx,
    account: &Account,
    device: &Device,
    inside: bool,
) -> Result<Vec<NewEvent>> {
    let (user, now) = (&account.user.id, app.now());
    let mut noted = Vec::new();
    if let Some(old) = &device.replaces {
        rows::hide(tx, old, user, now).await?.either_way();
        noted.extend(replaced(account, device));
    }
    let own = inside.then_some(rows::PROVEN);
    match rows::confirm(tx, &device.id, now, own).await {
        Ok(Changed::Yes) => {}
        // Removed, or somebody else's by now: what it was to replace stays.
        Ok(Changed::No) | Err(StoreError::Taken) => return Err(AuthError::NoCode),
        Err(other) => return Err(other.into()),
    }
    if let Some(canonical) = &device.canonical {
        let claims = rows::drop_claims(tx, &device.kind, canonical, &device.id).await?;
        noted.extend(events::dropped(By::Server, claims));
    }
    if device.replaces.is_some() {
        rows::set_primary(tx, user, &device.kind, &device.id).await?;
    }
    Ok(noted)
}

/// Looks at the code of a device; gives how it came.
async fn shown(
    app: &App,
    tx: &mut Tx,
    device: &Device,
    typed: &Sensitive,
    subject: &Subject,
) -> Result<&'static str> {
    if device.kind == AUTHENTICATOR {
        by_authenticator(app, tx, device, typed, subject).await?;
        return Ok(AUTHENTICATOR);
    }
    let sent = challenge::latest(tx, &Scope::Device(device.id.clone()), None, app.now()).await?;
    look::look(app, tx, sent.as_ref(), typed, subject).await?;
    Ok(sent.map_or("", |sent| sent.channel.name()))
}

async fn by_authenticator(
    app: &App,
    tx: &mut Tx,
    device: &Device,
    typed: &Sensitive,
    subject: &Subject,
) -> Result<()> {
    let so_far = subject.judge(app, tx, Bound::Fixed).await?;
    let now = app.now();
    if seed::take(tx, device, seed::look(app, device, typed, now), now).await? {
        return subject.succeed(tx, &so_far).await;
    }
    subject.fail(app, tx, AUTHENTICATOR).await?;
    Err(look::wrong("passcode", None))
}
