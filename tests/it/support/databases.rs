//! Both databases: SQLite in a folder of its own, and PostgreSQL where `MULTAUTH_TEST_POSTGRES` names a
//! server (`postgres://…`, a role that may create databases). `tests/run` starts one.

use std::io::Write;
use std::sync::Once;

use multauth::store::{self, Exec, Store};
use tempfile::TempDir;

use super::scratch::Scratch;

/// One empty database; it goes when this is dropped.
pub struct Database {
    /// `sqlite` or `postgres`, for messages of failed tests.
    pub name: &'static str,
    /// What it is opened by.
    pub url: String,
    /// An open store.
    pub store: Store,
    _place: Place,
}

enum Place {
    Folder { _folder: TempDir },
    Server { _scratch: Scratch },
}

/// Every database that can be had, brought up to date.
pub async fn migrated() -> Vec<Database> {
    let all = empty().await;
    for database in &all {
        store::migrate(&database.store).await.unwrap();
    }
    all
}

/// Every database that can be had, without a schema.
pub async fn empty() -> Vec<Database> {
    let mut all = vec![sqlite().await];
    match Scratch::make().await {
        Some(scratch) => all.push(postgres(scratch).await),
        None => {
            static ONCE: Once = Once::new();
            ONCE.call_once(|| loudly("SQLite alone is tested: MULTAUTH_TEST_POSTGRES names no PostgreSQL"));
        }
    }
    all
}

/// An empty SQLite database.
pub async fn sqlite() -> Database {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("new/multauth.db").display());
    let store = Store::open(&url, 4).await.unwrap();
    Database { name: "sqlite", url, store, _place: Place::Folder { _folder: folder } }
}

/// Past what the harness swallows of a test that passes.
pub fn loudly(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

async fn postgres(scratch: Scratch) -> Database {
    let url = scratch.url.clone();
    let store = Store::open(&url, 10).await.unwrap();
    Database { name: "postgres", url, store, _place: Place::Server { _scratch: scratch } }
}

impl Database {
    /// A second instance on the same database.
    pub async fn again(&self) -> Store {
        Store::open(&self.url, 4).await.unwrap()
    }

    /// Runs statements that the crate itself has no use for.
    pub async fn execute(&self, sql: &'static str) {
        let mut tx = self.store.begin().await.unwrap();
        match store::Db::exec(&mut tx) {
            Exec::Sqlite(conn) => drop(sqlx::raw_sql(sql).execute(conn).await.unwrap()),
            Exec::Postgres(conn) => drop(sqlx::raw_sql(sql).execute(conn).await.unwrap()),
        }
        tx.commit().await.unwrap();
    }

    /// Every row of every table, as text.
    pub async fn dump(&self) -> String {
        const SQLITE: &str = "SELECT 'SELECT ' || group_concat('COALESCE(CAST(\"' || c.name || '\" AS TEXT), '''')', ' || '' | '' || ')
            || ' FROM ' || t.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' GROUP BY t.name";
        const POSTGRES: &str = "SELECT 'SELECT CAST(t AS TEXT) FROM ' || tablename || ' t' FROM pg_tables
            WHERE schemaname = 'public'";
        let mut tx = self.store.begin().await.unwrap();
        let texts = if self.name == "sqlite" { SQLITE } else { POSTGRES };
        let mut all = Vec::new();
        for text in strings(&mut tx, texts.to_owned()).await {
            all.extend(strings(&mut tx, text).await);
        }
        all.join("\n")
    }

    /// The first column of the first row, a number.
    pub async fn number(&self, sql: &'static str) -> i64 {
        number(&mut self.store.begin().await.unwrap(), sql).await
    }
}

async fn strings(db: &mut impl store::Db, sql: String) -> Vec<String> {
    let sql = sqlx::AssertSqlSafe(sql);
    match db.exec() {
        Exec::Sqlite(conn) => sqlx::query_scalar(sql).fetch_all(conn).await.unwrap(),
        Exec::Postgres(conn) => sqlx::query_scalar(sql).fetch_all(conn).await.unwrap(),
    }
}

/// The first column of the first row, a number, as `db` sees it.
pub async fn number(db: &mut impl store::Db, sql: &'static str) -> i64 {
    match db.exec() {
        Exec::Sqlite(conn) => sqlx::query_scalar(sql).fetch_one(conn).await.unwrap(),
        Exec::Postgres(conn) => sqlx::query_scalar(sql).fetch_one(conn).await.unwrap(),
    }
}
