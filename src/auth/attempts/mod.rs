//! The doors: each begins an attempt, and every attempt is answered at the same place.

pub mod apart;
pub(super) mod ask;
pub(super) mod check;
pub(super) mod finish;
pub mod progress;
pub mod reader;
pub(super) mod recent;
pub mod recover;
pub mod unfinished;
pub(super) mod vouched;
pub(super) mod walk;
pub(super) mod withheld;

use super::account::{self, Account, standing};
use super::codes::{self, Order};
use super::error::{AuthError, Result};
use super::guesses::known;
use super::input::{Client, Given, Identifier};
use super::purpose::Purpose;
use super::sessions::Caller;
use super::signup;
use crate::app::App;
use crate::base::{Sensitive, ids};
use crate::flows::{Flows, Secret, Step};
use crate::messages::Channel;
use crate::store::attempts::{self, Attempt};
use crate::store::devices::Device;
use crate::store::known_devices::KnownDevice;
use crate::store::{Tx, challenges, sessions};
use crate::telemetry::metrics;
use crate::throttle::Keys;

use progress::Progress;
use walk::Walk;

/// Begins a sign-in, and goes as far as the secrets that came along lead.
pub async fn signin(app: &App, client: &Client, given: &Given) -> Result<Progress> {
    counted(Purpose::Signin, enter(app, client, given, Purpose::Signin, &app.signin).await)
}

/// Begins a recovery.
pub async fn recovery(app: &App, client: &Client, given: &Given) -> Result<Progress> {
    counted(Purpose::Recovery, enter(app, client, given, Purpose::Recovery, &app.recovery).await)
}

/// Counts how an attempt went on.
fn counted(purpose: Purpose, progress: Result<Progress>) -> Result<Progress> {
    let outcome = match &progress {
        Ok(Progress::Ask(_)) => "asked",
        Ok(Progress::Done(_)) => "done",
        Err(_) => "refused",
    };
    metrics::attempt(purpose.name(), outcome);
    progress
}

async fn enter(
    app: &App,
    client: &Client,
    given: &Given,
    purpose: Purpose,
    flows: &Flows,
) -> Result<Progress> {
    let identifier = given.identifier(app, flows)?;
    let name = (identifier.kind.name(), identifier.address.canonical.as_str());
    // Who may be a known device is looked up before any window: nobody else's closes the door to it (R35).
    let (account, known) = match client.known_device {
        Some(_) => find(app, client, &identifier).await?,
        None => (None, None),
    };
    let keys = client.keys_of(known.as_ref().map(|known| known.id.as_str()));
    bounded(
        app,
        &keys,
        Box::pin(async {
            app.throttle.check(purpose.name(), app.now(), &keys).await?;
            let (account, known) = match client.known_device {
                Some(_) => (account, known.clone()),
                None => find(app, client, &identifier).await?,
            };
            let counted = app.subject(&["identifier", name.0, name.1]);
            let keys = Keys {
                identifier: Some(&counted).filter(|_| known.is_none()).map(String::as_str),
                from: Some(client.ip),
                again: true,
                ..Keys::default()
            };
            let full = app.throttle.check(purpose.name(), app.now(), &keys).await;
            let mut walk = Walk::begin(app, client, purpose, name, account);
            walk.is_at(known);
            // A secret that is asked and comes along is looked at before that window refuses: a right one is let in.
            if !walk.is_answered_by(given) {
                full.clone()?;
            }
            match (walk.run(given).await, full) {
                (Err(AuthError::WrongSecret { .. }), Err(full)) => Err(full.into()),
                (progress, _) => progress,
            }
        }),
    )
    .await
}

/// Whom an identifier names, and the known device that the client is, if it is one of theirs.
async fn find(
    app: &App,
    client: &Client,
    identifier: &Identifier,
) -> Result<(Option<Account>, Option<KnownDevice>)> {
    let mut db = app.store.read().await?;
    let kind = identifier.kind.name();
    let account = account::by_identifier(app, &mut db, kind, &identifier.address.canonical).await?;
    let user_id = account.as_ref().map_or("", |a| a.user.id.as_str());
    let known = known::find(&mut db, client, user_id).await?;
    Ok((account, known))
}

