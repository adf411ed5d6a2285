//! What only one of many may do, with many at it at once.

use std::collections::HashSet;

use futures_util::future::join_all;
use multauth::store::sessions::Turn;
use multauth::store::{
    Changed, Store, StoreError, attempts, challenges, devices, outbox, secrets, sessions, users,
};

use super::rows::{END, NOW, attempt, challenge, device, queued, session, user};
use crate::support::databases::{self, Database};

/// Runs `work` `count` times at once, half of them on a second instance.
async fn at_once<T: Send + 'static, F>(db: &Database, count: usize, work: fn(Store, usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let stores = [db.store.clone(), db.again().await];
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(count));
    let spawn = |n: usize| {
        let (store, barrier) = (stores[n % 2].clone(), barrier.clone());
        tokio::spawn(async move {
            barrier.wait().await;
            work(store, n).await
        })
    };
    let done = join_all((0..count).map(spawn)).await;
    done.into_iter().map(|one| one.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_hundred_gets_an_address() {
    for db in databases::migrated().await {
        let outcomes = at_once(&db, 100, |store: Store, n| async move {
            let mut tx = store.begin().await?;
            user(&mut tx, &format!("u{n}")).await;
            devices::insert(&mut tx, &device(&format!("d{n}"), &format!("u{n}"), "ada", true)).await?;
            tx.commit().await
        });
        let outcomes: Vec<Result<(), StoreError>> = outcomes.await;
        let taken = outcomes.iter().filter(|o| matches!(o, Err(StoreError::Taken))).count();
        assert_eq!((outcomes.iter().filter(|o| o.is_ok()).count(), taken), (1, 99), "{}", db.name);
        assert_eq!(db.number("SELECT COUNT(*) FROM users").await, 1, "{}: the others undid it all", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_spent_once_and_not_guessed_more_often_than_it_may() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        challenges::put(&mut tx, &challenge("c", "attempt/a"), NOW).await.unwrap().either_way();
        challenges::put(&mut tx, &challenge("w", "attempt/b"), NOW).await.unwrap().either_way();
        tx.commit().await.unwrap();
        // Of the first challenge everybody has the code, of the second nobody.
        let outcomes = at_once(&db, 200, |store: Store, n| async move {
            let (id, typed) = if n % 4 < 2 { ("c", "right") } else { ("w", "wrong") };
            let mut tx = store.begin().await.unwrap();
            let seen = challenges::guess(&mut tx, id, NOW).await.unwrap();
            let right = seen.as_deref() == Some(typed);
            let spent = right && challenges::spend(&mut tx, id, NOW).await.unwrap() == Changed::Yes;
            tx.commit().await.unwrap();
            (id, seen.is_some(), spent)
        });
        let outcomes: Vec<(&str, bool, bool)> = outcomes.await;
        assert_eq!(outcomes.iter().filter(|o| o.2).count(), 1, "{}", db.name);
        assert_eq!(outcomes.iter().filter(|o| o.0 == "w" && o.1).count(), 5, "{}", db.name);
        let mut tx = db.store.begin().await.unwrap();
        assert_eq!(challenges::guess(&mut tx, "w", NOW).await.unwrap(), None, "dead for good");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_ends_once_and_moves_on_once() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        attempts::insert(&mut tx, &attempt("a", None)).await.unwrap();
        attempts::insert(&mut tx, &attempt("b", None)).await.unwrap();
        tx.commit().await.unwrap();
        let outcomes = at_once(&db, 40, |store: Store, n| async move {
            let mut tx = store.begin().await.unwrap();
            let ended = attempts::finish(&mut tx, &"a".into(), "[]").await.unwrap();
            let moved = attempts::pass(&mut tx, &"b".into(), "[]", &format!("[{n}]")).await.unwrap();
            tx.commit().await.unwrap();
            (ended, moved)
        });
        let outcomes: Vec<(Changed, Changed)> = outcomes.await;
        assert_eq!(outcomes.iter().filter(|o| o.0.is_yes()).count(), 1, "{}", db.name);
        assert_eq!(outcomes.iter().filter(|o| o.1.is_yes()).count(), 1, "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_rotates_once() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        user(&mut tx, "u").await;
        sessions::insert(&mut tx, &session("s", "u"), "[]", &"k".into()).await.unwrap();
        tx.commit().await.unwrap();
        let outcomes = at_once(&db, 20, |store: Store, _| async move {
            let turn = Turn { id: &"s".into(), from: "r0", to: "r1", generation: 0, idle_since: 0 };
            let mut tx = store.begin().await.unwrap();
            let rotated = sessions::rotate(&mut tx, &turn, NOW + 1).await.unwrap();
            tx.commit().await.unwrap();
            rotated.map(|rotated| (rotated.session.generation, rotated.session.refresh_hash))
        });
        let rotated: Vec<_> = outcomes.await.into_iter().flatten().collect();
        assert_eq!(rotated, [(1, "r1".to_owned())], "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_and_a_time_step_pass_once() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        user(&mut tx, "u").await;
        secrets::insert(&mut tx, "c", &"u".into(), secrets::RECOVERY, "hash", NOW).await.unwrap();
        devices::insert(&mut tx, &device("d", "u", "ada", true)).await.unwrap();
        tx.commit().await.unwrap();
        let outcomes = at_once(&db, 40, |store: Store, _| async move {
            let mut tx = store.begin().await.unwrap();
            let code = secrets::spend_recovery(&mut tx, &"u".into(), "hash").await.unwrap();
            let step = devices::take_step(&mut tx, &"d".into(), 7, NOW).await.unwrap();
            tx.commit().await.unwrap();
            [code, step]
        });
        let outcomes = outcomes.await;
        let passed = |n: usize| outcomes.iter().filter(|outcome| outcome[n].is_yes()).count();
        assert_eq!([passed(0), passed(1)], [1, 1], "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_leased_to_one_worker() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        for n in 0..200 {
            outbox::insert(&mut tx, &queued(&format!("m{n:03}"))).await.unwrap();
        }
        tx.commit().await.unwrap();
        let outcomes = at_once(&db, 8, |store: Store, _| async move {
            let mut mine = Vec::new();
            // A round without a message may mean that the others were quicker, so none ends the work.
            for _ in 0..40 {
                let mut tx = store.begin().await.unwrap();
                let leased = outbox::lease(&mut tx, "smtp", (NOW, NOW), END, 10).await.unwrap();
                tx.commit().await.unwrap();
                mine.extend(leased.into_iter().map(|m| m.id));
            }
            mine
        });
        let leased: Vec<String> = outcomes.await.into_iter().flatten().collect();
        let distinct: HashSet<_> = leased.iter().collect();
        assert_eq!((leased.len(), distinct.len()), (200, 200), "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_and_a_changed_password_do_not_pass_each_other() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        user(&mut tx, "u").await;
        tx.commit().await.unwrap();
        let outcomes = at_once(&db, 40, |store: Store, n| async move {
            let mut tx = store.begin().await.unwrap();
            if n == 20 {
                users::touch(&mut tx, &"u".into(), NOW).await.unwrap().either_way();
                sessions::end_all(&mut tx, &"u".into()).await.unwrap();
            } else if users::sign_in(&mut tx, &"u".into(), 1, NOW).await.unwrap() == Changed::Yes {
                sessions::insert(&mut tx, &session(&format!("s{n}"), "u"), "[]", &"k".into()).await.unwrap();
            }
            tx.commit().await.unwrap();
        });
        outcomes.await;
        assert_eq!(db.number("SELECT COUNT(*) FROM sessions").await, 0, "{}", db.name);
    }
}
