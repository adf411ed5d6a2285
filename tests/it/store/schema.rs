//! The schema: brought up to date once, by whoever comes first; a newer one is refused.

use std::time::Duration;

use futures_util::future::join_all;
use multauth::base::Purpose;
use multauth::store::attempts::{self, Attempt};
use multauth::store::{self, Db, Exec, Store, StoreError};

use crate::support::databases;
use crate::support::proxy::Proxy;

#[tokio::test]
async fn migrating_again_changes_nothing() {
    for db in databases::empty().await {
        let behind = store::check_version(&db.store).await;
        assert!(matches!(behind, Err(StoreError::Version { found: 0, .. })), "{}: {behind:?}", db.name);
        assert!(!store::migrate(&db.store).await.unwrap().is_empty(), "{}", db.name);
        assert!(store::migrate(&db.store).await.unwrap().is_empty(), "{}", db.name);
        store::check_version(&db.store).await.unwrap();
    }
}

/// A database of the version before the last one, with a sign-in under way.
const BEFORE: &str = concat!(
    include_str!("../../../migrations/0001_start.sql"),
    include_str!("../../../migrations/0002_delivery.sql"),
    include_str!("../../../migrations/0003_own_model.sql"),
    include_str!("../../../migrations/0004_weighed.sql"),
    include_str!("../../../migrations/0005_strangers.sql"),
    include_str!("../../../migrations/0006_kept_devices.sql"),
    "CREATE TABLE migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL);
    INSERT INTO migrations (version, name) VALUES (6, 'kept_devices');
    INSERT INTO users (id, profile, credentials, created_at, updated_at) VALUES ('u', '{}', 3, 1, 1);
    INSERT INTO attempts (id, purpose, kind, canonical, user_id, credentials, session_id, known_device, passed, draft,
        ways, apart, created_at, expires_at)
        VALUES ('a', 'signin', 'email', 'a@b.c', 'u', 3, 's', 'k', '[]', 'd', 'w', 'p', 5, 90);
    INSERT INTO known_devices (id, user_id, hash, created_at, last_used_at) VALUES ('k', 'u', 'h', 1, 1);"
);

#[tokio::test]
async fn what_is_under_way_outlives_a_new_version() {
    for db in databases::empty().await {
        db.execute(BEFORE).await;
        assert_eq!(store::migrate(&db.store).await.unwrap(), ["alike", "subjects", "shown"], "{}", db.name);
        let mut tx = db.store.begin().await.unwrap();
        let found = attempts::live(&mut tx, &"a".into(), 6).await.unwrap();
        let expected = Attempt {
            id: "a".to_owned().into(),
            purpose: Purpose::Signin,
            kind: "email".to_owned(),
            canonical: "a@b.c".to_owned(),
            user_id: Some("u".to_owned().into()),
            credentials: Some(3),
            session_id: Some("s".to_owned().into()),
            known_device: Some("k".to_owned().into()),
            known_shown: Some(String::new()),
            passed: "[]".to_owned(),
            draft: Some("d".to_owned()),
            ways: Some("w".to_owned()),
            apart: Some("p".to_owned()),
            subject: None,
            created_at: 5,
            expires_at: 90,
        };
        assert_eq!(format!("{found:?}"), format!("{:?}", Some(expected)), "{}", db.name);
        assert_eq!(attempts::drop_of_user(&mut tx, &"u".into()).await.unwrap(), 1, "{}", db.name);
    }
}