/// Begins a re-authentication of the caller: by the flow that is named, else by the one they signed in by.
pub async fn reauth(
    app: &App,
    client: &Client,
    caller: &Caller,
    flow: Option<&str>,
    given: &Given,
) -> Result<Progress> {
    let user_id = &caller.session.user_id;
    let mut db = app.store.read().await?;
    let account = account::by_id(&mut db, user_id).await?.ok_or(AuthError::InvalidToken)?;
    let shown = sessions::proofs(&mut db, &caller.session.id, user_id).await?;
    let known = known::find(&mut db, client, user_id).await?;
    drop(db);
    // A session has windows of its own, as a known device has: whoever guesses in the same network does not bar it.
    let own = known.as_ref().map_or(caller.session.id.as_str(), |known| known.id.as_str()).to_owned();
    let keys = Keys { account: Some(user_id), ..client.keys_of(Some(&own)) };
    app.throttle.check("reauth", app.now(), &keys).await?;
    let identifier = reauth_identifier(app, caller, flow, &account, &standing::devices(shown.as_deref()))?;
    bounded(
        app,
        &keys,
        Box::pin(async {
            let name = (identifier.0.as_str(), identifier.1.as_str());
            let mut walk = Walk::begin(app, client, Purpose::Reauth, name, Some(account));
            walk.attempt.session_id = Some(caller.session.id.clone());
            walk.is_at(known);
            walk.run(given).await
        }),
    )
    .await
}

fn reauth_identifier(
    app: &App,
    caller: &Caller,
    flow: Option<&str>,
    account: &Account,
    shown: &[String],
) -> Result<(String, String)> {
    let named = match flow {
        Some(name) => Some(app.signin.find(name).ok_or(AuthError::NoFlow)?),
        None => app.signin.find(&caller.session.flow),
    };
    let usable = named.into_iter().chain(app.signin.iter()).find(|flow| account.equipped(app, flow));
    let kind = usable.ok_or(AuthError::NoFlow)?.identifier.clone();
    // The very one that the session was entered by, where that is known; else the first of its kind.
    let mut devices: Vec<&Device> = account.of_kind(&kind).collect();
    devices.sort_by_key(|device| (!shown.contains(&device.id), !device.is_primary));
    let device = devices.first();
    let canonical = device.and_then(|d| d.canonical.clone()).unwrap_or_default();
    Ok((kind, canonical))
}

/// Answers an attempt.
pub async fn answer(app: &App, client: &Client, handle: &Sensitive, given: &Given) -> Result<Progress> {
    let attempt = live(app, client, handle).await?;
    let purpose = Purpose::named(&attempt.purpose).ok_or(AuthError::AttemptGone)?;
    let own = own(&attempt).map(str::to_owned);
    let keys = client.keys_of(own.as_deref());
    let progress = bounded(
        app,
        &keys,
        Box::pin(async {
            if purpose == Purpose::Signup {
                return signup::answer(app, client, attempt, handle, given).await;
            }
            Walk::resume(app, client, attempt, handle.clone()).await?.run(given).await
        }),
    );
    counted(purpose, progress.await)
}

/// What is to be sent in an attempt, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Whether the long code that sets the attempt apart from whoever guesses.
    pub unlocks: bool,
    /// The device, by its id; while there is no account yet, by its kind.
    pub device: Option<&'a str>,
    /// The channel.
    pub channel: Option<Channel>,
}

/// Sends the passcode of an attempt, again or by another way, or the code that sets it apart.
pub async fn send(app: &App, client: &Client, handle: &Sensitive, wanted: Wanted<'_>) -> Result<Progress> {
    let Wanted { unlocks, device, channel } = wanted;
    let attempt = live(app, client, handle).await?;
    if attempt.purpose == Purpose::Signup.name() {
        return signup::send(app, client, attempt, handle, device, channel).await;
    }
    let mut walk = Walk::resume(app, client, attempt, handle.clone()).await?;
    walk.ask_ways().await?;
    let Step::Ask(asked) = walk.step() else { return Err(AuthError::NoFlow) };
    if unlocks {
        let order = walk.unlock_order(&asked).await?;
        dispatch(app, client, &order).await?;
        return walk.look().await;
    }
    let passcodes: Vec<&Secret> = asked.iter().filter(|s| s.name == "passcode").collect();
    let order = if walk.proven() {
        chosen(&walk, &passcodes, device, channel).await?
    } else {
        let first = passcodes.first().ok_or_else(|| not_a_code(&asked))?;
        ask::before_proof(&walk, first, channel).await?.ok_or(AuthError::NoCode)?
    };
    dispatch(app, client, &order).await?;
    walk.look().await
}

/// The device that was chosen by id or by channel, else the first that can be sent to.
async fn chosen(
    walk: &Walk<'_>,
    passcodes: &[&Secret],
    device: Option<&str>,
    channel: Option<Channel>,
) -> Result<Order> {
    let carriers = passcodes.iter().flat_map(|secret| walk.carriers(secret));
    let fits = |device: &Device| {
        let channels = walk.reaching(&device.kind, device.delivery.as_deref().unwrap_or_default());
        channel.map_or(!channels.is_empty(), |wanted| channels.contains(&wanted))
    };
    let mut usable = carriers.filter(|d| device.is_none_or(|id| id == d.id) && fits(d));
    let device = usable.next().ok_or(AuthError::NotFound)?.clone();
    ask::to_device(walk, &device, channel).await
}

fn not_a_code(asked: &[Secret]) -> AuthError {
    AuthError::NotAsked(asked.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(" or "))
}

