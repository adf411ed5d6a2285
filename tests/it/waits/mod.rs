//! Two that spend or set the secrets of an account at the same moment do not wait for each other: one of them stands still
//! after its first statement on each table that it writes, the other goes as far as it comes, and then both go on.
//! PostgreSQL alone, for SQLite has one writer. A line in `calls.rs` is a new thing to do.

mod calls;

use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::databases;
use calls::{CALLS, Call, Owner};

/// The tables in which an account has rows, or what is counted for it.
const TABLES: &[&str] = &[
    "attempts",
    "challenges",
    "devices",
    "guess_days",
    "guesses",
    "known_devices",
    "secrets",
    "sessions",
    "users",
];

/// Whoever has written a table is noted, and waits there as long as somebody holds its name.
const PAUSE: &str =
    "CREATE TABLE written (name TEXT); CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO written VALUES (TG_TABLE_NAME);
    PERFORM pg_advisory_xact_lock_shared(hashtext(TG_TABLE_NAME)); RETURN NULL; END'";
/// How many wait for something.
const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND backend_type = 'client backend'";
/// How many wait for one that waits for them.
const EACH_OTHER: &str = "SELECT COUNT(*) FROM pg_stat_activity a JOIN pg_stat_activity b
    ON a.pid = ANY(pg_blocking_pids(b.pid)) AND b.pid = ANY(pg_blocking_pids(a.pid))
    WHERE a.datname = current_database() AND a.pid <> b.pid";

/// How often it is looked at most whether something came about.
const LOOKS: usize = 1_000_000;

/// A connection of the test's own.
struct Warden(PgConnection);

impl Warden {
    async fn of(app: &TestApp) -> Self {
        let mut connection = PgConnection::connect(&app.rows().url).await.unwrap();
        sqlx::raw_sql(PAUSE).execute(&mut connection).await.unwrap();
        for table in TABLES {
            let trigger = format!(
                "CREATE TRIGGER pause AFTER INSERT OR UPDATE OR DELETE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION pause()"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(&mut connection).await.unwrap();
        }
        Self(connection)
    }

    async fn holds(&mut self, table: &str) {
        sqlx::query("SELECT pg_advisory_lock(hashtext($1))").bind(table).execute(&mut self.0).await.unwrap();
    }

    async fn lets_go(&mut self, table: &str) {
        sqlx::query("SELECT pg_advisory_unlock(hashtext($1))")
            .bind(table)
            .execute(&mut self.0)
            .await
            .unwrap();
    }

    async fn number(&mut self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.0).await.unwrap()
    }

    /// The tables that a call writes.
    async fn written_by(&mut self, app: &TestApp, call: &Call) -> Vec<String> {
        let mut owner = Owner::new(app).await;
        let ready = (call.ready)(&mut owner, app).await;
        sqlx::query("DELETE FROM written").execute(&mut self.0).await.unwrap();
        let status = ready.0.await;
        assert!((200..300).contains(&status), "{}: {status}", call.name);
        app.mail().await;
        let all = "SELECT DISTINCT name FROM written ORDER BY name";
        sqlx::query_scalar(all).fetch_all(&mut self.0).await.unwrap()
    }

    /// Until so many wait, or `one` is done.
    async fn until(&mut self, waiting: i64, one: &JoinHandle<u16>) {
        for _ in 0..LOOKS {
            if one.is_finished() || self.number(WAITING).await >= waiting {
                return;
            }
        }
        panic!("it neither ends nor waits for the database");
    }

    /// Both to their ends; gives whether they waited for each other.
    async fn end(&mut self, both: [&JoinHandle<u16>; 2]) -> bool {
        let mut found = false;
        for _ in 0..LOOKS {
            if both.iter().all(|one| one.is_finished()) {
                return found;
            }
            // Twice: whom a look finds waiting for one that it then finds waiting may have come free in between.
            found |= self.number(EACH_OTHER).await > 0 && self.number(EACH_OTHER).await > 0;
        }
        panic!("they do not end");
    }
}

/// Two instances on PostgreSQL, where there is one.
async fn pair() -> Option<(TestApp, TestApp)> {
    let database = databases::empty().await.into_iter().find(|database| database.name == "postgres")?;
    let app = TestApp::on(database, |settings| {
        let strong: &[&str] = &["email", "password", "passcode:authenticator"];
        settings.flows =
            flows(&[&["email", "password"], strong, &["email", "passcode"], &["username", "password"]]);
        unlimited(settings, &["signin", "send", "recovery", "failures", "attempt", "devices", "reauth"]);
    })
    .await;
    let other = app.again().await;
    Some((app, other))
}

/// What became of two at once.
struct Met {
    waited: bool,
    /// The status of the second's answer.
    status: u16,
}

/// The first stands still at `table`, if it comes there, until the second ends or waits too.
async fn meet(
    (app, other): (&TestApp, &TestApp),
    warden: &mut Warden,
    (first, second): (&Call, &Call),
    table: &str,
) -> Met {
    let mut owner = Owner::new(app).await;
    let one = (first.ready)(&mut owner, app).await;
    let two = (second.ready)(&mut owner, other).await;
    warden.holds(table).await;
    let one = tokio::spawn(one.0);
    warden.until(1, &one).await;
    let two = tokio::spawn(two.0);
    // One that went another way, after what the other prepared, does not stand there.
    warden.until(if one.is_finished() { 1 } else { 2 }, &two).await;
    warden.lets_go(table).await;
    let waited = warden.end([&one, &two]).await;
    let (other, status) = (one.await.unwrap(), two.await.unwrap());
    assert!(other != 500 && status != 500, "{}: {other}, {}: {status}", first.name, second.name);
    app.mail().await;
    Met { waited, status }
}

fn called(name: &str) -> &'static Call {
    CALLS.iter().find(|call| call.name == name).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_two_wait_for_each_other() {
    let Some((app, other)) = pair().await else { return };
    let mut warden = Warden::of(&app).await;
    let mut found = Vec::new();
    for (n, first) in CALLS.iter().enumerate() {
        for table in warden.written_by(&app, first).await {
            for second in &CALLS[n..] {
                if meet((&app, &other), &mut warden, (first, second), &table).await.waited {
                    found.push(format!("{} at {table}, and {}", first.name, second.name));
                }
            }
        }
    }
    assert!(found.is_empty(), "they wait for each other:\n{}", found.join("\n"));
}

/// An attempt that was ended meanwhile costs its owner no recovery code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_spends_nothing() {
    const LEFT: &str = "SELECT COUNT(*) FROM secrets WHERE kind = 'recovery'";
    let Some((app, other)) = pair().await else { return };
    let mut warden = Warden::of(&app).await;
    for (n, name) in (1..).zip(["a recovery code", "a recovery code before a password"]) {
        let both = (called("a change of the password"), called(name));
        let met = meet((&app, &other), &mut warden, both, "attempts").await;
        assert_eq!((met.status, warden.number(LEFT).await), (404, n * 10), "{name}");
    }
}
