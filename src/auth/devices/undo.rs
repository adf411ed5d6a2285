//! A change of an account's devices, told to every address that was confirmed before it with what takes it back, and
//! taken back (R125).
//!
//! What there was before is kept with the change. Taking it back lets devices, primaries and labels stand as they did
//! then, whatever came after; drops every secret, session, known device and pending change; and ends in a recovery. The
//! link alone does nothing: a robot that opens mails could press it. Its code stands beside it in the same mail.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::auth::account::ending::end_everything;
use crate::auth::account::{self, Account, events, gone, vouched};
use crate::auth::codes::{look, send, shape};
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::{Subject, network};
use crate::auth::input::Client;
use crate::auth::sending::notices::{self, Notice};
use crate::auth::sending::recipient::Recipient;
use crate::base::clock::{DAY, MINUTE};
use crate::base::{DeviceId, Millis, Purpose, Scope, Sensitive, UserId};
use crate::devices;
use crate::events::{By, NewEvent};
use crate::messages::{Channel, Code, Kind};
use crate::store::challenges::{self, Challenge};
use crate::store::changes::{self, Change};
use crate::store::devices::{self as rows, Device};
use crate::store::sweep::UNDO;
use crate::store::{StoreError, Tx, attempts as attempt_rows, secrets, users};

/// How long the recovery may take that an undo ends in.
const RECOVERY: Millis = 15 * MINUTE;

/// A device as it stood before a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stood {
    id: DeviceId,
    label: String,
    primary: bool,
}

/// A change about to be written, and what is told of it.
pub struct Told {
    change: Change,
    /// Each with what takes the change back, where it carries that.
    notices: Vec<(Notice, Option<Challenge>)>,
}

/// Thinks out what is told of a change of kind `kind` to `device`: to every address confirmed before it, with what
/// takes it back. An address that was added within a day beside an older one is told without that: it does not
/// recover the account yet, and whoever brought it there must not take back its removal.
pub fn tell(
    app: &App,
    client: &Client,
    account: &Account,
    kind: Kind,
    device: Option<&Device>,
) -> Result<Told> {
    telling(app, client, account, &|_| kind, device)
}

/// The same where `new` takes the place of another device, which is told so.
pub fn tell_replaced(app: &App, client: &Client, account: &Account, new: &Device) -> Result<Told> {
    let kind = |told: &Device| {
        if new.replaces.as_ref() == Some(&told.id) { Kind::DeviceReplaced } else { Kind::DeviceAdded }
    };
    telling(app, client, account, &kind, Some(new))
}

fn telling(
    app: &App,
    client: &Client,
    account: &Account,
    kind: &dyn Fn(&Device) -> Kind,
    device: Option<&Device>,
) -> Result<Told> {
    let change = change(app, account)?;
    let mut notices = Vec::new();
    for (to, told) in notices::every_address(app, account) {
        let kind = kind(told);
        // The replaced address does not learn the new one.
        let device = device.filter(|_| kind != Kind::DeviceReplaced);
        let undo = (!is_late(app, account, told)).then(|| code(app, &change, &to));
        let (challenge, code) = undo.unzip();
        let ends = challenge.as_ref().map(|challenge| challenge.expires_at);
        let notice = notices::one(app, client, account, &to, kind, (device, code), ends)?;
        notices.push((notice, challenge));
    }
    Ok(Told { change, notices })
}

/// What takes a change back, for whoever is told of it: the row, and what the message shows.
pub fn code(app: &App, change: &Change, to: &Recipient) -> (Challenge, Code) {
    send::undo(app, (Scope::Undo(change.id.clone()), change.at + UNDO), to)
}

/// Whether whoever reads an address may take a change back: it was confirmed before that, and is no late one.
pub fn may_take_back(app: &App, account: &Account, address: &Device, change: &Change) -> bool {
    let before = stood(change).unwrap_or_default();
    before.iter().any(|stood| stood.id == address.id) && !is_late(app, account, address)
}

