//! Sign-up. Where an address must be proven before the account is made, there is only an attempt until
//! then, so that nobody can squat on somebody else's (R119, R120).
//!
//! A taken address is answered like a free one; its owner is told instead of being sent a code (R17).

use super::asks::{reaching, with_challenge};
use super::challenge::{self, Order};
use super::doors::dispatch;
use super::draft::{self, Draft, DraftDevice};
use super::error::{AuthError, Result};
use super::guard::Subject;
use super::input::{Client, Given};
use super::language;
use super::progress::{Ask, Asking, Done, Progress};
use super::purpose::Purpose;
use super::session::{self, Basis};
use super::vendor::{self, Hearer};
use crate::app::App;
use crate::base::clock::seconds_until;
use crate::base::seal::sha256_hex;
use crate::base::{Sensitive, ids};
use crate::devices;
use crate::events::{By, Event};
use crate::flows::{self, Passed};
use crate::messages::Channel;
use crate::store::attempts::{self, Attempt};
use crate::store::{Tx, challenges, sessions};
use crate::throttle::Keys;

/// Begins a sign-up; makes the account at once where nothing has to be proven before.
pub async fn begin(app: &App, client: &Client, given: &Given) -> Result<Progress> {
    let keys = Keys { ip: Some(client.ip), ..Keys::default() };
    app.throttle.check("signup", app.now(), &keys).await?;
    let draft = draft::understand(app, given).await?;
    if draft.to_prove().next().is_none() {
        if let Some(name) = draft.taken_names(app).next() {
            app.throttle.check("username_lookup", app.now(), &keys).await?;
            return Err(AuthError::Taken(name));
        }
        return create(app, client, &draft, None).await;
    }
    let handle = Sensitive::new(ids::handle(&app.random, ids::ATTEMPT));
    let attempt = attempt(app, &handle, &draft)?;
    let first = draft.to_prove().next();
    let ready = match first {
        Some(device) => {
            let order = order(app, &attempt, &draft, device, None).await?;
            challenge::prepare(app, client, &order).await.ok()
        }
        None => None,
    };
    let mut tx = app.store.begin().await?;
    attempts::insert(&mut tx, &attempt).await?;
    if let Some(ready) = &ready {
        match challenge::write(app, &mut tx, ready).await {
            // The last message went to somebody else meanwhile: this one may be asked for later.
            Ok(()) | Err(AuthError::TooMany { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    tx.commit().await?;
    app.wake.notify_one();
    asking(app, &attempt, &handle, &draft).await
}

fn attempt(app: &App, handle: &Sensitive, draft: &Draft) -> Result<Attempt> {
    let id = sha256_hex(handle.expose().as_bytes());
    let now = app.now();
    Ok(Attempt {
        draft: Some(draft.seal(app, &id)?),
        id,
        purpose: Purpose::Signup.name().to_owned(),
        kind: String::new(),
        canonical: String::new(),
        user_id: None,
        credentials: None,
        session_id: None,
        known_device: None,
        passed: "[]".to_owned(),
        created_at: now,
        expires_at: now + app.settings.attempt.lifetime.millis(),
    })
}

/// Sends the code of a sign-up, again or to the other address.
pub async fn send(
    app: &App,
    client: &Client,
    attempt: Attempt,
    handle: &Sensitive,
    device: Option<&str>,
    channel: Option<Channel>,
) -> Result<Progress> {
    let draft = Draft::open(app, &attempt)?;
    let fits = |d: &&DraftDevice| {
        let by_channel = channel.is_none_or(|wanted| reaching(app, &d.kind, &d.delivery).contains(&wanted));
        device.is_none_or(|kind| kind == d.kind) && by_channel
    };
    let target = draft.to_prove().find(fits).ok_or(AuthError::NotFound)?;
    dispatch(app, client, &order(app, &attempt, &draft, target, channel).await?).await?;
    asking(app, &attempt, handle, &draft).await
}

/// Answers a sign-up: the first proven address makes the account. A new username, or another name that no channel
/// reaches, may come along where the chosen one turned out to be taken.
pub async fn answer(
    app: &App,
    client: &Client,
    attempt: Attempt,
    handle: &Sensitive,
    given: &Given,
) -> Result<Progress> {
    let mut draft = Draft::open(app, &attempt)?;
    if draft::rename(app, &mut draft, given).await? {
        let mut tx = app.store.begin().await?;
        attempts::set_draft(&mut tx, &attempt.id, &draft.seal(app, &attempt.id)?).await?;
        tx.commit().await?;
    }
    let Some(typed) = given.secrets.get("passcode") else {
        return if given.identifiers.is_empty() {
            Err(AuthError::NotAsked("passcode".into()))
        } else {
            asking(app, &attempt, handle, &draft).await
        };
    };
    let scope = scope(&attempt);
    let mut db = app.store.read().await?;
    let sent = challenge::latest(&mut db, &scope, given.device.as_deref(), app.now()).await?;
    drop(db);
    let device = draft.to_prove().find(|d| sent.as_ref().is_some_and(|s| s.target == d.kind)).cloned();
    let named = device.as_ref().or_else(|| draft.devices.first());
    let identifier = named.map_or(("", ""), |d| (d.kind.as_str(), d.canonical.as_str()));
    let subject = Subject::new(app, None, None, identifier, "passcode");
    vendor::settle(app, sent.as_ref(), typed, &subject, Hearer::Anybody).await?;
    let mut tx = app.store.begin().await?;
    if let Err(error) = challenge::look(app, &mut tx, sent.as_ref(), typed, &subject).await {
        tx.commit().await?;
        return Err(error);
    }
    let device = device.ok_or(AuthError::AttemptGone)?;
    if let Some(name) = taken(app, &mut tx, &draft).await? {
        // The code is not spent: it comes again with another name.
        drop(tx);
        let keys = Keys { ip: Some(client.ip), ..Keys::default() };
        app.throttle.check("username_lookup", app.now(), &keys).await?;
        return Err(AuthError::Taken(name));
    }
    finish(app, client, tx, &attempt, &draft, &device).await
}

/// The kind of the first name that somebody has. Whether a username, or what else no channel reaches, is free is
/// told only behind a proven address.
async fn taken(app: &App, tx: &mut Tx, draft: &Draft) -> Result<Option<&'static str>> {
    for device in &draft.devices {
        let Some(kind) = app.devices.kind(&device.kind).filter(|kind| devices::is_silent(*kind)) else { continue };
        if crate::store::devices::owner(tx, kind.name(), &device.canonical).await?.is_some() {
            return Ok(Some(kind.name()));
        }
    }
    Ok(None)
}

async fn finish(
    app: &App,
    client: &Client,
    mut tx: Tx,
    attempt: &Attempt,
    draft: &Draft,
    proven: &DraftDevice,
) -> Result<Progress> {
    if attempts::finish(&mut tx, &attempt.id, &attempt.passed).await? != 1 {
        return Err(AuthError::AttemptGone);
    }
    challenges::drop_scope(&mut tx, &scope(attempt)).await?;
    let made = made(app, client, draft, Some(proven), &mut tx).await?;
    tx.commit().await?;
    Ok(Progress::Done(made.done(app)?))
}

/// Makes the account at once.
async fn create(app: &App, client: &Client, draft: &Draft, proven: Option<&DraftDevice>) -> Result<Progress> {
    let told = draft::notices_to_owners(app, client, draft).await?;
    let mut tx = app.store.begin().await?;
    let made = made(app, client, draft, proven, &mut tx).await?;
    super::notices::queue(app, &mut tx, &told).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(Progress::Done(made.done(app)?))
}

/// A new account with its first session, written and not yet committed.
struct Made {
    user: String,
    opened: session::Opened,
    known: session::Known,
}

impl Made {
    fn done(self, app: &App) -> Result<Done> {
        let tokens = session::tokens(app, &self.opened, self.known)?;
        Ok(Done { purpose: Purpose::Signup, user: self.user, tokens: Some(tokens) })
    }
}

async fn made(
    app: &App,
    client: &Client,
    draft: &Draft,
    proven: Option<&DraftDevice>,
    tx: &mut Tx,
) -> Result<Made> {
    let user = draft.write(app, tx, proven).await?;
    let opened = session::open(app, client, &user, &basis(app, draft, proven))?;
    sessions::insert(tx, &opened.session).await?;
    let known = session::known_device(app, None);
    session::remember(tx, &known, &user, app.now()).await?;
    let created = Event::UserCreated { by: By::User, active: true, groups: Vec::new() }.of(&user);
    let entered = session::succeeded(Purpose::Signup, &opened.session);
    app.events.write(tx, app.now(), &client.source(), &[created, entered]).await?;
    Ok(Made { user, opened, known })
}

/// What a sign-up has shown: the secrets that were set, and the address that was proven (R11).
fn basis(app: &App, draft: &Draft, proven: Option<&DraftDevice>) -> Basis {
    let mut passed = Vec::new();
    passed.extend(draft.hashes.keys().map(Passed::fixed));
    passed.extend(draft.hardcode.as_ref().map(|_| Passed::fixed("hardcode")));
    passed.extend(proven.map(|device| Passed::carried("passcode", device.kind.as_str())));
    let whole = |flow: &&flows::Flow| {
        flow.next(&passed).is_none() && draft.devices.iter().any(|d| d.kind == flow.identifier)
    };
    let flow = app.signin.iter().find(whole).map_or("signup", |flow| flow.name.as_str());
    Basis {
        flow: flow.to_owned(),
        acr: flows::level_of_passed(&passed, &app.words).acr().to_owned(),
        amr: flows::amr(&passed, &app.words).into_iter().map(str::to_owned).collect(),
    }
}

async fn order(
    app: &App,
    attempt: &Attempt,
    draft: &Draft,
    device: &DraftDevice,
    channel: Option<Channel>,
) -> Result<Order> {
    let usual = reaching(app, &device.kind, &device.delivery).first().copied();
    let subject = Subject::new(app, None, None, (&device.kind, &device.canonical), "passcode");
    Ok(Order {
        purpose: Purpose::Signup,
        scope: scope(attempt),
        ends: attempt.expires_at,
        plain: false,
        target: device.kind.clone(),
        channel: channel.or(usual).unwrap_or(Channel::Email),
        address: device.delivery.clone(),
        device: None,
        parcel: if device.taken {
            draft::notice(app, device).await
        } else {
            draft::no_notice(app, device).await
        },
        long: subject.exhausted(app, &mut app.store.read().await?).await?,
        account: None,
        language: if device.taken { device.language.clone() } else { language::wished(&draft.profile) },
        counted_as: String::new(),
        identifier: None,
    })
}

/// What a sign-up asks: the code of any address that has to be proven.
async fn asking(app: &App, attempt: &Attempt, handle: &Sensitive, draft: &Draft) -> Result<Progress> {
    let sent = challenges::in_scope(&mut app.store.read().await?, &scope(attempt)).await?;
    let entry = |device: &DraftDevice| {
        let channels = reaching(app, &device.kind, &device.delivery);
        let ask = Ask {
            device: Some(device.kind.clone()),
            channel: channels.first().map(|c| c.name().to_owned()),
            to: app.devices.kind(&device.kind).map(|kind| devices::shown(kind, &device.delivery, &app.rules)),
            channels: channels.iter().map(|c| c.name().to_owned()).collect(),
            ..Ask::plain("passcode")
        };
        with_challenge(app, ask, sent.iter().find(|c| c.target == device.kind))
    };
    Ok(Progress::Ask(Asking {
        attempt: handle.clone(),
        purpose: Purpose::Signup,
        expires_in: seconds_until(app.now(), attempt.expires_at),
        ask: draft.to_prove().map(entry).collect(),
    }))
}

fn scope(attempt: &Attempt) -> String {
    format!("attempt/{}", attempt.id)
}
