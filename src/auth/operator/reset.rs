//! What an operator does for somebody who cannot get in: wrong guesses are forgotten, or whatever let anybody in is
//! taken away, so that its owner sets it anew (R127).

use crate::app::App;
use crate::auth::account::ending::end_everything;
use crate::auth::account::flows::can_sign_in;
use crate::auth::account::{self, Account, events, gone, secrets, vouched};
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses;
use crate::auth::sending::notices;
use crate::base::clock::DAY;
use crate::base::{DeviceId, Fault, Millis, Scope, Sensitive, UserId, Wrong};
use crate::events::{By, Event, NewEvent, Source};
use crate::messages::Kind;
use crate::secrets::password::Password;
use crate::store::devices::{self as rows, Device};
use crate::store::{Tx, attempts, challenges, changes, guesses as guess_rows, secrets as secret_rows, users};

/// What every address is told of a reset.
const TOLD: Kind = Kind::AccountReset;

/// How long the key of a reset is good.
const KEY: Millis = DAY;

/// What a reset left.
#[derive(Clone, Debug)]
pub struct Reset {
    /// What the user sets new secrets with; none where the operator set the password, or the user is disabled.
    pub key: Option<Key>,
    /// How many sessions ended.
    pub ended: u64,
    /// How many devices were removed by name.
    pub removed: u64,
    /// Whether some flow is open to the user: now, or once they have set what the key asks for.
    pub open: bool,
}

/// The right to set new secrets, good once; it is shown once.
#[derive(Clone, Debug)]
pub struct Key {
    /// The page that takes it.
    pub link: Sensitive,
    /// The handle of the attempt, for a client of one's own.
    pub handle: Sensitive,
}

/// Forgets every wrong guess at an account, whatever it was guessed by: its owner waits for nothing any more.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id, or they are deleted.
pub async fn unlock(app: &App, user_id: &UserId) -> Result<()> {
    let account = living(app, user_id).await?;
    let mut tx = app.store.begin().await?;
    let now = app.now();
    // Guesses before the user, as a sign-in by a code takes them: otherwise the two could wait for each other.
    let guessed = guess_rows::of_user(&mut tx, user_id).await?;
    guess_rows::clear(&mut tx, guessed, Vec::new()).await?;
    for device in account.confirmed() {
        // Those at codes that were sent before a proof are counted by what was typed.
        let canonical = device.canonical.as_deref().unwrap_or_default();
        let typed = guesses::typed(app, (&device.kind, canonical));
        let guessed = guess_rows::of_subject(&mut tx, &typed).await?;
        guess_rows::clear(&mut tx, guessed, Vec::new()).await?;
    }
    if users::hold(&mut tx, user_id, now).await?.is_no() {
        return Err(AuthError::NotFound);
    }
    let unlocked = Event::UserUnlocked { by: By::Operator }.of(user_id).naming(events::named(&account));
    app.events.write(&mut tx, now, &Source::default(), &[unlocked]).await?;
    Ok(tx.commit().await?)
}

