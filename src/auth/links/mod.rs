//! Links. A link carries the key that its code is derived from, so spending a link is answering with the
//! code. Opening it changes nothing (R52). A link of an attempt finishes only for whoever holds the
//! attempt; anybody else is shown the code to type there (R53), or types it here where the mail leads on its reader
//! ([`super::attempts::reader`]). So does the link of a device for whoever shows that the
//! account is theirs, by a session of it or a fixed secret: a press alone, which a robot does as well, puts nobody's
//! address into a stranger's account. Confirming a device again is no error (R54). A link that takes a change back asks
//! for the code beside it.

pub(super) mod secret;

use super::account::{self, Account};
use super::attempts::progress::Progress;
use super::attempts::reader::{self, Outcome, Wish};
use super::attempts::recover;
use super::codes::look;
use super::devices::confirm::{self, Inside};
use super::devices::undo::{self, Undone};
use super::error::{AuthError, Result};
use super::input::{Client, Given};
use super::sending::way;
use crate::app::App;
use crate::auth::doors;
use crate::auth::guesses::network;
use crate::auth::sessions::basis::Caller;
use crate::base::seal::sha256_hex;
use crate::base::{Channel, DeviceId, Millis, Purpose, Scope, Sensitive};
use crate::devices::{self as kinds, DeviceKind};
use crate::secrets::passcode::{self, Shape};
use crate::store::challenges::{self, Challenge};
use crate::store::devices::{self, Device};
use crate::store::sessions;

/// What a link leads to.
#[derive(Clone, Debug)]
pub struct Link {
    /// What its code is for.
    pub purpose: Purpose,
    /// How it was sent.
    pub channel: Channel,
    /// Where it was sent, masked.
    pub to: String,
    /// What spending it does, or did.
    pub effect: Effect,
}

/// What spending a link does, or did.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A device waits for it, in an account that has nothing else.
    WillConfirm,
    /// The device waits for somebody who shows that the account is theirs: so it is called, masked, and this is the
    /// code to type there.
    Claim {
        /// What the account is called, masked; none where nothing names it yet.
        account: Option<String>,
        /// The code.
        code: Sensitive,
    },
    /// The device is confirmed; `already` where it was before.
    Confirmed {
        /// Whether it was confirmed before.
        already: bool,
    },
    /// This code is to be typed where it was asked for.
    TypeCode(Sensitive),
    /// The attempt moved on.
    Moved(Box<Progress>),
    /// The code that stands beside the link leads on, in an attempt of the reader's own.
    WillLeadOn,
    /// A code that is asked for from the reader's network is sent now.
    Awaited,
    /// Codes that strangers ask for are sent to nobody until then, in milliseconds; the same code ends it.
    Muted(Millis),
    /// Strangers may ask for codes again.
    Unmuted,
    /// A change is taken back by the code that stands beside the link.
    WillUndo,
    /// The change is taken back, and this recovery is what is left to do; the addresses that could not come back,
    /// masked.
    Undone {
        /// Addresses that somebody else has proven meanwhile.
        lost: Vec<String>,
        /// The recovery.
        recovery: Box<Progress>,
    },
}

/// What comes with a link.
#[derive(Clone, Debug, Default)]
pub struct With {
    /// The attempt that the link is of.
    pub attempt: Option<Sensitive>,
    /// Who is signed in.
    pub caller: Option<Caller>,
    /// A fixed secret of the account, or the code beside an undo or a link that leads on.
    pub given: Given,
    /// What its reader wants of a link that leads on.
    pub wish: Wish,
}

/// Looks at a link and changes nothing.
///
/// # Errors
/// [`AuthError::LinkDead`].
pub async fn look(app: &App, client: &Client, key: &str) -> Result<Link> {
    let challenge = find(app, client, key, false).await?;
    let effect = effect(app, key, &challenge).await?;
    Ok(link(&challenge, effect))
}

async fn effect(app: &App, key: &str, challenge: &Challenge) -> Result<Effect> {
    if matches!(challenge.scope, Scope::Undo(_)) {
        return if challenge.spent_at.is_some() { Err(AuthError::LinkDead) } else { Ok(Effect::WillUndo) };
    }
    if matches!(challenge.scope, Scope::Muted(_)) {
        return if challenge.spent_at.is_some() {
            Err(AuthError::LinkDead)
        } else {
            Ok(Effect::Muted(challenge.expires_at))
        };
    }
    if challenge.way_key.is_some() {
        return Ok(Effect::WillLeadOn);
    }
    match (device(challenge), challenge.spent_at) {
        (Some(_), Some(_)) => Ok(Effect::Confirmed { already: true }),
        (Some(id), None) => {
            let (account, device) = claimed(app, id).await?;
            if confirm::is_bare(&account, &device) {
                return Ok(Effect::WillConfirm);
            }
            Ok(Effect::Claim { account: called(app, &account), code: code(app, key, challenge) })
        }
        (None, Some(_)) => Err(AuthError::LinkDead),
        (None, None) => Ok(Effect::TypeCode(code(app, key, challenge))),
    }
}

