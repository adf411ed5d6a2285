//! The schema: brought up to date once, by whoever comes first; a newer one is refused.

use futures_util::future::join_all;
use multauth::store::{self, Store, StoreError};

use crate::support::databases;

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
            ["delivery", "kept_devices", "own_model", "start", "strangers", "weighed"],
            "{}",
            db.name
        );
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
