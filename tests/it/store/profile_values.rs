//! Unique values of profile fields, on both databases.

use futures_util::future::join_all;
use multauth::store::{Changed, StoreError, profile_values, users};

use super::rows::{NOW, user};
use crate::support::databases;

#[tokio::test]
pub(super) async fn a_value_is_one_users_until_it_is_given_up() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        user(&mut tx, "a").await;
        user(&mut tx, "b").await;
        profile_values::claim(&mut tx, "number", "h1", &"a".into()).await.unwrap();
        profile_values::claim(&mut tx, "other", "h1", &"b".into()).await.unwrap();
        assert_eq!(profile_values::owner(&mut tx, "number", "h1").await.unwrap().as_deref(), Some("a"));
        assert_eq!(profile_values::owner(&mut tx, "number", "h2").await.unwrap(), None, "{}", db.name);
        assert_eq!(profile_values::release(&mut tx, "number", &"a".into()).await.unwrap(), 1);
        profile_values::claim(&mut tx, "number", "h1", &"b".into()).await.unwrap();
        users::delete(&mut tx, &"b".into()).await.unwrap().either_way();
        assert_eq!(profile_values::owner(&mut tx, "number", "h1").await.unwrap(), None, "gone with its user");
        tx.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn one_of_many_gets_a_value() {
    for db in databases::migrated().await {
        let stores = [db.store.clone(), db.again().await];
        let one = |n: usize| {
            let store = stores[n % 2].clone();
            tokio::spawn(async move {
                let (mut tx, id) = (store.begin().await?, format!("u{n}"));
                user(&mut tx, &id).await;
                profile_values::claim(&mut tx, "number", "h", &id.as_str().into()).await?;
                tx.commit().await
            })
        };
        let outcomes = join_all((0..20).map(one)).await;
        let outcomes: Vec<Result<(), StoreError>> = outcomes.into_iter().map(|one| one.unwrap()).collect();
        let taken = outcomes.iter().filter(|o| matches!(o, Err(StoreError::Taken))).count();
        assert_eq!((outcomes.iter().filter(|o| o.is_ok()).count(), taken), (1, 19), "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn whoever_holds_a_user_reads_what_it_will_write_over() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        user(&mut tx, "u").await;
        tx.commit().await.unwrap();
        let stores = [db.store.clone(), db.again().await];
        let one = |n: usize| {
            let store = stores[n % 2].clone();
            tokio::spawn(async move {
                let mut tx = store.begin().await.unwrap();
                assert_eq!(users::hold(&mut tx, &"u".into(), NOW).await.unwrap(), Changed::Yes);
                let before = users::by_id(&mut tx, &"u".into()).await.unwrap().unwrap().profile;
                users::set_profile(&mut tx, &"u".into(), &format!("{before}+"), NOW).await.unwrap();
                tx.commit().await.unwrap();
            })
        };
        join_all((0..20).map(one)).await.into_iter().for_each(|one| one.unwrap());
        let after =
            users::by_id(&mut db.store.read().await.unwrap(), &"u".into()).await.unwrap().unwrap().profile;
        assert_eq!(after, format!("{{}}{}", "+".repeat(20)), "{}", db.name);
    }
}
