//! Deliveries to webhooks, on both databases.

use multauth::store::events::{self, Row};
use multauth::store::webhooks::{self, Leased, Tried};
use multauth::store::{Changed, Tx, sweep};

use super::rows::NOW;
use crate::support::databases;

/// How long a lease is here.
const LEASE: i64 = 1_000;

/// An event, written and queued for `crm`; the delivery is called as the event is. What is about no user is about one
/// identifier.
async fn told(tx: &mut Tx, id: &str, position: i64, user: Option<&str>) {
    let row = Row {
        id: id.into(),
        position,
        at: NOW,
        name: "user.updated".into(),
        user_id: user.map(str::to_owned).map(Into::into),
        session_id: None,
        network: String::new(),
        request: String::new(),
        data: "{}".into(),
        personal: None,
        subject: user.is_none().then(|| "nobody".into()),
    };
    events::insert(tx, &[row]).await.unwrap();
    events::queue(tx, id, "crm", id).await.unwrap();
}

async fn lease(tx: &mut Tx, now: i64) -> Vec<Leased> {
    let mut leased = webhooks::lease(tx, "crm", (now, now), now + LEASE, 8).await.unwrap();
    leased.sort_by(|a, b| a.id.cmp(&b.id));
    leased
}

fn ids(leased: &[Leased]) -> Vec<&str> {
    leased.iter().map(|one| one.id.as_str()).collect()
}

fn tried(leased: &Leased) -> Tried<'_> {
    Tried { id: &leased.id, tries: leased.tries, status: Some(500), problem: Some("answered 500") }
}

#[tokio::test]
pub(super) async fn the_first_of_each_subject_is_leased_and_the_next_when_it_ended() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        for (id, position, user) in [
            ("a1", 1, Some("a")),
            ("a2", 2, Some("a")),
            ("b1", 3, Some("b")),
            ("n1", 4, None),
            ("n2", 5, None),
        ] {
            told(tx, id, position, user).await;
        }
        assert!(webhooks::is_due(tx, "crm", (NOW, NOW)).await.unwrap(), "{}", db.name);
        assert!(!webhooks::is_due(tx, "crm", (NOW - 1, NOW - 1)).await.unwrap());
        assert!(!webhooks::is_due(tx, "other", (NOW, NOW)).await.unwrap());
        let leased = lease(tx, NOW).await;
        assert_eq!(ids(&leased), ["a1", "b1", "n1", "n2"], "{}", db.name);
        assert!(!webhooks::is_due(tx, "crm", (NOW, NOW)).await.unwrap(), "a2 stands behind a1");
        assert!(lease(tx, NOW).await.is_empty());

        let before = Leased { tries: 0, ..leased[0].clone() };
        assert_eq!(webhooks::renew(tx, &before, NOW + 9 * LEASE).await.unwrap(), 0, "an older lease");
        assert_eq!(webhooks::renew(tx, &leased[0], NOW + LEASE).await.unwrap(), 1);
        let older = Tried { tries: 0, ..tried(&leased[0]) };
        assert_eq!(webhooks::finish(tx, &older, "sent", NOW).await.unwrap(), Changed::No, "an older lease");
        assert_eq!(webhooks::delay(tx, &older, NOW + 9).await.unwrap(), Changed::No);
        assert_eq!(webhooks::finish(tx, &tried(&leased[0]), "sent", NOW).await.unwrap(), Changed::Yes);
        assert_eq!(
            webhooks::finish(tx, &tried(&leased[0]), "failed", NOW).await.unwrap(),
            Changed::No,
            "ended once"
        );
        assert_eq!(ids(&lease(tx, NOW).await), ["a2"]);
        assert_eq!(webhooks::count(tx, "crm").await.unwrap(), 4);
        assert_eq!(webhooks::count(tx, "other").await.unwrap(), 0);

        let again = lease(tx, NOW + LEASE).await;
        assert_eq!(ids(&again), ["a2", "b1", "n1", "n2"], "the leases ran out");
        assert!(again.iter().all(|one| one.tries == 2));
    }
}

/// Strangers ask about nobody's identifiers as often as they like: what is told of that keeps no order, so that none of
/// it waits for all that came before.
#[tokio::test]
pub(super) async fn what_is_about_nobody_waits_for_nothing() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        for (id, position) in [("n1", 1), ("n2", 2)] {
            told(tx, id, position, None).await;
            assert_eq!(webhooks::tell(tx, &format!("again {id}"), "new", id, NOW).await.unwrap(), 1);
        }
        assert_eq!(ids(&lease(tx, NOW).await), ["n1", "n2"], "{}", db.name);
        assert_eq!(
            webhooks::lease(tx, "new", (NOW, NOW), NOW + LEASE, 8).await.unwrap().len(),
            2,
            "{}",
            db.name
        );
    }
}

