//! The doors: each begins an attempt, and every attempt is answered at the same place.

use super::sending::order::Order;
use crate::app::App;
use crate::auth::account::{self, Account, standing};
use crate::auth::attempts::ask;
use crate::auth::attempts::live::{drop_one, is_told, live, own};
use crate::auth::attempts::progress::Progress;
use crate::auth::attempts::walk::{self, Walk};
use crate::auth::codes::dispatch::dispatch;
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::known;
use crate::auth::guesses::network::bounded;
use crate::auth::input::{Client, Given, Identifier};
use crate::auth::sessions::basis::Caller;
use crate::auth::signup;
use crate::base::{DeviceId, Purpose, Sensitive};
use crate::flows::{Flows, Secret, Step};
use crate::messages::Channel;
use crate::store::devices::Device;
use crate::store::known_devices::KnownDevice;
use crate::store::{challenges, sessions};
use crate::telemetry::metrics;
use crate::throttle::Keys;

/// Begins a sign-in, and goes as far as the secrets that came along lead.
pub async fn signin(app: &App, client: &Client, given: &Given) -> Result<Progress> {
    counted(Purpose::Signin, enter(app, client, given, Purpose::Signin, &app.plan.signin).await)
}

/// Begins a recovery.
pub async fn recovery(app: &App, client: &Client, given: &Given) -> Result<Progress> {
    counted(Purpose::Recovery, enter(app, client, given, Purpose::Recovery, &app.plan.recovery).await)
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
    // Nobody has the empty id.
    let user_id = account.as_ref().map(|account| account.user.id.clone()).unwrap_or_default();
    let known = known::find(&mut db, client, &user_id).await?;
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
    shown: &[DeviceId],
) -> Result<(String, String)> {
    let named = match flow {
        Some(name) => Some(app.plan.signin.find(name).ok_or(AuthError::NoFlow)?),
        None => app.plan.signin.find(&caller.session.flow),
    };
    let usable = named.into_iter().chain(app.plan.signin.iter()).find(|flow| account.equipped(app, flow));
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
    let purpose = attempt.purpose;
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
    if attempt.purpose == Purpose::Signup {
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
        pick_device(&walk, &passcodes, device, channel).await?
    } else {
        let first = passcodes.first().ok_or_else(|| walk::not_asked(&asked))?;
        ask::before_proof(&walk, first, channel).await?.ok_or(AuthError::NoCode)?
    };
    dispatch(app, client, &order).await?;
    walk.look().await
}

/// The device that was chosen by id or by channel, else the first that can be sent to.
async fn pick_device(
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
    let mut usable = carriers.filter(|d| device.is_none_or(|id| d.id == id) && fits(d));
    let device = usable.next().ok_or(AuthError::NotFound)?.clone();
    ask::to_device(walk, &device, channel).await
}

/// Gives an attempt up. A sign-in that has passed a secret is over with it like one that nobody finished, of which its
/// owner is told (R128).
pub async fn cancel(app: &App, client: &Client, handle: &Sensitive) -> Result<()> {
    let attempt = live(app, client, handle).await?;
    let mut tx = app.store.begin().await?;
    drop_one(&mut tx, &attempt, is_told(&attempt)).await?;
    // What a mail opens to its reader is not for whoever asked for it to close.
    challenges::drop_asked(&mut tx, &attempt.scope()).await?;
    Ok(tx.commit().await?)
}
