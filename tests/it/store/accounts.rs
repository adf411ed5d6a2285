//! Groups, deletion and what a purge takes along, on both databases.

use multauth::base::clock::DAY;
use multauth::store::outbox::End;
use multauth::store::{Changed, attempts, challenges, devices, events, outbox, users};

use super::rows::{NOW, attempt, challenge, device, queued, user};
use crate::support::databases;

#[tokio::test]
pub(super) async fn of_deleted_users() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        user(tx, "u").await;
        let id = "w".into();
        let waits = users::New { active: false, group_names: r#"["a"]"#, ..users::New::active(&id, "{}") };
        users::insert(tx, &waits, NOW).await.unwrap();
        let w = users::by_id(tx, &"w".into()).await.unwrap().unwrap();
        assert_eq!((w.disabled_at, w.group_names.as_str()), (Some(NOW), r#"["a"]"#), "{}", db.name);
        assert_eq!(users::set_groups(tx, &"u".into(), r#"["b"]"#, NOW).await.unwrap(), Changed::Yes);
        assert_eq!(users::set_deleted(tx, &"u".into(), NOW + 5).await.unwrap(), Changed::Yes);
        assert_eq!(
            users::set_deleted(tx, &"u".into(), NOW + 6).await.unwrap(),
            Changed::No,
            "deleted already"
        );
        assert_eq!(users::set_groups(tx, &"u".into(), "[]", NOW).await.unwrap(), Changed::No, "deleted");
        assert_eq!(users::set_disabled(tx, &"u".into(), None, NOW).await.unwrap(), Changed::No, "deleted");
        assert_eq!(users::deleted_before(tx, NOW + 4, 9).await.unwrap().len(), 0);
        let due = users::deleted_before(tx, NOW + 5, 9).await.unwrap();
        assert_eq!((due.len(), due[0].deleted_at, due[0].disabled_at), (1, Some(NOW + 5), Some(NOW + 5)));
        assert_eq!(users::restore(tx, &"u".into(), NOW + 7).await.unwrap(), Changed::Yes);
        assert_eq!(users::restore(tx, &"u".into(), NOW + 7).await.unwrap(), Changed::No, "not deleted");
        let u = users::by_id(tx, &"u".into()).await.unwrap().unwrap();
        assert_eq!((u.deleted_at, u.disabled_at, u.group_names.as_str()), (None, None, r#"["b"]"#));
    }
}

#[tokio::test]
pub(super) async fn of_users_that_nothing_names() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        for (id, ago) in [
            ("new", 0),
            ("orphan", 2 * DAY),
            ("named", 2 * DAY),
            ("claims", 2 * DAY),
            ("old", 30 * DAY),
            ("reset", 2 * DAY),
            ("entered", 2 * DAY),
            ("used", 2 * DAY),
        ] {
            users::insert(tx, &users::New::active(&id.into(), "{}"), NOW - ago).await.unwrap();
        }
        devices::insert(tx, &device("a", "named", "ada", true)).await.unwrap();
        devices::insert(tx, &device("b", "claims", "bob", false)).await.unwrap();
        // From one the operator took the last name, from the other its owner a claim.
        events::insert(tx, &[removed("reset", "operator"), removed("entered", "user")]).await.unwrap();
        users::touch(tx, &"entered".into(), NOW).await.unwrap().either_way();
        users::sign_in(tx, &"used".into(), 1, NOW).await.unwrap().either_way();
        let found = users::orphans(tx, NOW - DAY, 9).await.unwrap();
        let mut ids: Vec<&str> = found.iter().map(|user| user.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["claims", "entered", "orphan"], "{}", db.name);
    }
}

/// The event that somebody removed a device of that user.
fn removed(user: &str, by: &str) -> events::Row {
    events::Row {
        id: format!("removed-{user}"),
        position: 1,
        at: NOW,
        name: "device.removed".into(),
        user_id: Some(user.into()),
        session_id: None,
        network: String::new(),
        request: String::new(),
        data: format!(r#"{{"by":"{by}","device":"d","kind":"email"}}"#),
        personal: None,
        subject: None,
    }
}

#[tokio::test]
pub(super) async fn of_what_speaks_of_a_user_elsewhere() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        user(tx, "u").await;
        attempts::insert(tx, &attempt("a", Some("u"))).await.unwrap();
        challenges::put(tx, &challenge("1", "attempt/a"), NOW).await.unwrap().either_way();
        challenges::put(tx, &challenge("2", "attempt/b"), NOW).await.unwrap().either_way();
        assert_eq!(challenges::drop_of_attempts(tx, &"u".into()).await.unwrap(), 1, "{}", db.name);
        for id in ["given up", "waits"] {
            let row = outbox::Queued { device_id: Some("d".into()), prefix: "+12025".into(), ..queued(id) };
            outbox::insert(tx, &row).await.unwrap();
        }
        outbox::finish(tx, "given up", &End { state: "failed", ..End::default() }, NOW)
            .await
            .unwrap()
            .either_way();
        assert_eq!(outbox::forget_device(tx, &"d".into()).await.unwrap(), 1);
    }
}
