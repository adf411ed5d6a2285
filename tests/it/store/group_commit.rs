//! Writers that share a commit: what is acknowledged is there, what failed or was dropped is not, and
//! neither touches its neighbours.

use std::time::Duration;

use futures_util::future::join_all;
use multauth::store::{Store, StoreError, facts};

use super::rows::{device, user};
use crate::support::databases::{self, number};

const FACTS: &str = "SELECT COUNT(*) FROM facts";

async fn put(store: &Store, name: String) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    facts::put_new(&mut tx, &name, "x").await?;
    tx.commit().await
}

async fn has(store: &Store, name: &str) -> bool {
    facts::get(&mut store.read().await.unwrap(), name).await.unwrap().is_some()
}

/// Lets everything that was spawned get into the queue.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_row_is_there_at_once_and_after_opening_again() {
    for db in databases::migrated().await {
        let write = |n: usize| {
            let store = db.store.clone();
            tokio::spawn(async move {
                put(&store, format!("row {n}")).await.unwrap();
                assert!(has(&store, &format!("row {n}")).await, "acknowledged and not to be seen");
            })
        };
        for done in join_all((0..100).map(write)).await {
            done.unwrap();
        }
        let again = db.again().await;
        assert_eq!(number(&mut again.read().await.unwrap(), FACTS).await, 100, "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_turn_undoes_only_its_own_work() {
    for db in databases::migrated().await {
        let mut first = db.store.begin().await.unwrap();
        facts::put_new(&mut first, "first", "x").await.unwrap();
        let write = |n: usize| {
            let store = db.store.clone();
            tokio::spawn(async move {
                let mut tx = store.begin().await.unwrap();
                facts::put_new(&mut tx, &format!("row {n}"), "x").await.unwrap();
                if n.is_multiple_of(2) {
                    return tx.commit().await;
                }
                user(&mut tx, "u").await;
                // A foreign key that leads nowhere.
                let lost = multauth::store::devices::insert(&mut tx, &device("d", "nobody", "a", true)).await;
                assert!(lost.is_err());
                Err(StoreError::Commit("lost".into()))
            })
        };
        let others: Vec<_> = (0..20).map(write).collect();
        settle().await;
        first.commit().await.unwrap();
        for (n, done) in join_all(others).await.into_iter().enumerate() {
            assert_eq!(done.unwrap().is_ok(), n % 2 == 0, "{} {n}", db.name);
            assert_eq!(has(&db.store, &format!("row {n}")).await, n % 2 == 0, "{} {n}", db.name);
        }
        assert!(has(&db.store, "first").await, "{}", db.name);
        assert_eq!(db.number("SELECT COUNT(*) FROM users").await, 0, "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_turn_undoes_only_its_own_work() {
    for db in databases::migrated().await {
        let write = |n: usize| {
            let store = db.store.clone();
            tokio::spawn(async move {
                let mut tx = store.begin().await.unwrap();
                facts::put_new(&mut tx, &format!("row {n}"), "x").await.unwrap();
                if n.is_multiple_of(3) {
                    // The caller goes away in the middle of it.
                    let rest = async {
                        tokio::task::yield_now().await;
                        facts::put_new(&mut tx, &format!("more of {n}"), "x").await.unwrap();
                        std::future::pending::<()>().await;
                    };
                    let _ = tokio::time::timeout(Duration::from_millis(n as u64 % 4), rest).await;
                    return;
                }
                tx.commit().await.unwrap();
            })
        };
        for done in join_all((0..60).map(write)).await {
            done.unwrap();
        }
        assert_eq!(db.number(FACTS).await, 40, "{}", db.name);
        put(&db.store, "afterwards".into()).await.unwrap();
        assert!(has(&db.again().await, "afterwards").await, "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gives_up_anywhere_leaves_a_store_that_works() {
    for db in databases::migrated().await {
        for micros in (0..400).step_by(5) {
            let (store, kept) = (db.store.clone(), db.store.clone());
            let gone = tokio::spawn(async move { put(&store, format!("gone {micros}")).await });
            let stays = tokio::spawn(async move { put(&kept, format!("kept {micros}")).await });
            tokio::time::sleep(Duration::from_micros(micros)).await;
            gone.abort();
            stays.await.unwrap().unwrap();
            if matches!(gone.await, Ok(Ok(()))) {
                assert!(has(&db.store, &format!("gone {micros}")).await, "{} {micros}", db.name);
            }
        }
        assert_eq!(db.number("SELECT COUNT(*) FROM facts WHERE name LIKE 'kept%'").await, 80, "{}", db.name);
    }
}

#[tokio::test]
async fn sqlite_writers_go_in_the_order_they_came() {
    let db = databases::sqlite().await;
    multauth::store::migrate(&db.store).await.unwrap();
    join_all((0..50).map(|n| put(&db.store, format!("{n:02}")))).await;
    let disorder = "SELECT COUNT(*) FROM facts a JOIN facts b ON a.rowid < b.rowid AND a.name > b.name";
    assert_eq!(db.number(disorder).await, 0);
    assert_eq!(db.number(FACTS).await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_sqlite_ended_by_itself_acknowledges_nobody() {
    let db = databases::sqlite().await;
    multauth::store::migrate(&db.store).await.unwrap();
    let mut first = db.store.begin().await.unwrap();
    facts::put_new(&mut first, "first", "x").await.unwrap();
    let second = {
        let store = db.store.clone();
        tokio::spawn(async move {
            let mut tx = store.begin().await.unwrap();
            facts::put_new(&mut tx, "second", "x").await.unwrap();
            // What SQLite does when the disk is full.
            if let multauth::store::Exec::Sqlite(conn) = multauth::store::Db::exec(&mut tx) {
                sqlx::query("ROLLBACK").execute(conn).await.unwrap();
            }
            drop(tx);
        })
    };
    settle().await;
    let third = {
        let store = db.store.clone();
        tokio::spawn(async move { put(&store, "third".into()).await })
    };
    settle().await;
    let first = first.commit().await;
    second.await.unwrap();
    let third = third.await.unwrap();
    for (name, told) in [("first", first), ("third", third)] {
        assert_eq!(has(&db.store, name).await, told.is_ok(), "{name}: {told:?}");
    }
    put(&db.store, "afterwards".into()).await.unwrap();
    assert!(has(&db.again().await, "afterwards").await);
}
