//! Events, on both databases.

use multauth::events::{Follower, OVERLAP};
use multauth::store::Tx;
use multauth::store::events::{self, Row};
use multauth::store::trail::{self, Wanted};

use super::rows::{NOW, user};
use crate::support::databases;

/// The first events of a user from a position on.
async fn of(tx: &mut Tx, user: &str, position: i64) -> Vec<Row> {
    let wanted = Wanted { user: Some(user.into()), name: "%".into(), since: 0, until: i64::MAX };
    trail::after(tx, &wanted, (position, ""), 10).await.unwrap()
}

fn event(id: &str, position: i64, user: Option<&str>) -> Row {
    Row {
        id: id.into(),
        position,
        at: NOW,
        name: "user.updated".into(),
        user_id: user.map(str::to_owned).map(Into::into),
        session_id: None,
        network: "203.0.113.0/24".into(),
        request: String::new(),
        data: "{}".into(),
        personal: None,
        subject: None,
    }
}

#[tokio::test]
pub(super) async fn events_of_one_user_stand_in_order_whatever_the_clocks_say() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        user(tx, "u").await;
        let many: Vec<Row> = (0..11).map(|n| event(&format!("a{n:02}"), 1_000 + n, Some("u"))).collect();
        events::insert(tx, &many).await.unwrap();
        // Another instance, whose clock is behind, and somebody else.
        let late = [event("b", 5, Some("u")), event("c", 6, Some("u")), event("d", 7, None)];
        events::insert(tx, &late).await.unwrap();
        events::insert(tx, &[]).await.unwrap();
        let found = of(tx, "u", 1_009).await;
        let ids: Vec<&str> = found.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["a09", "a10", "b", "c"], "{}", db.name);
        assert_eq!(found[1], many[10]);
        events::queue(tx, "q", "crm", "d").await.unwrap();
    }
}

fn wanted(user: Option<&str>, name: &str) -> Wanted {
    Wanted { user: user.map(str::to_owned).map(Into::into), name: name.into(), since: 0, until: i64::MAX }
}

fn ids(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

/// Events at `NOW`, `NOW + 1` and so on: of `u`, of nobody, of `u` with another name.
async fn three(tx: &mut Tx) -> [Row; 3] {
    let mut rows = [event("a", 0, Some("u")), event("b", 0, None), event("c", 0, Some("u"))];
    for (n, row) in (0..).zip(&mut rows) {
        (row.at, row.position) = (NOW + n, (NOW + n) * 1_000);
    }
    rows[2].name = "signin.failed".into();
    rows[2].personal = Some("{}".into());
    events::insert(tx, &rows).await.unwrap();
    rows
}

#[tokio::test]
pub(super) async fn the_trail_is_paged_and_narrowed_by_user_name_and_time() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        let rows = three(tx).await;
        let all = wanted(None, "%");
        assert_eq!(trail::latest(tx, &all, 10).await.unwrap(), rows, "{}", db.name);
        assert_eq!(ids(&trail::latest(tx, &all, 2).await.unwrap()), ["b", "c"]);
        assert_eq!(ids(&trail::after(tx, &all, (-1, ""), 2).await.unwrap()), ["a", "b"]);
        let place = (rows[1].position, rows[1].id.as_str());
        assert_eq!(ids(&trail::after(tx, &all, place, 2).await.unwrap()), ["c"]);
        for (narrow, left) in [
            (wanted(Some("u"), "%"), vec!["a", "c"]),
            (wanted(Some("v"), "%"), vec![]),
            (wanted(None, "user.%"), vec!["a", "b"]),
            (wanted(Some("u"), "signin.failed"), vec!["c"]),
            (Wanted { since: NOW + 1, ..wanted(None, "%") }, vec!["b", "c"]),
            (Wanted { until: NOW + 1, ..wanted(Some("u"), "%") }, vec!["a"]),
        ] {
            assert_eq!(ids(&trail::latest(tx, &narrow, 10).await.unwrap()), left, "{narrow:?}");
            assert_eq!(ids(&trail::after(tx, &narrow, (-1, ""), 10).await.unwrap()), left, "{narrow:?}");
        }
        assert_eq!(trail::by_id(tx, "c").await.unwrap().as_ref(), Some(&rows[2]));
        assert!(trail::by_id(tx, "d").await.unwrap().is_none());
    }
}