/// Whether an address was added within a day beside or in the place of an older one, or in an account that a name led
/// to (R125): it neither recovers nor takes anything back. One that a thief has put aside counts too. What the operator
/// vouches for is never late.
pub fn is_late(app: &App, account: &Account, device: &Device) -> bool {
    if device.is_vouched() {
        return false;
    }
    let Some(since) = device.confirmed_at else { return true };
    let mut named = account.confirmed().chain(&account.hidden).filter(|d| d.canonical.is_some());
    since + DAY > app.now() && named.any(|other| other.confirmed_at < Some(since))
}

/// What there is before a change.
fn change(app: &App, account: &Account) -> Result<Change> {
    let stood = |d: &Device| Stood { id: d.id.clone(), label: d.label.clone(), primary: d.is_primary };
    let stood: Vec<Stood> = account.confirmed().map(stood).collect();
    let devices = serde_json::to_string(&stood).map_err(|error| AuthError::Internal(error.to_string()))?;
    Ok(Change { id: app.random.uuid(), user_id: account.user.id.clone(), at: app.now(), devices })
}

impl Told {
    /// Writes the change and queues what is told; gives the events of it. Of what is told nobody, nothing is kept.
    pub async fn write(&self, app: &App, tx: &mut Tx) -> Result<Vec<NewEvent>> {
        changes::insert(tx, &self.change).await?;
        let (user, mut noted) = (Some(&self.change.user_id), Vec::new());
        for (notice, challenge) in &self.notices {
            if !notices::queue_one(app, tx, notice).await? {
                continue;
            }
            if let Some(challenge) = challenge {
                challenges::put(tx, challenge, 0).await?.either_way();
            }
            noted.extend(notice.sent(Purpose::Undo, user));
        }
        Ok(noted)
    }
}

/// The devices that a change confirmed and that are still there.
pub fn confirmed_by<'a>(account: &'a Account, changes: &'a [Change]) -> Vec<(&'a Change, &'a Device)> {
    let mut found: Vec<(&Change, &Device)> = Vec::new();
    for change in changes {
        let before = stood(change).unwrap_or_default();
        let new =
            account.confirmed().filter(|d| !d.is_vouched() && before.iter().all(|stood| stood.id != d.id));
        for device in new {
            // The latest change before which it was not there is the one that brought it.
            match found.iter_mut().find(|(_, known)| known.id == device.id) {
                Some(known) => known.0 = change,
                None => found.push((change, device)),
            }
        }
    }
    found
}

/// Drops what takes changes of an account back where it was sent to an address that is younger than the device `by`,
/// which has just recovered it: whoever is thrown out may have brought that address, and hidden it since.
pub async fn forget_younger(app: &App, tx: &mut Tx, account: &Account, by: &Device) -> Result<()> {
    let all = account.devices.iter().chain(&account.hidden);
    let younger = all.filter(|device| is_younger(device, by));
    let younger: BTreeSet<&str> = younger.filter_map(|device| device.delivery.as_deref()).collect();
    if younger.is_empty() {
        return Ok(());
    }
    for device in account.confirmed().filter(|device| is_younger(device, by)) {
        if let Some(address) = &device.delivery {
            notices::tell_anew(app, tx, address).await?;
        }
    }
    for change in changes::of_user(tx, &account.user.id).await? {
        for address in &younger {
            challenges::drop_sent(tx, &Scope::Undo(change.id.clone()), address).await?;
        }
    }
    Ok(())
}

/// Whether an address was confirmed after the device `by`: what that one has recovered, it does not take back.
pub fn is_younger(address: &Device, by: &Device) -> bool {
    address.confirmed_at > by.confirmed_at
}

fn stood(change: &Change) -> Option<Vec<Stood>> {
    serde_json::from_str(&change.devices).ok()
}

