//! One running instance: the real router behind a real TCP listener, on a real database, with a clock that is moved by
//! hand. Its doors alone, so that an outbox is emptied by hand, or the whole of it (see [`Runs`]).

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use multauth::app::App;
use multauth::base::clock::Steady;
use multauth::base::tuple::TupleSpec;
use multauth::base::{Clock, Millis, Random};
use multauth::extensions::Extensions;
use multauth::outbox::Worker;
use multauth::settings::Settings;
use multauth::startup::{self, Started, World};
use multauth::{auth, server};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::client::Client;
use super::databases::{self, Database};
use super::mailbox::Mail;
use super::promised;
use super::start::{Ground, Runs, Serving};

pub use super::start::BEGINNING;

/// An instance that is being tested.
pub struct TestApp {
    /// The first that is dropped: it serves no more when its database goes.
    _serving: Serving,
    /// The instance itself, for what no door gives.
    pub app: Arc<App>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The same as a URL, such as `http://127.0.0.1:40123`.
    pub base: String,
    /// Its time.
    pub clock: Clock,
    worker: Worker,
    /// What tells the webhooks, by hand.
    pub webhook_worker: multauth::webhooks::Worker,
    settings: Settings,
    world: World,
    ground: Arc<Ground>,
    networks: Arc<AtomicU16>,
    seen: Mutex<HashSet<String>>,
    runs: Runs,
}

impl TestApp {
    /// An instance on SQLite, with the built-in settings changed by `change`.
    pub async fn new(change: impl Fn(&mut Settings)) -> Self {
        Self::on(databases::sqlite().await, change).await
    }

    /// One instance on each database that can be had.
    pub async fn each(change: impl Fn(&mut Settings)) -> Vec<Self> {
        let mut apps = Vec::new();
        for database in databases::empty().await {
            apps.push(Self::on(database, &change).await);
        }
        apps
    }

    /// An instance on SQLite with kinds and hooks of an own program.
    pub async fn owning(extensions: Extensions, change: impl Fn(&mut Settings)) -> Self {
        Self::made(extensions, databases::sqlite().await, change).await
    }

    /// One instance on each database, with kinds of a program's own.
    pub async fn each_with(extensions: &Extensions, change: impl Fn(&mut Settings)) -> Vec<Self> {
        let mut apps = Vec::new();
        for database in databases::empty().await {
            apps.push(Self::made(extensions.clone(), database, &change).await);
        }
        apps
    }

    /// An instance on a database.
    pub async fn on(database: Database, change: impl Fn(&mut Settings)) -> Self {
        Self::made(Extensions::default(), database, change).await
    }

    /// One instance on each database, and what tells each how much time went by, whatever its clock is set to.
    pub async fn each_steadied(change: impl Fn(&mut Settings)) -> Vec<(Self, Steady)> {
        let mut apps = Vec::new();
        for database in databases::empty().await {
            let steady = Steady::fixed();
            let world = World { steady: Some(steady.clone()), ..World::default() };
            apps.push((Self::in_world(world, database, &change).await, steady));
        }
        apps
    }

    /// The same beside a clock of the database that is moved by hand: the last one of each three.
    pub async fn each_beside(change: impl Fn(&mut Settings)) -> Vec<(Self, Steady, Clock)> {
        let mut apps = Vec::new();
        for database in databases::empty().await {
            let (steady, theirs) = (Steady::fixed(), Clock::fixed(BEGINNING));
            let (on, beside) = (Some(steady.clone()), Some(theirs.clone()));
            let world = World { steady: on, theirs: beside, ..World::default() };
            apps.push((Self::in_world(world, database, &change).await, steady, theirs));
        }
        apps
    }

    /// An instance on SQLite that does by itself what the program does: delivers, sweeps, ends.
    pub async fn whole(change: impl FnOnce(&mut Settings)) -> Self {
        Self::set_up(Runs::Whole, World::default(), databases::sqlite().await, change).await
    }

    /// One of these on each database that can be had.
    pub async fn each_whole(change: impl Fn(&mut Settings)) -> Vec<Self> {
        let mut apps = Vec::new();
        for database in databases::empty().await {
            apps.push(Self::set_up(Runs::Whole, World::default(), database, &change).await);
        }
        apps
    }

    async fn made(extensions: Extensions, database: Database, change: impl FnOnce(&mut Settings)) -> Self {
        Self::in_world(World { extensions, ..World::default() }, database, change).await
    }

    async fn in_world(world: World, database: Database, change: impl FnOnce(&mut Settings)) -> Self {
        Self::set_up(Runs::Doors, world, database, change).await
    }

    async fn set_up(
        runs: Runs,
        world: World,
        database: Database,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let ground = Arc::new(Ground { database, folder: tempfile::tempdir().unwrap() });
        let mut settings = ground.settings(runs);
        change(&mut settings);
        let world = World { clock: Clock::fixed(BEGINNING), ..world };
        Self::start(runs, settings, ground, world, Arc::default()).await
    }

