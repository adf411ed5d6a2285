//! What a clock that was ahead wrote is brought back in every table, and all else stays as it is.

use std::time::Duration;

use multauth::base::clock::{DAY, HOUR, MINUTE};
use multauth::store::attempts::Attempt;
use multauth::store::challenges::Challenge;
use multauth::store::outbox::Queued;
use multauth::store::sessions::Session;
use multauth::store::{
    Store, StoreError, Tx, agreement, ahead, attempts, challenges, changes, devices, events, guesses,
    known_devices, lines, outbox, secrets, sessions, signing_keys, spend, suspensions, trail, users, wishes,
};

use super::rows::{END, NOW, attempt, challenge, device, queued, session, user};
use crate::support::databases::{self, Database};

const FAR: i64 = 3_650 * DAY;

/// Rows of everything that bars somebody or lets them in, made at `at`.
async fn made(tx: &mut Tx, name: &str, at: i64) {
    let life = END - NOW;
    let row = Attempt { created_at: at, expires_at: at + life, ..attempt(name, Some("u")) };
    attempts::insert(tx, &row).await.unwrap();
    let row = Challenge { sent_at: at, expires_at: at + life, ..challenge(name, &format!("attempt/{name}")) };
    challenges::put(tx, &row, at).await.unwrap().either_way();
    guesses::fail(tx, name, "password", at, 1).await.unwrap();
    guesses::count_day(tx, at).await.unwrap();
    wishes::make(tx, name, at + DAY).await.unwrap();
    suspensions::begin(tx, name, at, at + HOUR).await.unwrap().either_way();
    known_devices::insert(tx, &name.into(), &"u".into(), &format!("hash of {name}"), "", at).await.unwrap();
    lines::keep(tx, name, "mobile", at).await.unwrap();
    let row = Queued { created_at: at, expires_at: at + life, lane: name.into(), ..queued(name) };
    outbox::insert(tx, &row).await.unwrap();
    spend::count(tx, name, at.div_euclid(DAY) * DAY, 9).await.unwrap();
    events::insert(
        tx,
        &[events::Row {
            id: name.into(),
            position: at * 1_000,
            at,
            name: "user.created".into(),
            ..events::Row::default()
        }],
    )
    .await
    .unwrap();
    events::queue(tx, &format!("{name} to hook"), "hook", name).await.unwrap();
}

/// Rows of everything that lasts.
async fn lasting(tx: &mut Tx, name: &str, at: i64) {
    users::insert(tx, &users::New::active(&name.into(), "{}"), at).await.unwrap();
    users::set_deleted(tx, &name.into(), at).await.unwrap().either_way();
    let row = devices::Device { created_at: at, confirmed_at: Some(at), ..device(name, name, name, true) };
    devices::insert(tx, &row).await.unwrap();
    secrets::insert(tx, name, &name.into(), secrets::RECOVERY, name, at).await.unwrap();
    let row = Session { created_at: at, expires_at: at + DAY, ..session(name, name) };
    sessions::insert(tx, &row, "[]", &"k".into()).await.unwrap();
    let row = changes::Change { id: name.into(), user_id: name.into(), at, devices: "[]".into() };
    changes::insert(tx, &row).await.unwrap();
}

async fn database(rows: impl AsyncFn(&mut Tx)) -> Vec<Database> {
    let all = databases::migrated().await;
    for db in &all {
        let mut tx = db.store.begin().await.unwrap();
        user(&mut tx, "u").await;
        rows(&mut tx).await;
        tx.commit().await.unwrap();
    }
    all
}

async fn settled(db: &Database) -> bool {
    let (queues, soon) =
        (ahead::queues(&db.store, NOW).await.unwrap(), ahead::soon(&db.store, NOW).await.unwrap());
    queues + soon + ahead::counted(&db.store, NOW).await.unwrap() + ahead::late(&db.store, NOW).await.unwrap()
        == 0
}

#[tokio::test]
async fn what_bars_or_lets_in_counts_as_made_now() {
    let rows = async |tx: &mut Tx| {
        made(tx, "far", NOW + FAR).await;
        made(tx, "now", NOW).await;
    };
    for db in database(rows).await {
        let before = dump(&db.store, "now").await;
        assert_eq!(ahead::late(&db.store, NOW).await.unwrap(), 0, "{}: nothing that lasts", db.name);
        assert!(ahead::queues(&db.store, NOW).await.unwrap() >= 1, "{}", db.name);
        assert!(ahead::soon(&db.store, NOW).await.unwrap() >= 7, "{}", db.name);
        assert_eq!(ahead::counted(&db.store, NOW).await.unwrap(), 2, "{}", db.name);
        assert!(settled(&db).await, "{}: once is enough", db.name);
        assert_eq!(dump(&db.store, "now").await, before, "{}: what was right stays", db.name);
        assert_eq!(dump(&db.store, "far").await, before.replace("now", "far"), "{}", db.name);
        let mut tx = db.store.begin().await.unwrap();
        assert_eq!(guesses::day_count(&mut tx, NOW).await.unwrap(), 2, "{}: nothing is freed", db.name);
        let leased = outbox::lease(&mut tx, "far", (NOW, NOW), NOW + MINUTE, 9).await.unwrap();
        assert_eq!(leased.len(), 1, "{}: it is due", db.name);
        assert_eq!(leased[0].expires_at, END);
    }
}

