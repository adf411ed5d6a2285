//! Each invariant holds of what the doors wrote, and is seen broken by a row that was put in past them.

use std::collections::BTreeSet;

use multauth::store::invariants;
use multauth::store::{Db, Exec};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection};

use crate::support::app::TestApp;
use crate::support::person::PASSWORD;

/// Every invariant, and a statement that breaks it and no other; `'ada'` is somebody, `'bob'` somebody else.
const BREAKS: &[(&str, &str)] = &[
    ("accounts are named", "DELETE FROM devices WHERE user_id = 'ada'"),
    (
        "accounts are told",
        "UPDATE events SET name = 'user.updated' WHERE user_id = 'ada' AND name = 'user.created'",
    ),
    (
        "events have accounts",
        "INSERT INTO events (id, position, at, name, user_id, network, request, data)
        VALUES ('e', 1, 1, 'user.created', 'gone', '', '', '{}')",
    ),
    ("rows have accounts", "UPDATE secrets SET user_id = 'gone' WHERE user_id = 'ada'"),
    ("sessions are alive", "UPDATE users SET disabled_at = 1 WHERE id = 'ada'"),
    ("sessions are apart", "UPDATE sessions SET refresh_hash = 'r'"),
    (
        "names are one's own",
        "DROP INDEX devices_owner;
        UPDATE devices SET canonical = 'ada@example.org' WHERE kind = 'email' AND user_id IN ('ada', 'bob')",
    ),
    (
        "one is primary",
        "INSERT INTO devices (id, user_id, kind, canonical, label, is_primary, created_at, confirmed_at)
        VALUES ('d', 'ada', 'email', 'second@example.org', '', TRUE, 1, 1)",
    ),
    ("codes are used once", "UPDATE challenges SET spent_at = 1, code = '', way_code = 'w'"),
    ("guesses are bounded", "UPDATE challenges SET guesses = max_guesses + 1"),
    ("counts are counts", "UPDATE guesses SET streak = -1"),
    ("messages end once", "UPDATE outbox SET finished_at = NULL"),
    ("webhooks end once", "UPDATE webhook_deliveries SET finished_at = 1"),
    ("events have an order", "UPDATE events SET position = 7, request = 'r' WHERE user_id = 'ada'"),
    ("a key signs", "UPDATE signing_keys SET retired_at = 1"),
];

/// A connection of the test's own, whose foreign keys are not looked at.
enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Db for Raw {
    fn exec(&mut self) -> Exec<'_> {
        match self {
            Self::Sqlite(connection) => Exec::Sqlite(connection),
            Self::Postgres(connection) => Exec::Postgres(connection),
        }
    }
}

impl Raw {
    async fn open(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            let options: SqliteConnectOptions = url.parse().unwrap();
            Self::Sqlite(options.foreign_keys(false).connect().await.unwrap())
        } else {
            let mut raw = Self::Postgres(PgConnection::connect(url).await.unwrap());
            raw.run("SET session_replication_role = replica").await;
            raw
        }
    }

    async fn run(&mut self, sql: &'static str) {
        match self {
            Self::Sqlite(connection) => drop(sqlx::raw_sql(sql).execute(connection).await.unwrap()),
            Self::Postgres(connection) => drop(sqlx::raw_sql(sql).execute(connection).await.unwrap()),
        }
    }

    /// The invariants that do not hold.
    async fn broken(&mut self) -> BTreeSet<&'static str> {
        let mut names = BTreeSet::new();
        for invariant in invariants::ALL {
            if invariants::broken(self, invariant).await.unwrap() > 0 {
                names.insert(invariant.name);
            }
        }
        names
    }
}

/// An account with a session, an address and a wrong guess; another one; a code on its way, a key and an event for a
/// webhook.
async fn lived_in() -> Vec<TestApp> {
    let apps = TestApp::each(|settings| {
        let listening = "url = \"https://crm.example.org\"\nsecret = \"whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0\"\n\
            events = [\"user.created\"]";
        settings.webhooks.insert("crm".into(), toml::from_str(listening).unwrap());
    })
    .await;
    for app in &apps {
        let body = |name: &str| json!({ "username": name, "password": PASSWORD });
        for name in ["ada", "bob"] {
            let person = app.signup(body(name)).await;
            person.add(app, "email", &format!("{name}@example.com")).await;
        }
        app.client().signin(json!({ "username": "ada", "password": "wrong wrong wrong 1" })).await.wrong();
        app.client().recovery(json!({ "email": "bob@example.com" })).await.asks();
        app.mail().await;
    }
    apps
}

/// Gives everybody an id that statements can name: the username.
const RENAMED: &str =
    "CREATE TEMPORARY TABLE names AS SELECT user_id AS id, canonical AS name FROM devices WHERE kind = 'username';
    UPDATE devices SET user_id = (SELECT name FROM names WHERE names.id = user_id);
    UPDATE events SET user_id = (SELECT name FROM names WHERE names.id = user_id) WHERE user_id IS NOT NULL;
    UPDATE secrets SET user_id = (SELECT name FROM names WHERE names.id = user_id);
    UPDATE sessions SET user_id = (SELECT name FROM names WHERE names.id = user_id);
    UPDATE known_devices SET user_id = (SELECT name FROM names WHERE names.id = user_id);
    UPDATE device_changes SET user_id = (SELECT name FROM names WHERE names.id = user_id);
    UPDATE users SET id = (SELECT name FROM names WHERE names.id = users.id)";

#[tokio::test]
async fn each_holds_of_what_was_written_and_is_seen_broken() {
    let named: Vec<_> = invariants::ALL.iter().map(|invariant| invariant.name).collect();
    let breaks: Vec<_> = BREAKS.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, breaks, "each has a statement that breaks it");
    for app in lived_in().await {
        let mut raw = Raw::open(&app.rows().url).await;
        assert_eq!(raw.broken().await, BTreeSet::new(), "{}", app.database());
        raw.run("BEGIN").await;
        raw.run(RENAMED).await;
        assert_eq!(raw.broken().await, BTreeSet::new(), "{}", app.database());
        for (name, statement) in BREAKS {
            raw.run("SAVEPOINT before").await;
            raw.run(statement).await;
            assert_eq!(raw.broken().await, BTreeSet::from([*name]), "{statement}, {}", app.database());
            raw.run("ROLLBACK TO SAVEPOINT before").await;
        }
        raw.run("ROLLBACK").await;
    }
}
