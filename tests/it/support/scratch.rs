//! A PostgreSQL database of a test's own, where `MULTAUTH_TEST_POSTGRES` names a server.

use multauth::base::Random;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// An empty database; it goes when this is dropped.
pub struct Scratch {
    pub url: String,
    server: String,
    name: String,
}

impl Scratch {
    /// `None` where there is no server to make it on.
    pub async fn make() -> Option<Self> {
        let server = std::env::var("MULTAUTH_TEST_POSTGRES").ok().filter(|server| !server.is_empty())?;
        let name = format!("multauth_test_{}", Random::System.uuid().replace('-', ""));
        run(&server, format!("CREATE DATABASE {name}")).await;
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        Some(Self { url: url.into(), server, name })
    }

    /// Runs statements in it.
    pub async fn run(&self, statements: String) {
        run(&self.url, statements).await;
    }

    /// Sets what its sessions begin with.
    pub async fn set(&self, name: &str, value: &str) {
        run(&self.server, format!("ALTER DATABASE {} SET {name} = {value}", self.name)).await;
    }
}

async fn run(server: &str, statement: String) {
    let mut admin = PgConnection::connect(server).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await.unwrap();
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (server, statement) = (self.server.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&server, statement));
        });
        let _ = dropping.join();
    }
}