/// The device of a link, and whose it is.
async fn claimed(app: &App, id: &DeviceId) -> Result<(Account, Device)> {
    let mut db = app.store.read().await?;
    let device = devices::by_id(&mut db, id).await?.ok_or(AuthError::LinkDead)?;
    let account = account::even_disabled(&mut db, &device.user_id).await?;
    // Who waits for the operator has no session, and confirms an address meanwhile.
    let account = account.filter(|account| account.user.disabled_at.is_none() || account.user.waits());
    let account = account.ok_or(AuthError::LinkDead)?;
    let device = account.device(id).cloned().ok_or(AuthError::LinkDead)?;
    Ok((account, device))
}

/// What an account is called, masked: by what cannot be sent a message before what can.
fn called(app: &App, account: &Account) -> Option<String> {
    let mut named: Vec<&Device> = account.confirmed().filter(|device| device.canonical.is_some()).collect();
    named.sort_by_key(|device| !app.plan.devices.is_silent(&device.kind));
    let first = named.first()?;
    Some(app.plan.devices.kind(&first.kind)?.mask(first.delivery.as_deref()?))
}

/// Spends a link: confirms a device for whoever shows that the account is theirs; moves an attempt on for whoever holds
/// it; takes a change back by its code. To anybody else it says what is asked.
///
/// # Errors
/// [`AuthError::LinkDead`], [`AuthError::WrongSecret`], and whatever answering the attempt gives.
pub async fn spend(app: &App, client: &Client, key: &str, with: &With) -> Result<Link> {
    let challenge = find(app, client, key, secret::is_given(app, &with.given)).await?;
    let code = code(app, key, &challenge);
    let effect = match (effect(app, key, &challenge).await?, &with.attempt) {
        (Effect::WillUndo, _) => undone(app, client, &challenge, with).await?,
        (Effect::Muted(until), _) => unmuted(app, client, &challenge, until, with).await?,
        (Effect::WillLeadOn, Some(handle)) if holds(handle, &challenge) => {
            moved(app, client, &challenge, handle, code).await?
        }
        (Effect::WillLeadOn, _) => led_on(app, client, (&challenge, key), with).await?,
        (waits @ (Effect::WillConfirm | Effect::Claim { .. }), _) => {
            let id = device(&challenge).ok_or(AuthError::LinkDead)?;
            if shown(app, client, id, &code, with).await? {
                Effect::Confirmed { already: false }
            } else {
                waits
            }
        }
        (Effect::TypeCode(_), Some(handle)) if holds(handle, &challenge) => {
            moved(app, client, &challenge, handle, code).await?
        }
        (other, _) => other,
    };
    Ok(link(&challenge, effect))
}

/// Confirms the device where whoever presses may: inside of the account by a session or a fixed secret, anywhere where
/// there is nothing else in it.
async fn shown(app: &App, client: &Client, id: &DeviceId, code: &Sensitive, with: &With) -> Result<bool> {
    let (account, device) = claimed(app, id).await?;
    let caller = with.caller.as_ref().filter(|caller| caller.session.user_id == account.user.id);
    let inside = match caller {
        Some(caller) => Some(Some(caller.session.id.clone())),
        None if secret::by_secret(app, client, &account, &with.given).await?
            && began(app, &account, &device).await? =>
        {
            Some(device.added_in.clone())
        }
        None => None,
    };
    if inside.is_none() && !confirm::is_bare(&account, &device) {
        return Ok(false);
    }
    let from = inside.as_ref().map(|session| Inside { session: session.as_ref(), shows_codes: false });
    confirm::confirm_by_link(app, client, (&account, &device), code, from).await?;
    Ok(true)
}