/// What taking a change back led to.
pub struct Undone {
    /// Addresses that could not come back, masked: somebody else has proven them meanwhile.
    pub lost: Vec<String>,
    /// The recovery that it ends in.
    pub attempt: Sensitive,
}

/// How an account stands once a change is taken back.
struct Plan {
    before: Vec<Stood>,
    /// The account as it is then.
    after: Account,
    gone: Vec<Device>,
    back: Vec<Device>,
    lost: Vec<Device>,
    /// The address that the code was sent to.
    by: Device,
}

/// Takes a change back by the code that was sent with its link.
///
/// # Errors
/// [`AuthError::WrongSecret`] after counting the guess; [`AuthError::LinkDead`] where there is nothing to take back, or
/// the address that was told belongs to somebody else by now (R99).
pub async fn take_back(
    app: &App,
    client: &Client,
    challenge: &Challenge,
    typed: &Sensitive,
) -> Result<Undone> {
    let Scope::Undo(id) = &challenge.scope else { return Err(AuthError::LinkDead) };
    shape::of_one(challenge, "passcode", typed)?;
    let mut db = app.store.read().await?;
    let change = changes::by_id(&mut db, id).await?.ok_or(AuthError::LinkDead)?;
    let account = account::by_id(&mut db, &change.user_id).await?.ok_or(AuthError::LinkDead)?;
    let leaning: Vec<&str> = account.leaning(app).iter().map(|device| device.id.as_str()).collect();
    let plan = plan(app, &mut db, &account, &change, &leaning, &challenge.address).await?;
    drop(db);
    network::noticed(
        app,
        &client.keys(),
        carry_out(app, client, (&account, &change), plan, (challenge, typed)),
    )
    .await
}

async fn plan(
    app: &App,
    db: &mut impl crate::store::Db,
    account: &Account,
    change: &Change,
    leaning: &[&str],
    address: &str,
) -> Result<Plan> {
    let mut before = stood(change).ok_or(AuthError::LinkDead)?;
    before.retain(|stood| !leaning.contains(&stood.id.as_str()));
    // What the operator gave since was no thief's; of a kind of which there may be one it is that one.
    let given: Vec<&Device> = account.confirmed().filter(|device| device.is_vouched()).collect();
    let displaced = |device: &Device| {
        let several = app.plan.devices.kind(&device.kind).is_none_or(|kind| kind.several());
        let in_the_way = |given: &&Device| {
            given.kind == device.kind
                && given.id != device.id
                && (!several || given.canonical == device.canonical)
        };
        given.iter().any(in_the_way)
    };
    let stood = |device: &Device| before.iter().any(|stood| stood.id == device.id) && !displaced(device);
    let stands = |device: &&Device| stood(device) || given.iter().any(|given| given.id == device.id);
    let (mut back, mut lost) = (Vec::new(), Vec::new());
    for device in account.hidden.iter().filter(|device| stood(device)) {
        let owner = match &device.canonical {
            Some(canonical) => rows::owner(db, &device.kind, canonical).await?,
            None => None,
        };
        let stays = owner.is_some_and(|owner| owner.user_id != account.user.id);
        if stays { lost.push(device.clone()) } else { back.push(device.clone()) }
    }
    let kept = account.devices.iter().filter(stands).chain(&back);
    let devices: Vec<Device> = kept.cloned().map(|device| Device { hidden_at: None, ..device }).collect();
    let by = devices.iter().find(|device| device.delivery.as_deref() == Some(address));
    let by = by.cloned().ok_or(AuthError::LinkDead)?;
    let gone = account.devices.iter().filter(|device| !stands(device)).cloned().collect();
    let mut user = account.user.clone();
    user.credentials += 1;
    let after = Account {
        user,
        devices,
        hidden: Vec::new(),
        hashes: BTreeMap::new(),
        set_by: BTreeMap::new(),
        set_at: BTreeMap::new(),
        recovery: Vec::new(),
    };
    Ok(Plan { before, after, gone, back, lost, by })
}