/// Sends an order now. Where it was sent a moment ago, says when it may be sent again.
pub async fn dispatch(app: &App, client: &Client, order: &Order) -> Result<()> {
    let sent = challenges::in_scope(&mut app.store.read().await?, &order.scope).await?;
    if sent.iter().any(|c| c.sent_at > app.now()) {
        // Sent by a clock that was ahead: it bars another for as long as if it was sent now.
        let mut tx = app.store.begin().await?;
        challenges::bring_back(&mut tx, &order.scope, app.now()).await?;
        tx.commit().await?;
    }
    if let Some(before) = sent.iter().find(|c| c.target == order.target) {
        if before.spent_at.is_some() || before.guesses >= before.max_guesses {
            return Err(AuthError::NoCode);
        }
        let wait = codes::resend_in(app, before, order.plain);
        if wait > 0 {
            return Err(AuthError::TooMany { retry_after: wait });
        }
    }
    let ready = codes::prepare(app, client, order).await?;
    let mut tx = app.store.begin().await?;
    let sent = codes::write(app, &mut tx, &ready).await?;
    app.events.write(&mut tx, app.now(), &client.source(), &[sent]).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}

/// Gives an attempt up. A sign-in that has passed a secret is over with it like one that nobody finished, of which its
/// owner is told (R128).
pub async fn cancel(app: &App, client: &Client, handle: &Sensitive) -> Result<()> {
    let attempt = live(app, client, handle).await?;
    let mut tx = app.store.begin().await?;
    drop_one(&mut tx, &attempt, is_told(&attempt)).await?;
    // What a mail opens to its reader is not for whoever asked for it to close.
    challenges::drop_asked(&mut tx, &format!("attempt/{}", attempt.id)).await?;
    Ok(tx.commit().await?)
}

/// What an attempt is counted by apart from whoever guesses in the same network: its known device, or its session.
fn own(attempt: &Attempt) -> Option<&str> {
    attempt.known_device.as_deref().or(attempt.session_id.as_deref())
}

/// The live attempt behind a handle. Where the network asks too often, one that a known device or a session began goes
/// on.
pub(in crate::auth) async fn live(app: &App, client: &Client, handle: &Sensitive) -> Result<Attempt> {
    let full = app.throttle.check("attempt", app.now(), &client.keys()).await.err();
    let attempt = match ids::stored(handle.expose(), ids::ATTEMPT) {
        Some(id) => living(app, &id).await?,
        None => None,
    };
    if let Some(full) = full {
        let own = attempt.as_ref().and_then(own).ok_or(full)?;
        app.throttle.check("attempt", app.now(), &client.keys_of(Some(own))).await?;
    }
    attempt.ok_or(AuthError::AttemptGone)
}

/// The attempt of that id, unless it is over. One that is refused for that is gone for good, whatever becomes of the
/// clock.
pub(in crate::auth) async fn living(app: &App, id: &str) -> Result<Option<Attempt>> {
    let Some(found) = attempts::by_id(&mut app.store.read().await?, id).await? else { return Ok(None) };
    if found.expires_at > app.now() {
        return Ok(Some(found));
    }
    let told = is_told(&found);
    // Whoever looks for what is over finds it still.
    if !told || found.credentials.is_some() {
        let mut tx = app.store.begin().await?;
        drop_one(&mut tx, &found, told).await?;
        tx.commit().await?;
    }
    Ok(None)
}

/// Whether the owner of an account is told of an attempt that nobody finished.
fn is_told(attempt: &Attempt) -> bool {
    attempt.purpose == Purpose::Signin.name() && attempt.passed != "[]" && attempt.user_id.is_some()
}

async fn drop_one(tx: &mut Tx, attempt: &Attempt, told: bool) -> Result<()> {
    if told {
        attempts::call_off(tx, &attempt.id).await?;
    } else {
        attempts::delete(tx, &attempt.id).await?;
    }
    Ok(())
}

/// Counts wrong secrets by network, whoever they are tried at, and those of a known device by it; a success clears
/// nothing (R40, R41).
pub async fn bounded<T>(app: &App, keys: &Keys<'_>, work: impl Future<Output = Result<T>>) -> Result<T> {
    app.throttle.peek("failures", app.now(), keys).await?;
    noticed(app, keys, work).await
}

/// The same where a full window refuses nobody: where each guess is at something that has a few of its own, and that
/// only who holds a key of 256 bits comes to.
pub async fn noticed<T>(app: &App, keys: &Keys<'_>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let outcome = work.await;
    if let Err(AuthError::WrongSecret { secret, .. }) = &outcome {
        metrics::wrong(app.secrets.kind(secret).map_or("other", |kind| kind.name()));
        // The failure is told as it is; the next one finds the window full.
        let _ = app.throttle.check("failures", app.now(), keys).await;
    }
    outcome
}