/// What the judgements see of the rows of that name.
async fn dump(store: &Store, name: &str) -> String {
    let mut tx = store.begin().await.unwrap();
    let tx = &mut tx;
    let attempt = attempts::by_id(tx, &name.into()).await.unwrap().unwrap();
    let sent = challenges::in_scope(tx, &format!("attempt/{name}")).await.unwrap().remove(0);
    let guessed = guesses::of(tx, name, "password").await.unwrap();
    let wished =
        [wishes::holds(tx, name, NOW).await.unwrap(), wishes::holds(tx, name, NOW + DAY).await.unwrap()];
    let suspended = suspensions::of(tx, name).await.unwrap();
    let line = lines::of(tx, name, NOW).await.unwrap();
    let due = outbox::next_due(tx, name, NOW).await.unwrap();
    format!(
        "{:?}",
        (
            (attempt.created_at, attempt.expires_at),
            (sent.sent_at, sent.expires_at),
            guessed,
            wished,
            suspended,
            line,
            due
        )
    )
}

#[tokio::test]
async fn a_lease_and_a_delay_of_a_clock_that_was_ahead_hold_nothing_up() {
    let rows = async |tx: &mut Tx| {
        for name in ["leased", "delayed"] {
            outbox::insert(tx, &Queued { lane: name.into(), ..queued(name) }).await.unwrap();
        }
        outbox::lease(tx, "leased", (NOW + FAR, NOW + FAR), NOW + FAR + MINUTE, 9).await.unwrap();
        outbox::delay(tx, ("delayed", 0), NOW + FAR, "away", "").await.unwrap();
    };
    for db in database(rows).await {
        assert_eq!(ahead::queues(&db.store, NOW).await.unwrap(), 1, "{}", db.name);
        assert_eq!(ahead::leased(&db.store, NOW + FAR).await.unwrap(), 0, "{}: it is under way", db.name);
        assert_eq!(ahead::leased(&db.store, NOW).await.unwrap(), 1, "{}", db.name);
        let mut tx = db.store.begin().await.unwrap();
        for lane in ["leased", "delayed"] {
            assert_eq!(outbox::next_due(&mut tx, lane, NOW).await.unwrap(), Some(NOW), "{}: {lane}", db.name);
        }
    }
}

/// By a clock that was set back nothing ends sooner: it may be the one that is wrong.
#[tokio::test]
async fn what_waits_is_due_by_any_clock_and_good_for_as_long_as_it_was() {
    let rows = async |tx: &mut Tx| made(tx, "far", NOW + FAR).await;
    for db in database(rows).await {
        assert_eq!(ahead::due(&db.store, NOW).await.unwrap(), 2, "{}", db.name);
        assert_eq!(ahead::due(&db.store, NOW).await.unwrap(), 0, "{}: once is enough", db.name);
        let mut tx = db.store.begin().await.unwrap();
        let leased = outbox::lease(&mut tx, "far", (NOW, NOW), NOW + MINUTE, 9).await.unwrap();
        assert_eq!(leased[0].expires_at, END + FAR, "{}", db.name);
    }
}

#[tokio::test]
async fn what_lasts_is_of_now_and_ends_as_much_earlier() {
    let rows = async |tx: &mut Tx| {
        lasting(tx, "far", NOW + FAR).await;
        lasting(tx, "new", NOW).await;
    };
    for db in database(rows).await {
        assert_eq!(ahead::soon(&db.store, NOW).await.unwrap(), 0, "{}", db.name);
        assert_eq!(ahead::late(&db.store, NOW).await.unwrap(), 5, "{}", db.name);
        assert!(settled(&db).await, "{}: once is enough", db.name);
        let mut tx = db.store.begin().await.unwrap();
        let due = users::deleted_before(&mut tx, NOW, 9).await.unwrap();
        assert_eq!(due.len(), 2, "{}: its grace ends with that of the other", db.name);
        assert!(due.iter().all(|user| user.deleted_at == user.disabled_at), "{}", db.name);
        let session = sessions::by_id(&mut tx, &"far".into()).await.unwrap().unwrap();
        let times = (session.created_at, session.rotated_at, session.auth_time, session.expires_at);
        assert_eq!(times, (NOW, NOW, NOW, NOW + DAY), "{}", db.name);
        let device = devices::by_id(&mut tx, &"far".into()).await.unwrap().unwrap();
        assert_eq!((device.created_at, device.confirmed_at), (NOW, Some(NOW)), "{}", db.name);
        assert_eq!(changes::of_user(&mut tx, &"far".into()).await.unwrap()[0].at, NOW, "{}", db.name);
    }
}