/// Takes away whatever let anybody in: sessions, known devices, attempts, pending changes, the password, secrets of
/// own kinds, recovery codes, wrong guesses, and what earlier messages could take back. Devices stay, but for those
/// of `remove` (ids, or names of kinds) and those that hold a secret which nobody but a recovery has vouched for,
/// which are gone for good. Then it sets `password`, or makes a key with which the user sets what their flows need.
/// Every address is told, those of removed devices too.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id, or they are deleted; a fault for each of `remove` that they do
/// not have, or of a password that may not be set. Nothing is changed then.
pub async fn reset(
    app: &App,
    user_id: &UserId,
    password: Option<&Sensitive>,
    remove: &[String],
) -> Result<Reset> {
    let account = living(app, user_id).await?;
    let mut removed = named(&account, remove)?;
    let leaning = account.leaning(app).into_iter().filter(|d| !removed.iter().any(|gone| gone.id == d.id));
    removed.extend(leaning.collect::<Vec<_>>());
    let mut left = account.clone();
    left.devices.retain(|d| d.confirmed_at.is_some() && removed.iter().all(|gone| gone.id != d.id));
    left.hashes.clear();
    let hash = match password {
        Some(typed) => {
            let ready = secrets::checked(app, &account, &Password, typed, "password")?;
            Some(app.hasher.hash(ready, app.random.bytes()).await?)
        }
        None => None,
    };
    let told = notices::by_operator(app, &reached(&account), TOLD, None)?;
    let mut tx = app.store.begin().await?;
    let (mut noted, ended) = clear(app, &mut tx, &account, &removed).await?;
    if let Some(hash) = &hash {
        secret_rows::set(&mut tx, &app.random.uuid(), user_id, secret_rows::PASSWORD, hash, app.now(), None)
            .await?;
        noted.push(Event::PasswordChanged { by: By::Operator }.of(user_id).naming(events::named(&left)));
    }
    noted.extend(events::ended(user_id, "reset", ended));
    let key = match hash {
        None if account.user.disabled_at.is_none() => {
            Some(key(app, &mut tx, user_id, &gone::had(app, &account)).await?)
        }
        _ => None,
    };
    notices::queue(app, &mut tx, &told).await?;
    app.events.write(&mut tx, app.now(), &Source::default(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(Reset { key, ended, removed: count(&removed), open: opens(app, left, hash) })
}

/// The account with what was put aside lately as well: whoever was robbed of an address hears there of a reset.
fn reached(account: &Account) -> Account {
    let devices = account.devices.iter().chain(&account.hidden).cloned().collect();
    Account { devices, ..account.clone() }
}

/// The account of a user who is not deleted, disabled or not.
async fn living(app: &App, user_id: &UserId) -> Result<Account> {
    let account = account::even_disabled(&mut app.store.read().await?, user_id).await?;
    account.filter(|account| account.user.deleted_at.is_none()).ok_or(AuthError::NotFound)
}

/// The devices of these ids, and all of these kinds; none that is hidden.
fn named<'a>(account: &'a Account, remove: &[String]) -> Result<Vec<&'a Device>> {
    let fits = |device: &Device, name: &String| device.id == *name || device.kind == *name;
    let none = |name: &&String| !account.devices.iter().any(|device| fits(device, name));
    let fault = |name: &String| Fault::new("remove", Wrong::NotTheirs { name: format!("{name:?}") });
    let faults: Vec<Fault> = remove.iter().filter(none).map(fault).collect();
    if !faults.is_empty() {
        return Err(AuthError::Faults(faults));
    }
    Ok(account.devices.iter().filter(|device| remove.iter().any(|name| fits(device, name))).collect())
}

/// Takes everything away; gives the events of it, and how many sessions ended.
async fn clear(
    app: &App,
    tx: &mut Tx,
    account: &Account,
    removed: &[&Device],
) -> Result<(Vec<NewEvent>, u64)> {
    let (user, by) = (&account.user.id, By::Operator);
    // Guesses before attempts, and attempts before the user, as a sign-in takes them: otherwise the two could wait for
    // each other.
    challenges::drop_of_attempts(tx, user).await?;
    let guessed = guess_rows::of_user(tx, user).await?;
    guess_rows::clear(tx, guessed, Vec::new()).await?;
    attempts::drop_of_user(tx, user).await?;
    // Raised before sessions end, so that a sign-in that is about to finish cannot leave one behind.
    if users::touch(tx, user, app.now()).await?.is_no() {
        return Err(AuthError::NotFound);
    }
    let ended = end_everything(tx, user).await?;
    for device in removed {
        challenges::drop_scope(tx, &Scope::Device(device.id.clone())).await?;
        if rows::delete(tx, &device.id, user).await?.is_no() {
            // Removed by somebody else meanwhile: what was asked for is another thing than what was seen.
            return Err(crate::store::StoreError::Busy(crate::store::MET).into());
        }
    }
    let dropped = rows::drop_unconfirmed(tx, user).await?;
    // The operator's word is the last: no message of before takes anything back after it. What is hidden stays so for
    // its days: an address that took its place lately must wait all the same (R125).
    changes::drop_all(tx, user).await?;
    notices::tell_all_anew(app, tx, account).await?;
    secret_rows::drop_all(tx, user).await?;
    let gone: Vec<&DeviceId> = removed.iter().map(|device| &device.id).collect();
    let personal = events::named_with(account, &gone, None);
    let reset = Event::UserReset { by, devices: count(removed) }.of(user);
    let removed = removed.iter().map(|device| events::removed(by, device));
    let noted = std::iter::once(reset).chain(removed).chain(events::dropped(by, dropped));
    Ok((noted.map(|noted| noted.naming(personal.clone())).collect(), ended))
}

async fn key(app: &App, tx: &mut Tx, user_id: &UserId, had: &[String]) -> Result<Key> {
    let handle = vouched::begin(app, tx, user_id, ("", ""), None, had, KEY).await?;
    Ok(Key { link: vouched::link(app, &handle), handle })
}

/// Whether some flow is open to whom this is `left`: with that password, or with all that a key asks for.
fn opens(app: &App, mut left: Account, password: Option<String>) -> bool {
    match password {
        None => gone::open_again(app, &left),
        Some(hash) => {
            left.hashes.insert(secret_rows::PASSWORD.to_owned(), hash);
            can_sign_in(app, &left)
        }
    }
}

fn count(devices: &[&Device]) -> u64 {
    u64::try_from(devices.len()).unwrap_or(u64::MAX)
}