    async fn start(
        runs: Runs,
        settings: Settings,
        ground: Arc<Ground>,
        world: World,
        networks: Arc<AtomicU16>,
    ) -> Self {
        let clock = world.clock.clone();
        let Started { app, outbox_worker, webhook_worker } =
            startup::start(settings.clone(), world.clone()).await.unwrap();
        let started = Started {
            app: app.clone(),
            outbox_worker: outbox_worker.clone(),
            webhook_worker: webhook_worker.clone(),
        };
        let (address, serving) = runs.serve(started).await;
        let base = format!("http://{address}");
        promised::served(&base, &settings, &world.extensions);
        Self {
            _serving: serving,
            app,
            address,
            base,
            clock,
            worker: outbox_worker,
            webhook_worker,
            settings,
            world,
            ground,
            networks,
            seen: Mutex::default(),
            runs,
        }
    }

    /// Another instance on the same database, with nothing of this one's memory.
    pub async fn again(&self) -> Self {
        let (ground, networks) = (self.ground.clone(), self.networks.clone());
        Self::start(self.runs, self.settings.clone(), ground, self.world(), networks).await
    }

    /// The same with other settings.
    pub async fn again_with(&self, change: impl Fn(&mut Settings)) -> Self {
        let (ground, networks) = (self.ground.clone(), self.networks.clone());
        let mut settings = self.settings.clone();
        change(&mut settings);
        Self::start(self.runs, settings, ground, self.world(), networks).await
    }

    /// The world of another instance of it.
    fn world(&self) -> World {
        World { random: Random::default(), ..self.world.clone() }
    }

    /// `sqlite` or `postgres`, for messages of failed tests.
    pub fn database(&self) -> &'static str {
        self.ground.database.name
    }

    /// The database itself.
    pub fn rows(&self) -> &Database {
        &self.ground.database
    }

    /// Lets time pass.
    pub fn pass(&self, span: Millis) {
        self.clock.advance(span);
    }

    /// Somebody at an address of their own, in a network of their own.
    pub fn client(&self) -> Client {
        let n = self.networks.fetch_add(1, Ordering::Relaxed);
        Client::new(&self.base, format!("10.{}.{}.7", n / 256, n % 256))
    }

    /// A new API key with these scopes: its id and secret.
    pub async fn api_key(&self, scopes: &[&str]) -> (String, String) {
        let scopes: Vec<String> = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let (id, secret) = auth::operator::api_keys::make(&self.app, "test", &scopes).await.unwrap();
        (id, secret.expose().to_owned())
    }

    /// Somebody with an API key of every scope.
    pub async fn backend(&self) -> Client {
        let (_, key) = self.api_key(&["verify", "introspect"]).await;
        self.client().bearing(&key)
    }

    /// What empties the outbox, to run as the server does.
    pub fn worker(&self) -> Worker {
        self.worker.clone()
    }

    /// Sweeps what is over, as an instance does by itself.
    pub async fn sweep(&self) {
        for _ in 0..100 {
            if !server::swept(&self.app).await.unwrap().1 {
                return;
            }
        }
        panic!("the sweep does not end");
    }

    /// What was delivered since it was last asked, the oldest first.
    pub async fn mail(&self) -> Vec<Mail> {
        self.worker.drain().await.unwrap();
        let mut seen = self.seen.lock().unwrap();
        let all = self.app.inbox.as_ref().unwrap().all();
        all.iter().rev().filter(|m| seen.insert(m.id.clone())).map(Mail::read).collect()
    }

    /// The one message that was delivered since; it carries a code.
    pub async fn code(&self) -> Mail {
        let mut mail = self.mail().await;
        assert_eq!(mail.len(), 1, "exactly one message was expected: {mail:?}");
        let mail = mail.remove(0);
        assert!(mail.code.is_some(), "a code was expected: {mail:?}");
        mail
    }

    /// Lets the worker run by itself, until the bell is rung.
    pub fn work(&self) -> (Arc<Notify>, JoinHandle<()>) {
        let stop = Arc::new(Notify::new());
        (stop.clone(), tokio::spawn(self.worker.clone().run(stop)))
    }

    /// Nothing was delivered since.
    #[track_caller]
    pub fn assert_silent(mail: &[Mail]) {
        assert!(mail.is_empty(), "no message was expected: {mail:?}");
    }
}

/// Flows as an operator writes them.
pub fn flows(tuples: &[&[&str]]) -> Vec<TupleSpec> {
    let words = |tuple: &&[&str]| tuple.iter().map(|word| (*word).to_owned()).collect();
    tuples.iter().map(|tuple| TupleSpec::Plain(words(tuple))).collect()
}

/// Lifts the rates of these actions, where a test wants to see what stands behind them.
pub fn unlimited(settings: &mut Settings, actions: &[&str]) {
    for action in actions {
        settings.throttle.insert((*action).to_owned(), "off".to_owned());
    }
}