#[tokio::test]
pub(super) async fn old_events_go_unless_a_webhook_still_waits_for_them() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        three(tx).await;
        events::queue(tx, "q", "crm", "a").await.unwrap();
        assert_eq!(trail::sweep(tx, NOW).await.unwrap(), 0, "nothing is old yet");
        assert_eq!(trail::sweep(tx, NOW + 2).await.unwrap(), 1, "{}", db.name);
        assert_eq!(ids(&trail::latest(tx, &wanted(None, "%"), 10).await.unwrap()), ["a", "c"]);
        let many: Vec<Row> = (0..1_001).map(|n| event(&format!("m{n}"), 1_000 + n, None)).collect();
        events::insert(tx, &many).await.unwrap();
        let gone = [trail::sweep(tx, NOW).await.unwrap(), trail::sweep(tx, NOW).await.unwrap()];
        assert_eq!(gone, [1_000, 1], "a thousand at a time");
    }
}

#[tokio::test]
pub(super) async fn what_is_about_nobody_goes_sooner_and_is_looked_at_once() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        user(tx, "u").await;
        let failed =
            |id: &str, position, user| Row { name: "signin.failed".into(), ..event(id, position, user) };
        let mut rows: Vec<Row> = (0..1_001).map(|n| failed(&format!("n{n}"), 1_000 + n, None)).collect();
        rows.push(failed("of somebody", 3_000, Some("u")));
        rows.push(failed("never made", 3_001, Some("v")));
        rows.push(failed("of somebody who is gone", 3_002, Some("w")));
        rows.push(event("who was made", 3_003, Some("w")));
        rows.push(failed("still to be told", 3_004, None));
        rows.push(failed("young", 10_000, None));
        events::insert(tx, &rows).await.unwrap();
        events::queue(tx, "q", "crm", "still to be told").await.unwrap();
        let mut gone = Vec::new();
        for _ in 0..3 {
            gone.push(trail::sweep_nobody(tx, 10).await.unwrap());
        }
        assert_eq!(gone, [(1_000, true), (2, true), (0, false)], "{}", db.name);
        let left = trail::latest(tx, &wanted(None, "%"), 10).await.unwrap();
        let kept = ["of somebody", "of somebody who is gone", "who was made", "still to be told", "young"];
        assert_eq!(ids(&left), kept, "{}", db.name);
        assert_eq!(trail::sweep_nobody(tx, 11).await.unwrap(), (1, true), "{}", db.name);
    }
}

/// Transactions end in another order than they begin, and clocks differ.
#[tokio::test]
pub(super) async fn a_follower_gives_each_event_once_however_late_it_appears() {
    for db in databases::migrated().await {
        let mut early = event("early", NOW * 1_000 - 1, Some("u"));
        let mut tx = db.store.begin().await.unwrap();
        events::insert(&mut tx, &[early.clone()]).await.unwrap();
        tx.commit().await.unwrap();
        let mut reader = db.store.read().await.unwrap();
        let mut follower = Follower::new(&mut reader, wanted(None, "%"), NOW).await.unwrap();
        assert!(follower.poll(&mut reader, NOW).await.unwrap().is_empty(), "what was there is not new");
        let mut seen = Vec::new();
        for (id, ahead) in [("a", 5_000), ("b", 1_000), ("c", OVERLAP * 500), ("d", 2_000), ("e", -1_000)] {
            early.id = id.into();
            early.user_id = None;
            early.position = NOW * 1_000 + ahead;
            let mut tx = db.store.begin().await.unwrap();
            events::insert(&mut tx, &[early.clone()]).await.unwrap();
            tx.commit().await.unwrap();
            for _ in 0..2 {
                let new = follower.poll(&mut reader, NOW + 1).await.unwrap();
                seen.extend(new.into_iter().map(|row| row.id));
            }
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e"], "{}", db.name);
        let many: Vec<Row> = (0..2_500).map(|n| event(&format!("m{n:04}"), NOW * 1_000 + n, None)).collect();
        let mut tx = db.store.begin().await.unwrap();
        events::insert(&mut tx, &many).await.unwrap();
        tx.commit().await.unwrap();
        let new = follower.poll(&mut reader, NOW + 2).await.unwrap();
        assert_eq!(new.len(), many.len(), "more than are read at a time");
    }
}

#[tokio::test]
pub(super) async fn what_is_forgotten_leads_to_nobody() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        let whole = |id: &str, user: &str| Row {
            session_id: Some("s".into()),
            request: "r".into(),
            personal: Some("{}".into()),
            subject: None,
            ..event(id, 1, Some(user))
        };
        events::insert(tx, &[whole("a", "u"), whole("b", "v")]).await.unwrap();
        assert_eq!(events::forget(tx, &"u".into()).await.unwrap(), 1, "{}", db.name);
        let row = of(tx, "u", 0).await.remove(0);
        assert_eq!(
            (row.personal, row.session_id, row.network.as_str(), row.request.as_str()),
            (None, None, "", "")
        );
        assert_eq!((row.name.as_str(), row.at), ("user.updated", NOW));
        assert!(of(tx, "v", 0).await[0].personal.is_some());
    }
}