#[tokio::test]
pub(super) async fn one_that_is_put_off_puts_off_what_stands_behind_it_and_what_comes_later() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        told(tx, "a1", 1, Some("a")).await;
        told(tx, "a2", 2, Some("a")).await;
        told(tx, "b1", 3, Some("b")).await;
        let leased = lease(tx, NOW).await;
        assert_eq!(
            webhooks::delay(tx, &tried(&leased[0]), NOW + 50).await.unwrap(),
            Changed::Yes,
            "{}",
            db.name
        );
        assert_eq!(webhooks::put_off(tx, &leased[0], NOW + 50).await.unwrap(), 1, "a2 alone");
        told(tx, "a3", 4, Some("a")).await;
        told(tx, "c1", 5, Some("c")).await;
        assert_eq!(ids(&lease(tx, NOW).await), ["c1"]);
        let rows = webhooks::list(tx, "crm", "queued", "a", 9).await.unwrap();
        let due: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.due_at - NOW)).collect();
        assert_eq!(due, [("a3", 50), ("a2", 50), ("a1", 50)], "{}", db.name);
        assert_eq!((rows[2].status, rows[2].problem.as_deref()), (Some(500), Some("answered 500")));
        assert_eq!(ids(&lease(tx, NOW + 50).await), ["a1"]);
    }
}

#[tokio::test]
pub(super) async fn what_ended_is_listed_counted_and_queued_again() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        for (id, position) in [("a1", 1), ("b1", 2), ("c1", 3)] {
            told(tx, id, position, Some(&id[..1])).await;
        }
        let leased = lease(tx, NOW).await;
        webhooks::finish(tx, &tried(&leased[0]), "failed", NOW + 1).await.unwrap().either_way();
        webhooks::finish(tx, &Tried { problem: None, ..tried(&leased[1]) }, "sent", NOW + 1)
            .await
            .unwrap()
            .either_way();
        let all = webhooks::list(tx, "", "", "", 9).await.unwrap();
        let seen: Vec<_> = all.iter().map(|row| (row.id.as_str(), row.state.as_str())).collect();
        assert_eq!(seen, [("c1", "queued"), ("b1", "sent"), ("a1", "failed")], "{}", db.name);
        assert_eq!(webhooks::list(tx, "other", "", "", 9).await.unwrap().len(), 0);
        assert_eq!(webhooks::list(tx, "crm", "failed", "a", 9).await.unwrap()[0].event, "user.updated");
        let summary = webhooks::summary(tx).await.unwrap().remove(0);
        assert_eq!((summary.queued, summary.failed, summary.oldest), (1, 1, Some(NOW)), "{}", db.name);
        assert_eq!(summary.problem.as_deref(), Some("answered 500"));

        assert_eq!(webhooks::again(tx, "b1", NOW + 2).await.unwrap(), Changed::Yes);
        assert_eq!(webhooks::again(tx, "b1", NOW + 2).await.unwrap(), Changed::No, "it waits");
        assert_eq!(webhooks::failed_again(tx, "other", NOW + 2).await.unwrap(), 0);
        assert_eq!(webhooks::failed_again(tx, "crm", NOW + 2).await.unwrap(), 1);
        let leased = lease(tx, NOW + 2).await;
        assert_eq!(ids(&leased), ["a1", "b1"], "c1 is leased still");
        assert!(leased.iter().all(|one| one.tries == 1 && one.created_at == NOW + 2));

        let since = webhooks::since(tx, (1, ""), 9).await.unwrap();
        assert_eq!(since.len(), 3, "{}: those at the same place are told apart by their id", db.name);
        let since = webhooks::since(tx, (1, "a1"), 9).await.unwrap();
        let seen: Vec<_> = since.iter().map(|event| (event.id.as_str(), event.position)).collect();
        assert_eq!(seen, [("b1", 2), ("c1", 3)]);
        assert_eq!(webhooks::tell(tx, "x", "crm", "b1", NOW).await.unwrap(), 0, "it is queued");
        webhooks::finish(tx, &tried(&leased[1]), "sent", NOW).await.unwrap().either_way();
        assert_eq!(webhooks::tell(tx, "x", "crm", "b1", NOW).await.unwrap(), 1, "again");
        assert_eq!(webhooks::tell(tx, "y", "new", "b1", NOW).await.unwrap(), 1, "for the first time");
        assert_eq!(webhooks::tell(tx, "z", "new", "b1", NOW).await.unwrap(), 0);
        assert_eq!(webhooks::waiting(tx).await.unwrap(), ["crm", "new"], "{}", db.name);
        assert_eq!(
            webhooks::end(tx, "new", NOW - 1, NOW, "removed").await.unwrap(),
            0,
            "not due for so long"
        );
        assert_eq!(webhooks::end(tx, "new", NOW, NOW, "removed").await.unwrap(), 1);
        assert_eq!(webhooks::waiting(tx).await.unwrap(), ["crm"]);
    }
}

#[tokio::test]
pub(super) async fn what_was_sent_goes_after_a_week_and_what_failed_after_a_month() {
    const DAY: i64 = 86_400_000;
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        for (id, position) in [("a1", 1), ("b1", 2), ("c1", 3)] {
            told(tx, id, position, Some(&id[..1])).await;
        }
        let leased = lease(tx, NOW).await;
        webhooks::finish(tx, &tried(&leased[0]), "sent", NOW).await.unwrap().either_way();
        webhooks::finish(tx, &tried(&leased[1]), "failed", NOW).await.unwrap().either_way();
        for (after, left) in
            [(7 * DAY, vec!["a1", "b1", "c1"]), (7 * DAY + 1, vec!["b1", "c1"]), (31 * DAY, vec!["c1"])]
        {
            sweep::once(tx, NOW + after).await.unwrap();
            let mut found = webhooks::list(tx, "", "", "", 9).await.unwrap();
            found.reverse();
            let found: Vec<_> = found.iter().map(|row| row.id.as_str()).collect();
            assert_eq!(found, left, "{}: {after}", db.name);
        }
    }
}