async fn carry_out(
    app: &App,
    client: &Client,
    (account, change): (&Account, &Change),
    plan: Plan,
    (challenge, typed): (&Challenge, &Sensitive),
) -> Result<Undone> {
    let user = &account.user.id;
    let lost: Vec<String> = plan.lost.iter().filter_map(|device| shown(app, device)).collect();
    let had = gone::had(app, account);
    let told = notices::of_undo(app, client, &plan.after, &lost)?;
    // Each link by itself, whose guesses are few: wrong codes at one do not bar those that others were sent.
    let link = Some(challenge.id.as_str());
    let subject = Subject::new(app, (client, Purpose::Undo), Some(account), link, ("", ""), "undo");
    let _turn = subject.turn(app).await?;
    let mut tx = app.store.begin().await?;
    if let Err(error) = look::look(app, &mut tx, Some(challenge), typed, &subject).await {
        tx.commit().await?;
        return Err(error);
    }
    // Attempts before the user, and the user before sessions: a sign-in that is about to finish leaves none behind.
    attempt_rows::drop_of_user(&mut tx, user).await?;
    let now = app.now();
    if users::touch_from(&mut tx, user, account.user.credentials, now).await?.is_no() {
        return Err(StoreError::Busy(crate::store::MET).into());
    }
    let ended = end_everything(&mut tx, user).await?;
    restore(&mut tx, user, &plan).await?;
    secrets::drop_all(&mut tx, user).await?;
    changes::drop_since(&mut tx, user, change.at).await?;
    let named = (plan.by.kind.as_str(), plan.by.canonical.as_deref().unwrap_or_default());
    let attempt = vouched::begin(app, &mut tx, user, named, Some(&plan.by.id), &had, RECOVERY).await?;
    notices::tell_all_anew(app, &mut tx, &plan.after).await?;
    notices::queue(app, &mut tx, &told).await?;
    let noted = taken_back(&plan, challenge.channel, ended);
    app.events.write(&mut tx, now, &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(Undone { lost, attempt })
}

/// Lets the devices stand as before: what came since goes first, as its addresses may be in the way.
async fn restore(tx: &mut Tx, user: &UserId, plan: &Plan) -> Result<()> {
    for device in &plan.gone {
        rows::delete(tx, &device.id, user).await?.either_way();
    }
    for stood in &plan.before {
        let meant = plan.after.devices.iter().any(|device| device.id == stood.id);
        if meant && rows::restore(tx, &stood.id, user, &stood.label, stood.primary).await?.is_no() {
            // Somebody has proven that address this very moment: the next try knows.
            return Err(StoreError::Busy(crate::store::MET).into());
        }
        if meant && stood.primary {
            // What the operator gave since may have come to be the first of its kind.
            let kind =
                plan.after.devices.iter().find(|device| device.id == stood.id).map(|d| d.kind.as_str());
            rows::set_primary(tx, user, kind.unwrap_or_default(), &stood.id).await?;
        }
    }
    Ok(())
}

/// The address of a device as its owner is shown it; nothing where it has none.
pub fn shown(app: &App, device: &Device) -> Option<String> {
    let kind = app.plan.devices.kind(&device.kind)?;
    device.delivery.as_deref().map(|to| devices::shown(kind, to, &app.rules))
}

/// The events of a change that was taken back.
fn taken_back(plan: &Plan, channel: Channel, ended: u64) -> Vec<NewEvent> {
    let user = &plan.after.user.id;
    let personal = events::named(&plan.after);
    let about = |noted: NewEvent| noted.naming(personal.clone());
    let mut noted = vec![look::succeeded(Purpose::Undo, channel.name(), Some(user))];
    noted.extend(plan.back.iter().map(|device| about(events::confirmed(device))));
    noted.extend(plan.gone.iter().map(|device| about(events::removed(By::User, device))));
    noted.extend(events::ended(user, "undone", ended));
    noted
}