/// Whether the session in which a device was added is there still, if it was added in one: whoever ended it did not
/// mean to leave it anything, and the secret that is typed may be the one that was stolen (R123).
async fn began(app: &App, account: &Account, device: &Device) -> Result<bool> {
    // Where nothing else leads in, as after a sign-up, it is all that its owner has.
    let named = account.confirmed().any(|other| other.canonical.is_some());
    let Some(session) = device.added_in.as_ref().filter(|_| named) else { return Ok(true) };
    let live = sessions::live(&mut app.store.read().await?, session, app.now()).await?;
    Ok(live.is_some_and(|session| session.user_id == device.user_id))
}

async fn undone(app: &App, client: &Client, challenge: &Challenge, with: &With) -> Result<Effect> {
    let Some(typed) = with.given.secrets.get("passcode") else { return Ok(Effect::WillUndo) };
    let Undone { lost, attempt } = undo::take_back(app, client, challenge, typed).await?;
    let recovery = Box::new(recover::begun(app, client, &attempt).await?);
    Ok(Effect::Undone { lost, recovery })
}

async fn moved(
    app: &App,
    client: &Client,
    challenge: &Challenge,
    handle: &Sensitive,
    code: Sensitive,
) -> Result<Effect> {
    let given = if challenge.purpose == Purpose::Unlock {
        Given { unlock_code: Some(code), ..Given::default() }
    } else {
        let named = Some(challenge.target.clone());
        Given { device: named, secrets: [("passcode", code)].into(), ..Given::default() }
    };
    Ok(Effect::Moved(Box::new(doors::answer(app, client, handle, &given).await?)))
}

async fn led_on(app: &App, client: &Client, (way, key): (&Challenge, &str), with: &With) -> Result<Effect> {
    let Some(typed) = with.given.secrets.get("passcode") else { return Ok(Effect::WillLeadOn) };
    let taken = reader::take(app, client, (way, key), typed, with.wish);
    Ok(match network::noticed(app, &client.keys(), taken).await? {
        Outcome::Went(progress) => Effect::Moved(progress),
        Outcome::Awaited => Effect::Awaited,
        Outcome::Muted(until) => Effect::Muted(until),
    })
}

async fn unmuted(
    app: &App,
    client: &Client,
    muted: &Challenge,
    until: Millis,
    with: &With,
) -> Result<Effect> {
    let Some(typed) = with.given.secrets.get("passcode") else { return Ok(Effect::Muted(until)) };
    network::noticed(app, &client.keys(), reader::unmute(app, client, muted, typed)).await?;
    Ok(Effect::Unmuted)
}

/// The live challenge of a link. Nobody guesses its key, so that a live one is counted by itself, and what somebody
/// opens beside it takes nothing of it; dead ones are counted by who opens them, and those that a fixed secret is typed
/// at, which may be hashed.
async fn find(app: &App, client: &Client, key: &str, hashes: bool) -> Result<Challenge> {
    let hash = sha256_hex(key.as_bytes());
    let found = challenges::by_key(&mut app.store.read().await?, &hash).await?;
    let alive = |c: &Challenge| match c.way_key {
        Some(_) => way::is_open(c, app.now()),
        None => c.expires_at > app.now() && (c.spent_at.is_some() || c.guesses < c.max_guesses),
    };
    let live = found.as_ref().filter(|challenge| !hashes && alive(challenge));
    let keys = client.keys_of(live.map(|challenge| challenge.id.as_str()));
    app.throttle.check("confirm", app.now(), &keys).await?;
    let found = found.ok_or(AuthError::LinkDead)?;
    if alive(&found) {
        return Ok(found);
    }
    look::bury_alone(app, &found).await?;
    Err(AuthError::LinkDead)
}

/// The code that belongs to a link.
fn code(app: &App, key: &str, challenge: &Challenge) -> Sensitive {
    let length = usize::try_from(challenge.code_length).unwrap_or(0);
    let shape = match u8::try_from(length) {
        Ok(digits) if length < Shape::Long.length() => Shape::Digits(digits),
        _ => Shape::Long,
    };
    passcode::code_for(&app.sealer, key, shape)
}

fn device(challenge: &Challenge) -> Option<&DeviceId> {
    match &challenge.scope {
        Scope::Device(id) => Some(id),
        _ => None,
    }
}

fn holds(handle: &Sensitive, challenge: &Challenge) -> bool {
    challenge.scope == Scope::Attempt(sha256_hex(handle.expose().as_bytes()).into())
}

fn link(challenge: &Challenge, effect: Effect) -> Link {
    let kind: &dyn DeviceKind =
        if challenge.channel == Channel::Email { &kinds::email::Email } else { &kinds::phone::Phone };
    Link { purpose: challenge.purpose, channel: challenge.channel, to: kind.mask(&challenge.address), effect }
}