#[tokio::test]
async fn keys_come_back_in_the_order_in_which_they_sign() {
    let key = |id: &str, made, active_at| signing_keys::SigningKey {
        id: id.into(),
        algorithm: "ES256".into(),
        private_key: "sealed".into(),
        public_jwk: "{}".into(),
        created_at: made,
        active_at,
        retired_at: None,
    };
    let rows = async |tx: &mut Tx| {
        let ahead = NOW + FAR;
        let newest = key("a", ahead + DAY, ahead + DAY);
        for key in [key("z", ahead, ahead), key("right", NOW - DAY, NOW - DAY), newest.clone()] {
            signing_keys::insert(tx, &key).await.unwrap();
        }
        signing_keys::retire_older(tx, &newest, ahead + 2 * DAY).await.unwrap();
        signing_keys::insert(tx, &key("announced", ahead + DAY, ahead + DAY + HOUR)).await.unwrap();
    };
    for db in database(rows).await {
        assert_eq!(ahead::late(&db.store, NOW).await.unwrap(), 3, "{}", db.name);
        let mut tx = db.store.begin().await.unwrap();
        let all = signing_keys::all(&mut tx, NOW).await.unwrap();
        let all: Vec<_> = all.iter().map(|key| (key.id.as_str(), key.created_at, key.active_at)).collect();
        let expected = [
            ("right", NOW - DAY, NOW - DAY),
            ("z", NOW, NOW - 1),
            ("a", NOW, NOW),
            ("announced", NOW, NOW + HOUR),
        ];
        assert_eq!(all, expected, "{}", db.name);
    }
}

/// Clocks of instances are a little apart, and requests go on meanwhile.
#[tokio::test]
async fn what_is_a_little_ahead_is_left_alone() {
    for (ahead, brought) in [(agreement::FAR, 0), (agreement::FAR + 1, 1)] {
        let rows = async |tx: &mut Tx| {
            guesses::fail(tx, "near", "password", NOW + ahead, 1).await.unwrap();
        };
        for db in database(rows).await {
            assert_eq!(ahead::counted(&db.store, NOW).await.unwrap(), brought, "{}", db.name);
        }
    }
}

/// Where a request has what is to be brought back, it is not waited for as long as requests wait: of two that hold each
/// other up the server would end either.
#[tokio::test]
async fn it_gives_way_to_requests() {
    let rows = async |tx: &mut Tx| {
        suspensions::begin(tx, "far", NOW + FAR, NOW + 2 * FAR).await.unwrap().either_way();
        lines::keep(tx, "far", "mobile", NOW + FAR).await.unwrap();
    };
    for db in database(rows).await.into_iter().filter(|db| db.name == "postgres") {
        let mut tx = db.store.begin().await.unwrap();
        suspensions::begin(&mut tx, "far", NOW + FAR + 1, NOW + FAR + 2).await.unwrap().either_way();
        let gone = tokio::time::timeout(Duration::from_secs(2), ahead::soon(&db.store, NOW)).await;
        assert!(matches!(gone, Ok(Err(StoreError::Busy(_)))), "{gone:?}");
        tx.commit().await.unwrap();
        let mut db = db.store.read().await.unwrap();
        let line = lines::of(&mut db, "far", NOW + 1).await.unwrap();
        assert_eq!(line, None, "what is free is brought back");
    }
}

/// An event keeps its moment and its place, and goes when its time is.
#[tokio::test]
async fn an_event_that_stands_ahead_is_kept_no_longer_for_it() {
    let rows = async |tx: &mut Tx| {
        let row = |id: &str, position: i64, at: i64| events::Row {
            id: id.into(),
            position,
            at,
            ..events::Row::default()
        };
        let all = [
            row("old", (NOW + FAR) * 1_000, NOW - 9),
            row("ahead", (NOW + FAR) * 1_000, NOW + FAR),
            row("right", NOW * 1_000, NOW - 9),
        ];
        events::insert(tx, &all).await.unwrap();
    };
    for db in database(rows).await {
        let mut tx = db.store.begin().await.unwrap();
        assert_eq!(trail::sweep_ahead(&mut tx, NOW - 9, NOW).await.unwrap(), 0, "{}", db.name);
        assert_eq!(trail::sweep_ahead(&mut tx, NOW - 8, NOW).await.unwrap(), 1, "{}", db.name);
        assert!(trail::by_id(&mut tx, "old").await.unwrap().is_none());
    }
}
