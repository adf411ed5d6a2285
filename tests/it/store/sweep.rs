//! The sweep: what is over goes, all else stays.

use multauth::base::clock::{DAY, HOUR};
use multauth::store::attempts::Attempt;
use multauth::store::outbox::End;
use multauth::store::{
    Tx, attempts, challenges, changes, devices, events, guesses, known_devices, outbox, sessions, spend,
    suspensions, sweep, users, webhooks, wishes,
};

use super::rows::{END, NOW, attempt, challenge, device, queued, session, user};
use crate::support::databases;

#[tokio::test]
pub(super) async fn only_what_is_over_is_deleted() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        user(&mut tx, "named").await;
        devices::insert(&mut tx, &device("kept", "named", "ada", true)).await.unwrap();
        for (id, ago) in [("old", 40 * DAY), ("new", 0)] {
            let (made, ended) = (NOW - ago, NOW - ago + 2 * HOUR);
            users::insert(&mut tx, &users::New::active(&format!("nobody {id}").into(), "{}"), made)
                .await
                .unwrap();
            let claim = device(&format!("claim {id}"), "named", id, false);
            devices::insert(&mut tx, &devices::Device { created_at: made, ..claim }).await.unwrap();
            let replaced = format!("replaced {id}");
            devices::insert(&mut tx, &device(&replaced, "named", &replaced, true)).await.unwrap();
            devices::hide(&mut tx, &replaced.as_str().into(), &"named".into(), made)
                .await
                .unwrap()
                .either_way();
            changes::insert(&mut tx, &change(id, made)).await.unwrap();
            let mut row = attempt(id, Some("named"));
            row.expires_at = ended;
            attempts::insert(&mut tx, &row).await.unwrap();
            let mut row = challenge(id, &format!("attempt/{id}"));
            row.expires_at = ended;
            challenges::put(&mut tx, &row, NOW).await.unwrap().either_way();
            let mut row = session(id, "named");
            row.expires_at = ended;
            sessions::insert(&mut tx, &row, "[]", &"k".into()).await.unwrap();
            outbox::insert(&mut tx, &queued(id)).await.unwrap();
            let end = End { state: "sent", ..End::default() };
            outbox::finish(&mut tx, id, &end, made).await.unwrap().either_way();
            guesses::fail(&mut tx, id, "password", made, 1).await.unwrap();
            guesses::count_day(&mut tx, made).await.unwrap();
            known_devices::insert(
                &mut tx,
                &format!("known {id}").into(),
                &"named".into(),
                id,
                "",
                made - 150 * DAY,
            )
            .await
            .unwrap();
            suspensions::begin(&mut tx, id, made, ended).await.unwrap().either_way();
            wishes::make(&mut tx, id, ended).await.unwrap();
            spent(&mut tx, id, made).await;
        }
        told(&mut tx).await;
        // A message that waits is never over by itself, however old it is.
        outbox::insert(&mut tx, &queued("waiting")).await.unwrap();
        let gone = sweep::once(&mut tx, NOW).await.unwrap();
        let windows = |table: &str| if table == "spend" { spend::WINDOWS as u64 } else { 1 };
        assert!(gone.iter().all(|(table, rows)| *rows == windows(table)), "{}: {gone:?}", db.name);
        assert_eq!(gone.len(), 15, "{gone:?}");
        let again = sweep::once(&mut tx, NOW).await.unwrap();
        assert!(again.iter().all(|(_, rows)| *rows == 0), "{}: {again:?}", db.name);
        tx.commit().await.unwrap();
        for (left, sql) in [
            (3, "SELECT COUNT(*) FROM users"),
            (3, "SELECT COUNT(*) FROM devices"),
            (1, "SELECT COUNT(*) FROM attempts WHERE id = 'new'"),
            (1, "SELECT COUNT(*) FROM challenges WHERE id = 'new'"),
            (1, "SELECT COUNT(*) FROM sessions WHERE id = 'new'"),
            (2, "SELECT COUNT(*) FROM outbox"),
            (1, "SELECT COUNT(*) FROM known_devices WHERE id = 'known new'"),
            (1, "SELECT COUNT(*) FROM guesses WHERE subject = 'new'"),
            (1, "SELECT COUNT(*) FROM device_changes WHERE id = 'new'"),
            (1, "SELECT COUNT(*) FROM guess_days"),
            (4, "SELECT COUNT(*) FROM spend"),
            (1, "SELECT COUNT(*) FROM suspensions WHERE prefix = 'new'"),
        ] {
            assert_eq!(db.number(sql).await, left, "{}: {sql}", db.name);
        }
    }
}

fn change(id: &str, at: i64) -> changes::Change {
    changes::Change { id: id.into(), user_id: "named".into(), at, devices: "[]".into() }
}

/// Events that a webhook took, or did not, long ago.
async fn told(tx: &mut Tx) {
    for (n, state) in ["sent", "failed"].into_iter().enumerate() {
        let row = events::Row {
            id: state.into(),
            position: i64::try_from(n).unwrap(),
            at: NOW - 40 * DAY,
            name: "user.updated".into(),
            user_id: None,
            session_id: None,
            network: String::new(),
            request: String::new(),
            data: "{}".into(),
            personal: None,
            subject: None,
        };
        events::insert(tx, &[row]).await.unwrap();
        events::queue(tx, state, "crm", state).await.unwrap();
        let tried = webhooks::Tried { id: state, tries: 0, status: None, problem: None };
        webhooks::finish(tx, &tried, state, NOW - 40 * DAY).await.unwrap().either_way();
    }
}

/// A message to a phone.
async fn spent(tx: &mut Tx, country: &str, at: i64) {
    let most = i64::MAX;
    let caps = spend::Caps {
        hour: most,
        day: most,
        country_hour: most,
        country_day: most,
        hour_money: most,
        day_money: most,
        country_day_money: most,
    };
    let charge =
        spend::Charge { apart: "", country, hour: at, day: at, cost: 1, leaves: true, counts: true, caps };
    assert_eq!(spend::charge(tx, &charge).await.unwrap().len(), spend::WINDOWS);
}

#[tokio::test]
pub(super) async fn a_thousand_rows_go_at_a_time() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        for n in 0..1_001 {
            attempts::insert(&mut tx, &attempt(&n.to_string(), None)).await.unwrap();
        }
        let mut gone = Vec::new();
        for now in [NOW + DAY; 3] {
            gone.push(sweep::once(&mut tx, now).await.unwrap()[0]);
        }
        assert_eq!(gone, [("attempts", 1_000), ("attempts", 1), ("attempts", 0)], "{}", db.name);
    }
}

#[tokio::test]
pub(super) async fn a_signin_that_passed_a_secret_waits_a_day_for_its_owner_to_be_told() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        user(&mut tx, "u").await;
        let passed = Attempt { passed: "[1]".into(), ..attempt("a", Some("u")) };
        attempts::insert(&mut tx, &passed).await.unwrap();
        for (now, rows) in [(END + DAY, 0), (END + DAY + 1, 1)] {
            let gone = sweep::once(&mut tx, now).await.unwrap()[0];
            assert_eq!(gone, ("attempts", rows), "{}", db.name);
        }
    }
}
