//! Builds an [`App`] of settings, in order; used by `serve`, the command line and the tests.

use std::path::Path;
use std::sync::{Arc, Once};

use tokio::sync::Notify;

use crate::app::App;
use crate::base::clock::{Jumps, Steady};
use crate::base::seal::Sealer;
use crate::base::turns::Locks;
use crate::base::{Clock, Mistake, Random};
use crate::devices::Rules;
use crate::events::Events;
use crate::extensions::Extensions;
use crate::hooks::Hooks;
use crate::keys::{Algorithm, KeyError, KeyRing, MasterKeyError, master_key, master_key_of};
use crate::outbox::{Inbox, Outbox, Parties, Worker};
use crate::plan::{self, Plan};
use crate::secrets::hasher::{Hasher, Unusable};
use crate::secrets::password::Policy;
use crate::settings::{self, Loaded, Located, Mode, Settings};
use crate::store::agreement::Agreement;
use crate::store::{self, Store, StoreError};
use crate::throttle::{Server, Throttle, Time, Windows};
use crate::tokens::ungiven::Ungiven;
use crate::webhooks;

/// Why an instance could not be built.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings have mistakes.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Settings(Vec<Located>),
    /// The master key cannot be used.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The database cannot be used.
    #[error("the database cannot be opened: {0}")]
    Store(#[from] StoreError),
    /// The signing keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Passwords cannot be hashed.
    #[error(transparent)]
    Hasher(#[from] Unusable),
    /// Redis cannot be used.
    #[error("{0}")]
    Redis(String),
}

/// What a test or `simulate` puts in place of the real world.
#[derive(Clone, Default)]
pub struct World {
    /// Time.
    pub clock: Clock,
    /// How much of it went by; by `clock` where none is given.
    pub steady: Option<Steady>,
    /// What the database's clock says; where none is given, the database.
    pub theirs: Option<Clock>,
    /// Chance.
    pub random: Random,
    /// What is added to the built-in kinds.
    pub extensions: Extensions,
}

/// Reads the settings and checks all of them: flows, providers, messages and rates too; `own` kinds stand beside
/// the built-in ones.
///
/// # Errors
/// Every mistake at once, each with its place.
pub fn settings(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    extensions: &Extensions,
) -> Result<Loaded, Vec<Located>> {
    sound(extensions)?;
    settings::load_and(file, env, |settings| plan::read(settings, extensions).err().unwrap_or_default())
}

/// [`settings()`], and what they mean, so that [`start_with`] need not understand them again.
///
/// # Errors
/// Every mistake at once, each with its place.
pub fn understood(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    extensions: &Extensions,
) -> Result<(Settings, Plan), Vec<Located>> {
    sound(extensions)?;
    let mut plan = None;
    let loaded = settings::load_and(file, env, |settings| match plan::read(settings, extensions) {
        Ok(found) => {
            plan = Some(found);
            Vec::new()
        }
        Err(mistakes) => mistakes,
    })?;
    let plan = plan.map_or_else(|| plan::read(&loaded.settings, extensions).map_err(nowhere), Ok)?;
    Ok((loaded.settings, plan))
}

/// An instance, the worker that empties its outbox, and the one that tells its webhooks.
pub struct Started {
    /// The instance.
    pub app: Arc<App>,
    /// The worker; [`Worker::run`] it.
    pub outbox_worker: Worker,
    /// The other worker; [`webhooks::Worker::run`] it.
    pub webhook_worker: webhooks::Worker,
}

/// Says, once a process, which library computes for TLS and for tokens: more than one is linked in.
pub fn choose_cryptography() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        // Where somebody in this process chose before, theirs stays.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

/// Builds an instance: database (brought up to date), keys, flows, providers, limits.
pub async fn start(settings: Settings, world: World) -> Result<Started, StartError> {
    sound(&world.extensions).map_err(StartError::Settings)?;
    let plan = plan::read(&settings, &world.extensions)
        .map_err(|mistakes| StartError::Settings(nowhere(mistakes)))?;
    start_with(settings, plan, world).await
}

/// [`start`] where `plan` is what the settings mean.
pub async fn start_with(settings: Settings, plan: Plan, world: World) -> Result<Started, StartError> {
    choose_cryptography();
    let development = settings.mode == Mode::Development;
    let master = master_key(&settings.keys.file, development, &world.random)?;
    let sealer = Arc::new(Sealer::new(&master));
    let store = open(&settings).await?;
    let waits = || tracing::info!("another instance brings the database up to date and is waited for");
    let applied = store::migrate_telling(&store, waits).await?;
    if !applied.is_empty() {
        let applied = applied.join(", ");
        tracing::info!(applied, database = store.name(), "the database was brought up to date");
    }
    let steady = world.steady.clone().unwrap_or_else(|| Steady::beside(&world.clock));
    let agreement = Agreement::new(world.clock.clone(), steady.clone()).beside(world.theirs.clone());
    agreement.look(&store).await?;
    crate::devices::phone::warm_up();
    let keys =
        KeyRing::new(store.clone(), sealer.clone(), world.clock.clone(), settings.keys.announce.millis());
    keys.start(algorithm(&settings)).await?;
    let wake = Arc::new(Notify::new());
    let inbox = development.then(Inbox::default);
    let routes = plan.routes.clone();
    let hooks =
        Hooks::new(&settings, &world.extensions.hooks, plan.callees.clone(), &world.clock, &world.random);
    let hooks = Arc::new(hooks);
    let webhook_worker = webhooks::Worker {
        store: store.clone(),
        clock: world.clock.clone(),
        agreement: agreement.clone(),
        steady: steady.clone(),
        random: world.random.clone(),
        webhooks: plan.webhooks.clone(),
        wake: Arc::default(),
    };
    let events =
        Events::new(world.random.clone(), plan.webhooks.listeners()).ringing(webhook_worker.wake.clone());
    let outbox_worker = Worker {
        hooks: hooks.clone(),
        store: store.clone(),
        sealer: sealer.clone(),
        clock: world.clock.clone(),
        agreement: agreement.clone(),
        jumps: Jumps::new(world.clock.clone(), steady),
        random: world.random.clone(),
        routes: routes.clone(),
        events: events.clone(),
        inbox: inbox.clone(),
        parties: Parties::default(),
        wake: wake.clone(),
    };
    let app = App {
        agreement,
        hooks,
        events,
        outbox: Outbox { sealer: sealer.clone(), routes: routes.clone() },
        hasher: Hasher::new((&settings.password).into())?,
        policy: Policy::from(&settings.password),
        rules: Rules::from(&settings),
        throttle: Throttle::new(plan.throttle.clone(), windows(&settings, &world).await?),
        locks: Locks::default(),
        ungiven: Ungiven::default(),
        stopping: std::sync::atomic::AtomicBool::new(false),
        plan,
        clock: world.clock,
        random: world.random,
        settings,
        store,
        sealer,
        keys,
        channels: routes.channels(),
        extensions: world.extensions,
        routes,
        wake,
        inbox,
    };
    Ok(Started { app: Arc::new(app), outbox_worker, webhook_worker })
}

/// Opens the database; a server that allows fewer connections than are asked for is told of.
async fn open(settings: &Settings) -> Result<Store, StoreError> {
    let asked = &settings.database;
    let store = Store::open_within(asked.url.expose(), asked.connections, asked.timeout.duration()).await?;
    if let Some(shortage) = store::capacity::shortage(&store, asked.connections).await? {
        tracing::warn!("{shortage}");
    }
    Ok(store)
}

/// What would keep an instance from starting with sound settings, found without making, opening or reaching anything.
pub fn obstacles(settings: &Settings) -> Vec<Mistake> {
    let key = master_key_of(&settings.keys.file, settings.mode == Mode::Development).err();
    let key = key.map(|error| Mistake::new("keys.file", error.to_string()));
    let hasher = Hasher::new((&settings.password).into())
        .err()
        .map(|error| Mistake::new("password.memory_kib", error.to_string()));
    let place = store::check_place(settings.database.url.expose()).err();
    let place = place.map(|why| Mistake::new("database.url", why));
    key.into_iter().chain(hasher).chain(place).collect()
}

/// The kinds of an own program, which no settings can mend.
fn sound(extensions: &Extensions) -> Result<(), Vec<Located>> {
    let place = || "this program".to_owned();
    let wrong = extensions.mistakes().into_iter();
    let wrong: Vec<_> = wrong.map(|(path, message)| Located { place: place(), path, message }).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn nowhere(mistakes: Vec<Mistake>) -> Vec<Located> {
    let place = || "settings".to_owned();
    mistakes.into_iter().map(|m| Located { place: place(), path: m.path, message: m.message }).collect()
}

/// The algorithm of the signing keys.
pub fn algorithm(settings: &Settings) -> Algorithm {
    match settings.keys.algorithm {
        settings::Algorithm::Es256 => Algorithm::Es256,
        settings::Algorithm::EdDsa => Algorithm::EdDsa,
    }
}

async fn windows(settings: &Settings, world: &World) -> Result<Windows, StartError> {
    let url = settings.redis.url.expose();
    if url.is_empty() {
        return Ok(Windows::memory());
    }
    let time = if matches!(world.clock, Clock::System) { Time::Server } else { Time::Given };
    let server = Server { time, ..Server::of(&settings.redis) };
    Windows::redis(&server).await.map_err(|error| StartError::Redis(format!("redis.url {error}")))
}