/// A row that an identifier leaves costs as much whether somebody has it: nothing of it is looked up or indexed for
/// somebody alone (R16).
#[tokio::test]
async fn rows_about_nobody_cost_what_others_cost() {
    const REFERENCES: &str = "SELECT COUNT(*) FROM sqlite_master t, pragma_foreign_key_list(t.name)
        WHERE t.name IN ('attempts', 'challenges', 'events', 'outbox', 'guesses')";
    const INDEXES: &str = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'index'
        AND tbl_name IN ('attempts', 'challenges', 'events', 'outbox', 'guesses')
        AND (sql LIKE '%user_id%' OR sql LIKE '%device_id%')";
    const BY_SUBJECT: &str = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'index'
        AND (sql LIKE '%((COALESCE(user_id, subject, id))%' OR sql LIKE '%((COALESCE(challenge, id))%')";
    let db = databases::sqlite().await;
    store::migrate(&db.store).await.unwrap();
    assert_eq!(db.number(REFERENCES).await, 0);
    assert_eq!(db.number(BY_SUBJECT).await, 3);
    // The one beside those: of messages that failed, which are written long after the answer.
    assert_eq!(db.number(INDEXES).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_start_together_migrate_once() {
    for db in databases::empty().await {
        let start = async || {
            let store = Store::open(&db.url, 2).await?;
            store::migrate(&store).await
        };
        let applied = join_all((0..8).map(|_| start())).await;
        // Each once, one by this instance and one by that.
        let mut names: Vec<_> = applied.into_iter().flat_map(|names| names.unwrap()).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "alike",
                "delivery",
                "kept_devices",
                "own_model",
                "shown",
                "start",
                "strangers",
                "subjects",
                "weighed"
            ],
            "{}",
            db.name
        );
    }
}

/// Whoever waits says so, and goes on though the connection that they waited on fell silent meanwhile.
#[tokio::test]
async fn who_waits_for_another_instance_says_so() {
    for db in databases::empty().await.into_iter().filter(|db| db.name == "postgres") {
        let (proxy, through) = Proxy::before(&db.url).await;
        let store = Store::open_within(&through, 1, Duration::from_secs(1)).await.unwrap();
        let other = Store::open(&db.url, 1).await.unwrap();
        let mut tx = other.begin().await.unwrap();
        let Exec::Postgres(conn) = tx.exec() else { panic!("PostgreSQL alone has such a lock") };
        sqlx::query("SELECT pg_advisory_xact_lock(7310868735)").execute(conn).await.unwrap();
        let (said, heard) = tokio::sync::oneshot::channel();
        let said = std::sync::Mutex::new(Some(said));
        let tell = || said.lock().unwrap().take().map_or((), |said| said.send(()).unwrap());
        let goes = async {
            heard.await.unwrap();
            proxy.go_half_open();
            tx.commit().await.unwrap();
        };
        let both = async { tokio::join!(store::migrate_telling(&store, tell), goes) };
        let (migrated, ()) = tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
        assert!(!migrated.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    for db in databases::migrated().await {
        db.execute("INSERT INTO migrations (version, name) VALUES (9999, 'from the future')").await;
        let migrated = store::migrate(&db.store).await;
        assert!(
            matches!(migrated, Err(StoreError::Version { found: 9999, .. })),
            "{}: {migrated:?}",
            db.name
        );
        let checked = store::check_version(&db.store).await;
        assert!(matches!(checked, Err(StoreError::Version { found: 9999, .. })), "{}: {checked:?}", db.name);
    }
}

#[tokio::test]
async fn sqlite_syncs_what_it_acknowledges() {
    let db = databases::sqlite().await;
    assert_eq!(db.number("PRAGMA synchronous").await, 2, "FULL");
    assert_eq!(db.number("SELECT journal_mode = 'wal' FROM pragma_journal_mode").await, 1);
    assert_eq!(db.number("PRAGMA foreign_keys").await, 1);
}

#[tokio::test]
async fn sqlite_readers_cannot_write() {
    let db = databases::sqlite().await;
    store::migrate(&db.store).await.unwrap();
    let mut reader = db.store.read().await.unwrap();
    assert!(store::facts::put_new(&mut reader, "a", "b").await.is_err());
}

#[tokio::test]
async fn urls_of_other_databases_are_refused() {
    for url in ["mysql://localhost/x", "multauth.db", ""] {
        assert!(matches!(Store::open(url, 1).await, Err(StoreError::Url(_))), "{url}");
    }
}
