//! Builds an [`App`] of settings, in order; used by `serve`, the command line and the tests.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Once};

use tokio::sync::Notify;

use crate::app::App;
use crate::base::seal::Sealer;
use crate::base::{Clock, Mistake, Random};
use crate::devices::{self, DEVICES, Rules};
use crate::flows::{self, Carrier, Flows, Level, SecretWord, Vocabulary};
use crate::keys::{Algorithm, KeyError, KeyRing, MasterKeyError, master_key};
use crate::locks::Locks;
use crate::messages::{Catalogue, CatalogueError, Channel, Sender};
use crate::outbox::{Inbox, Routes, Worker};
use crate::providers::{self, Provider};
use crate::secrets::SECRETS;
use crate::secrets::hasher::{HashSettings, Hasher, Unusable};
use crate::secrets::password::Policy;
use crate::settings::{self, Loaded, Located, Mode, Settings};
use crate::store::{self, Store, StoreError};
use crate::throttle::{self, Server, Throttle, Time, Windows};

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
    /// The message templates cannot be used.
    #[error(transparent)]
    Messages(#[from] CatalogueError),
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
    /// Chance.
    pub random: Random,
}

/// Reads the settings and checks all of them: flows, providers and rates too.
///
/// # Errors
/// Every mistake at once, each with its place.
pub fn settings(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Vec<Located>> {
    settings::load_and(file, env, |settings| understand(settings).err().unwrap_or_default())
}

/// What the settings mean, once flows, providers and rates are understood.
struct Understood {
    words: Vocabulary,
    signin: Flows,
    recovery: Flows,
    routes: Routes,
    throttle: std::collections::BTreeMap<&'static str, throttle::Rates>,
}

fn understand(settings: &Settings) -> Result<Understood, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let routes = keep(&mut mistakes, routes(settings)).unwrap_or_default();
    let words = vocabulary(settings);
    let minimum = settings.minimum_level.parse::<Level>().ok();
    let signin = keep(&mut mistakes, flows::parse("flows", &settings.flows, &words, minimum));
    let recovery = if settings.recovery.is_empty() {
        Some(Flows::default())
    } else {
        keep(&mut mistakes, flows::parse("recovery", &settings.recovery, &words, None))
    };
    let throttle = keep(&mut mistakes, throttle::rates("throttle", &settings.throttle));
    match (signin, recovery, throttle) {
        (Some(signin), Some(recovery), Some(throttle)) if mistakes.is_empty() => {
            Ok(Understood { words, signin, recovery, routes, throttle })
        }
        _ => Err(mistakes),
    }
}

fn keep<T>(mistakes: &mut Vec<Mistake>, found: Result<T, Vec<Mistake>>) -> Option<T> {
    found.map_err(|more| mistakes.extend(more)).ok()
}

/// The words that a flow may hold, read from the registries.
pub fn vocabulary(settings: &Settings) -> Vocabulary {
    let secrets = SECRETS.iter().filter(|kind| kind.in_flows()).map(|kind| SecretWord {
        name: kind.name().to_owned(),
        factor: kind.factor(),
        alone: kind.may_be_alone(),
        carried: kind.carried(),
    });
    let carriers = DEVICES.iter().filter_map(|kind| {
        let factor = kind.factor()?;
        Some(Carrier {
            device: kind.name().to_owned(),
            factor,
            phishable: true,
            works: works(settings, *kind),
        })
    });
    Vocabulary {
        identifiers: DEVICES.iter().filter(|k| k.names_owner()).map(|k| k.name().to_owned()).collect(),
        secrets: secrets.collect(),
        carriers: carriers.collect(),
    }
}

/// Whether a passcode can come by a kind of device: computed, or delivered by some provider.
fn works(settings: &Settings, kind: &dyn devices::DeviceKind) -> Result<(), String> {
    let providers = match kind.name() {
        "email" => settings.email_providers(),
        "phone" => settings.phone_providers(),
        _ => return Ok(()),
    };
    if providers.is_empty() {
        return Err(format!("{}.providers is empty", kind.name()));
    }
    Ok(())
}

