//! A real server in this process, on a database of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use multauth::app::App;
use multauth::base::TupleSpec;
use multauth::server;
use multauth::settings::Settings;
use multauth::startup::{self, World};
use multauth::throttle::ACTIONS;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::load::Result;
use crate::providers;

/// A kind of database.
#[derive(Clone)]
pub enum Kind {
    /// A file in the target folder, so that it is on a real disk.
    Sqlite,
    /// A fresh database on the server at this URL.
    Postgres(url::Url),
}

impl Kind {
    /// SQLite, and PostgreSQL where the environment names a server.
    pub fn available() -> Vec<Self> {
        let postgres = std::env::var("MULTAUTH_TEST_POSTGRES").ok().and_then(|url| url.parse().ok());
        if postgres.is_none() {
            eprintln!("no PostgreSQL: MULTAUTH_TEST_POSTGRES is not set");
        }
        std::iter::once(Self::Sqlite).chain(postgres.map(Self::Postgres)).collect()
    }

    /// A figure's name on this database.
    pub fn title(&self, what: &str) -> String {
        let database = match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        };
        format!("{what}, {database}")
    }
}

/// A running server.
pub struct Instance {
    /// Its inside, to lay things ready.
    pub app: Arc<App>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its database.
    pub kind: Kind,
    folder: TempDir,
    made: Option<url::Url>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::result::Result<(), server::ServeError>>,
}

/// A folder on the disk that the target folder is on.
pub fn folder() -> Result<TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// The built-in settings, with flows for the bench and without request limits.
pub fn settings(folder: &Path) -> Settings {
    let mut settings = Settings::built_in();
    let flow = |words: [&str; 2]| TupleSpec::Plain(words.map(str::to_owned).to_vec());
    settings.flows = vec![flow(["username", "password"]), flow(["email", "passcode"])];
    settings.keys.file = folder.join("master.key");
    settings.database.url = format!("sqlite://{}", folder.join("bench.db").display()).as_str().into();
    settings.throttle = ACTIONS.iter().map(|action| (action.name.to_owned(), "off".to_owned())).collect();
    settings.server.listen = ([127, 0, 0, 1], 0).into();
    settings
}

impl Instance {
    /// Starts one whose mail goes to `provider`, one of the bench's own.
    pub async fn start(kind: Kind, provider: &str) -> Result<Self> {
        Self::start_with(kind, provider, |_| ()).await
    }

    /// The same with settings that `change` changed.
    pub async fn start_with(kind: Kind, provider: &str, change: impl FnOnce(&mut Settings)) -> Result<Self> {
        let folder = folder()?;
        let mut settings = settings(folder.path());
        providers::choose(&mut settings, provider);
        change(&mut settings);
        let made = match &kind {
            Kind::Sqlite => None,
            Kind::Postgres(server) => Some(make(server).await?),
        };
        if let Some(url) = &made {
            settings.database.url = url.as_str().into();
        }
        let started = startup::start(
            settings,
            World {
                extensions: multauth::extensions::Extensions {
                    providers: providers::kinds(),
                    ..Default::default()
                },
                ..World::default()
            },
        )
        .await?;
        let app = started.app.clone();
        let (ready, listening) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            server::serve_until(
                started,
                |address| {
                    let _ = ready.send(address);
                },
                stopped,
            )
            .await
        });
        Ok(Self { app, address: listening.await?, kind, folder, made, stop, serving })
    }

    /// Stops it and removes its database.
    pub async fn stop(self) -> Result<()> {
        let _ = self.stop.send(());
        self.serving.await??;
        drop(self.app);
        self.folder.close()?;
        if let (Kind::Postgres(server), Some(made)) = (&self.kind, &self.made) {
            let drop = format!("DROP DATABASE {} WITH (FORCE)", made.path().trim_start_matches('/'));
            run(server, drop).await?;
        }
        Ok(())
    }
}

/// Makes a database.
async fn make(server: &url::Url) -> Result<url::Url> {
    let name = format!("multauth_bench_{}", std::process::id());
    run(server, format!("CREATE DATABASE {name}")).await?;
    let mut url = server.clone();
    url.set_path(&name);
    Ok(url)
}

async fn run(server: &url::Url, sql: String) -> Result<()> {
    let mut connection = PgConnection::connect(server.as_str()).await?;
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    Ok(connection.close().await?)
}
