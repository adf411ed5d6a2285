//! What an instance of a test stands on, and how much of it runs.

use std::net::SocketAddr;
use std::sync::Arc;

use multauth::base::{Millis, Sensitive};
use multauth::server;
use multauth::settings::{Settings, Throttle};
use multauth::startup::Started;
use multauth::throttle::ACTIONS;
use poem::listener::TcpAcceptor;
use tempfile::TempDir;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::databases::Database;

/// When every test begins: 1 March 2026, 10:00:00 UTC.
pub const BEGINNING: Millis = 1_772_359_200_000;

/// How much of an instance runs.
#[derive(Clone, Copy)]
pub enum Runs {
    /// Its doors. Its outbox and its upkeep are moved by hand; it bounds what production does, and a header says who
    /// calls.
    Doors,
    /// All of it, as the program runs it. It bounds nothing but what a test sets, and nobody is trusted.
    Whole,
}

/// What outlives a restart.
pub struct Ground {
    pub database: Database,
    pub folder: TempDir,
}

/// An instance that serves, until this is dropped.
pub enum Serving {
    Doors(JoinHandle<()>),
    Whole(Arc<Notify>),
}

impl Ground {
    /// The built-in settings, but quick and by themselves: cheap hashes, quiet delivery, a database and keys here.
    pub fn settings(&self, runs: Runs) -> Settings {
        let mut settings = Settings::built_in();
        settings.database.url = Sensitive::new(self.database.url.clone());
        settings.keys.file = self.folder.path().join("master.key");
        (settings.password.memory_kib, settings.password.iterations) = (64, 1);
        let path = self.folder.path().join("messages.jsonl").display().to_string();
        let file = toml::Table::from_iter([("kind".into(), "file".into()), ("path".into(), path.into())]);
        (settings.email.providers, settings.phone.providers) = (vec![file.clone()], vec![file]);
        runs.settle(&mut settings);
        settings
    }
}

impl Runs {
    fn settle(self, settings: &mut Settings) {
        match self {
            Self::Doors => {
                settings.database.connections = 8;
                settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
                settings.throttle = rates_of_production();
                settings.password.queue = 1_000;
            }
            Self::Whole => {
                settings.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
                settings.throttle = rates(|_| "off");
            }
        }
    }

    /// Serves on a port of its own; gives where.
    pub async fn serve(self, started: Started) -> (SocketAddr, Serving) {
        match self {
            Self::Doors => doors(started),
            Self::Whole => whole(started).await,
        }
    }
}

fn doors(started: Started) -> (SocketAddr, Serving) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let server = poem::Server::new_with_acceptor(TcpAcceptor::from_std(listener).unwrap());
    let endpoint = server::endpoint(started.app);
    (address, Serving::Doors(tokio::spawn(async move { server.run(endpoint).await.unwrap() })))
}

async fn whole(started: Started) -> (SocketAddr, Serving) {
    let (tell, told) = oneshot::channel();
    let stop = Arc::new(Notify::new());
    let stopped = stop.clone();
    tokio::spawn(async move {
        let ready = |address| {
            let _ = tell.send(address);
        };
        server::serve_until(started, ready, async move { stopped.notified().await }).await
    });
    (told.await.unwrap(), Serving::Whole(stop))
}

impl Drop for Serving {
    fn drop(&mut self) {
        match self {
            Self::Doors(serving) => serving.abort(),
            Self::Whole(stop) => stop.notify_one(),
        }
    }
}

fn rates(of: impl Fn(&'static multauth::throttle::Action) -> &'static str) -> Throttle {
    ACTIONS.iter().map(|action| (action.name.to_owned(), of(action).to_owned())).collect()
}

/// The built-in rates as they are in production.
fn rates_of_production() -> Throttle {
    rates(|action| action.default)
}