/// The providers of every channel, in the order they are tried.
fn routes(settings: &Settings) -> Result<Routes, Vec<Mistake>> {
    let production = settings.mode == Mode::Production;
    let mut routes: Routes = HashMap::new();
    let mut mistakes = Vec::new();
    let lists = [
        ("email", settings.email_providers(), &[Channel::Email][..]),
        ("phone", settings.phone_providers(), Channel::PHONE),
    ];
    for (section, tables, channels) in lists {
        for (n, table) in tables.iter().enumerate() {
            let path = format!("{section}.providers[{n}]");
            match providers::build(table, &path, channels, production) {
                Ok(built) => route(&mut routes, table, channels, Arc::from(built)),
                Err(found) => mistakes.extend(found),
            }
        }
    }
    if mistakes.is_empty() { Ok(routes) } else { Err(mistakes) }
}

fn route(routes: &mut Routes, table: &toml::Table, channels: &[Channel], provider: Arc<dyn Provider>) {
    let kind = table.get("kind").and_then(toml::Value::as_str).and_then(providers::kind);
    for channel in channels.iter().filter(|c| kind.is_some_and(|kind| kind.serves(&[**c]))) {
        routes.entry(channel.name()).or_default().push(provider.clone());
    }
}

/// An instance, and the worker that empties its outbox.
pub struct Started {
    /// The instance.
    pub app: Arc<App>,
    /// The worker; [`Worker::run`] it.
    pub worker: Worker,
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
    choose_cryptography();
    let found = understand(&settings).map_err(|mistakes| StartError::Settings(nowhere(mistakes)))?;
    let development = settings.mode == Mode::Development;
    let master = master_key(&settings.keys.file, development, &world.random)?;
    let sealer = Arc::new(Sealer::new(&master));
    let store = Store::open(settings.database.url.expose(), settings.database.connections).await?;
    let applied = store::migrate(&store).await?;
    if !applied.is_empty() {
        tracing::info!(?applied, database = store.name(), "the database was brought up to date");
    }
    let keys = KeyRing::new(store.clone(), sealer.clone(), world.clock.clone());
    keys.start(algorithm(&settings)).await?;
    let wake = Arc::new(Notify::new());
    let inbox = development.then(Inbox::default);
    let channels = Channel::ALL.iter().copied().filter(|c| found.routes.contains_key(c.name())).collect();
    let worker = Worker {
        store: store.clone(),
        sealer: sealer.clone(),
        clock: world.clock.clone(),
        random: world.random.clone(),
        routes: Arc::new(found.routes),
        inbox: inbox.clone(),
        wake: wake.clone(),
    };
    let app = App {
        hasher: hasher(&settings)?,
        policy: policy(&settings),
        rules: rules(&settings),
        catalogue: Catalogue::load(sender(&settings))?,
        throttle: Throttle::new(found.throttle, windows(&settings, &world).await?),
        locks: Locks::default(),
        signin: found.signin,
        recovery: found.recovery,
        words: found.words,
        clock: world.clock,
        random: world.random,
        settings,
        store,
        sealer,
        keys,
        channels,
        wake,
        inbox,
    };
    Ok(Started { app: Arc::new(app), worker })
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

fn hasher(settings: &Settings) -> Result<Hasher, Unusable> {
    let p = &settings.password;
    Hasher::new(HashSettings {
        memory_kib: p.memory_kib,
        iterations: p.iterations,
        threads: p.threads as usize,
        queue: p.queue as usize,
        wait: p.wait.duration(),
    })
}

fn policy(settings: &Settings) -> Policy {
    let p = &settings.password;
    Policy {
        minimum_single: p.minimum_single as usize,
        minimum_multi: p.minimum_multi as usize,
        maximum: p.maximum as usize,
        blocklist: p.blocklist,
        ..Policy::default()
    }
}

fn rules(settings: &Settings) -> Rules {
    let region = settings.phone.default_region.clone();
    Rules {
        default_region: (!region.is_empty()).then_some(region),
        countries: settings.phone.countries.clone(),
        reserved_usernames: settings.username.reserved.clone(),
    }
}

fn sender(settings: &Settings) -> Sender {
    Sender { service: settings.name.clone(), public_url: settings.public_url.clone(), contact: None }
}

async fn windows(settings: &Settings, world: &World) -> Result<Windows, StartError> {
    let url = settings.redis.url.expose();
    if url.is_empty() {
        return Ok(Windows::memory());
    }
    let time = if matches!(world.clock, Clock::System) { Time::Server } else { Time::Given };
    let server = Server { url: url.to_owned(), prefix: "multauth".into(), instances: 2, time };
    Windows::redis(&server).await.map_err(|error| StartError::Redis(error.to_string()))
}
