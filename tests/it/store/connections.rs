//! Connections to PostgreSQL: what is dead, silent, read-only or not to be had, and what that costs others.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use multauth::base::Clock;
use multauth::base::clock::{HOUR, Steady};
use multauth::store::agreement::{self, Agreement, Word};
use multauth::store::{self, Db, Exec, Store, StoreError, capacity, facts};

use crate::support::proxy::Proxy;
use crate::support::scratch::Scratch;

const SECOND: Duration = Duration::from_secs(1);

/// An empty database, brought up to date.
async fn scratch() -> Option<Scratch> {
    let database = Scratch::make().await?;
    store::migrate(&Store::open(&database.url, 1).await.unwrap()).await.unwrap();
    Some(database)
}

async fn read(store: &Store) -> store::Result<()> {
    facts::get(&mut store.read().await?, "a").await.map(drop)
}

async fn write(store: &Store) -> store::Result<()> {
    let mut tx = store.begin().await?;
    facts::put(&mut tx, "a", "b").await?;
    tx.commit().await
}

/// The first column of the first row of what is asked outside of the store's own statements.
async fn text(db: &mut impl Db, sql: &'static str) -> String {
    let Exec::Postgres(conn) = db.exec() else { panic!("PostgreSQL alone is tested here") };
    sqlx::query_scalar(sql).fetch_one(conn).await.unwrap()
}

const END_ALL: &str = "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// What was cut before anything was said on it is tried again on another connection.
#[tokio::test]
async fn cut_connections_fail_nobody() {
    let Some(database) = scratch().await else { return };
    let (store, other) =
        (Store::open(&database.url, 10).await.unwrap(), Store::open(&database.url, 1).await.unwrap());
    for (round, writing) in [true, false, true, false].into_iter().enumerate() {
        // Ten that are warm: all are held at once.
        let warm = join_all((0..10).map(|_| store.read())).await;
        assert!(warm.iter().all(Result::is_ok));
        drop(warm);
        assert_eq!(text(&mut other.read().await.unwrap(), END_ALL).await, "10", "{round}");
        let outcomes = if writing {
            join_all((0..10).map(|_| write(&store))).await
        } else {
            join_all((0..10).map(|_| read(&store))).await
        };
        for outcome in outcomes {
            outcome.unwrap();
        }
    }
}

/// A role that may have three: ten requests are served by three connections, and nobody waits for a fourth.
#[tokio::test]
async fn fewer_connections_than_asked_for_go_round() {
    let Some(database) = scratch().await else { return };
    let role = format!("few_{}", uuid());
    database.run(format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 3")).await;
    database.run(format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")).await;
    let mut url = url::Url::parse(&database.url).unwrap();
    url.set_username(&role).unwrap();
    let store = Store::open(url.as_str(), 10).await.unwrap();
    assert_eq!(capacity::of(&store).await.unwrap(), Some(3));
    let told = capacity::shortage(&store, 10).await.unwrap().unwrap();
    assert!(told.contains("is 10") && told.contains("have 3"), "{told}");
    assert_eq!(capacity::shortage(&store, 3).await.unwrap(), None);
    for _ in 0..3 {
        let began = Instant::now();
        for outcome in join_all((0..10).map(|_| write(&store))).await {
            outcome.unwrap();
        }
        assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
    }
    // With all three in use elsewhere, the cause is named.
    let held = join_all((0..3).map(|_| store.read())).await;
    let outcome = store::patience::within(SECOND / 4, SECOND, read(&store)).await;
    assert!(matches!(&outcome, Err(StoreError::NoConnection(why)) if why.contains(&role)), "{outcome:?}");
    drop((held, store));
    database
        .run(format!("REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}

/// The level of isolation is ours, whatever the database's own is.
#[tokio::test]
async fn a_transaction_sees_what_is_committed() {
    let Some(database) = scratch().await else { return };
    for level in ["serializable", "repeatable read"] {
        database.set("default_transaction_isolation", &format!("'{level}'")).await;
        let store = Store::open(&database.url, 1).await.unwrap();
        const SHOW: &str = "SELECT current_setting('transaction_isolation')";
        assert_eq!(text(&mut store.begin().await.unwrap(), SHOW).await, "read committed");
        assert_eq!(text(&mut store.read().await.unwrap(), SHOW).await, "read committed");
    }
}

/// A standby, or what was made one: writes are refused in its words, what is read is read, and once there is one that
/// takes writes it is found, on connections that were opened meanwhile too.
#[tokio::test]
async fn what_was_read_only_does_not_stay() {
    let Some(database) = scratch().await else { return };
    let store = Store::open(&database.url, 4).await.unwrap();
    write(&store).await.unwrap();
    database.set("default_transaction_read_only", "on").await;
    text(&mut Store::open(&database.url, 1).await.unwrap().read().await.unwrap(), END_ALL).await;
    for _ in 0..4 {
        assert!(matches!(write(&store).await, Err(StoreError::ReadOnly(_))));
        read(&store).await.unwrap();
    }
    database.set("default_transaction_read_only", "off").await;
    let began = Instant::now();
    while write(&store).await.is_err() {
        assert!(began.elapsed() < 3 * SECOND, "it takes writes again, and nobody notices");
        tokio::time::sleep(SECOND / 20).await;
    }
}

/// Who waits for a lock is told so at the deadline, by the server's own word, and the connection is good for more.
#[tokio::test]
async fn a_lock_is_waited_for_until_the_deadline() {
    let Some(database) = scratch().await else { return };
    let holder = Store::open(&database.url, 1).await.unwrap();
    let store = Store::open_within(&database.url, 2, SECOND).await.unwrap();
    let mut tx = holder.begin().await.unwrap();
    let Exec::Postgres(conn) = tx.exec() else { unreachable!() };
    sqlx::raw_sql("LOCK TABLE facts IN ACCESS EXCLUSIVE MODE").execute(conn).await.unwrap();
    let began = Instant::now();
    let (reading, writing) = tokio::join!(read(&store), write(&store));
    assert!(matches!(reading, Err(StoreError::Busy(_))), "{reading:?}");
    assert!(matches!(writing, Err(StoreError::Busy(_))), "{writing:?}");
    assert!(began.elapsed() < 2 * SECOND, "{:?}", began.elapsed());
    drop(tx);
    write(&store).await.unwrap();
    read(&store).await.unwrap();
}

/// A pool of one, whose connection goes silent: whoever uses it is told at the deadline, or leaves before, and the next
/// has a new one.
#[tokio::test]
async fn a_silent_connection_is_given_up() {
    let Some(database) = scratch().await else { return };
    let (proxy, through) = Proxy::before(&database.url).await;
    let store = Store::open_within(&through, 1, SECOND).await.unwrap();
    for leaving in [false, true, false] {
        write(&store).await.unwrap();
        proxy.go_half_open();
        let began = Instant::now();
        if leaving {
            let left = tokio::time::timeout(SECOND / 10, read(&store)).await;
            assert!(left.is_err());
        } else {
            assert!(matches!(read(&store).await, Err(StoreError::Silent)));
        }
        read(&store).await.unwrap();
        write(&store).await.unwrap();
        assert!(began.elapsed() < 2 * SECOND, "{:?}", began.elapsed());
    }
    // One that rests when it goes silent is found out by who takes it next, which costs them a second and no answer.
    proxy.go_half_open();
    tokio::time::sleep(SECOND + SECOND / 10).await;
    write(&store).await.unwrap();
}

/// A transaction that was not answered leaves no lock behind: the server ends it too.
#[tokio::test]
async fn the_server_gives_up_what_fell_silent() {
    let Some(database) = scratch().await else { return };
    let (proxy, through) = Proxy::before(&database.url).await;
    let store = Store::open_within(&through, 1, SECOND).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    facts::put(&mut tx, "a", "held").await.unwrap();
    proxy.go_half_open();
    let other = Store::open(&database.url, 1).await.unwrap();
    write(&other).await.unwrap();
    assert!(matches!(facts::put(&mut tx, "a", "late").await, Err(StoreError::Silent)));
}

/// A commit that is not answered is not broken off, and its place is somebody else's.
#[tokio::test]
async fn a_commit_is_never_cut() {
    let Some(database) = scratch().await else { return };
    let (proxy, through) = Proxy::before(&database.url).await;
    let store = Store::open_within(&through, 1, SECOND).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    facts::put(&mut tx, "late", "b").await.unwrap();
    proxy.delay(3 * SECOND);
    let began = Instant::now();
    let Err(StoreError::Unanswered(later)) = tx.commit().await else { panic!("it was answered") };
    assert!(began.elapsed() < 5 * SECOND / 2, "{:?}", began.elapsed());
    proxy.delay(Duration::ZERO);
    write(&store).await.unwrap();
    let other = Store::open(&database.url, 1).await.unwrap();
    assert_eq!(facts::get(&mut other.read().await.unwrap(), "late").await.unwrap().as_deref(), Some("b"));
    assert!(later.is_kept().await, "whoever wants to is told once it is known");
}

/// As many as there are places go on beside them; further ones keep theirs, so that the server is not filled with them.
#[tokio::test]
async fn commits_that_nobody_waits_for_are_bounded() {
    let Some(database) = scratch().await else { return };
    let (proxy, through) = Proxy::before(&database.url).await;
    let store = Store::open_within(&through, 1, SECOND).await.unwrap();
    for strays in [true, false] {
        let mut tx = store.begin().await.unwrap();
        facts::put(&mut tx, &format!("stray {strays}"), "b").await.unwrap();
        proxy.go_half_open();
        assert!(matches!(tx.commit().await, Err(StoreError::Unanswered(_))));
        let next = store::patience::within(SECOND / 2, SECOND, read(&store)).await;
        assert_eq!(next.is_ok(), strays, "{next:?}");
    }
}

/// What an instance found out about the database's clock stands in the database: those that are started later go by it.
#[tokio::test]
async fn the_line_of_time_is_one_for_all_instances() {
    let Some(database) = scratch().await else { return };
    let store = Store::open(&database.url, 2).await.unwrap();
    let steady = Steady::fixed();
    let agreement = || Agreement::new(Clock::System, steady.clone());
    let (one, other) = (agreement(), agreement());
    for agreement in [&one, &other, &one] {
        agreement.look(&store).await.unwrap();
    }
    // An hour that the clock which is never set knows nothing of.
    steady.advance(-HOUR);
    one.look(&store).await.unwrap();
    let late = agreement();
    late.look(&store).await.unwrap();
    let now = Clock::System.now();
    for agreement in [&one, &other, &late] {
        assert!((now - HOUR - agreement.believed()).abs() < 2_000, "{agreement:?}");
    }
    assert_eq!([one.is_settled(), late.is_settled()], [false; 2]);
    other.look(&store).await.unwrap();
    assert!(!other.is_settled() && (now - HOUR - other.believed()).abs() < 2_000, "{other:?}");
}

/// Nobody knows when what came late was said.
#[tokio::test]
async fn a_slow_word_of_the_databases_clock_changes_nothing() {
    let Some(database) = scratch().await else { return };
    let (proxy, through) = Proxy::before(&database.url).await;
    let store = Store::open(&through, 1).await.unwrap();
    let steady = Steady::fixed();
    let agreement = Agreement::new(Clock::System, steady.clone());
    agreement.look(&store).await.unwrap();
    agreement.look(&store).await.unwrap();
    let kept = async || facts::get(&mut store.read().await.unwrap(), "clock").await.unwrap();
    let before = (kept().await, agreement.theirs());
    assert!(before.0.is_some());
    proxy.delay(SECOND / 10);
    let mut passed = 0;
    let mut looking = std::pin::pin!(agreement.look(&store));
    let word = loop {
        tokio::select! {
            word = &mut looking => break word.unwrap(),
            () = tokio::time::sleep(SECOND / 100) => {
                steady.advance(HOUR);
                passed += HOUR;
            }
        }
    };
    assert!(passed > 0 && matches!(word, Word::Apart(_)), "{word:?}");
    proxy.delay(Duration::ZERO);
    steady.advance(-passed);
    assert_eq!((kept().await, agreement.theirs()), before);
    assert!(agreement.is_settled());
}

/// The database's clock is asked, and told from ours.
#[tokio::test]
async fn the_databases_clock_is_about_ours() {
    let sqlite = crate::support::databases::sqlite().await;
    assert_eq!(agreement::now(&sqlite.store).await.unwrap(), None);
    let Some(database) = scratch().await else { return };
    let store = Store::open(&database.url, 1).await.unwrap();
    let agreement = Agreement::new(Clock::System, Steady::default());
    assert_eq!(agreement.look(&store).await.unwrap(), Word::Agrees);
    for said in [agreement.shared(), agreement.theirs()] {
        assert!((said - Clock::System.now()).abs() < 1_000, "{agreement:?}");
    }
    let moved = Agreement::new(Clock::fixed(5), Steady::fixed());
    assert_eq!(moved.look(&store).await.unwrap(), Word::None);
    assert_eq!((moved.shared(), moved.theirs()), (5, 5));
}

/// Three words for three causes.
#[tokio::test]
async fn what_cannot_be_reached_is_not_called_busy() {
    let Some(database) = scratch().await else { return };
    let (proxy, through) = Proxy::before(&database.url).await;
    let store = Store::open(&through, 1).await.unwrap();
    let held = store.read().await.unwrap();
    let busy = store::patience::within(SECOND / 10, SECOND, read(&store)).await;
    assert!(matches!(busy, Err(StoreError::Busy(_))), "{busy:?}");
    drop(held);
    proxy.refuse(true);
    proxy.cut();
    let gone = store::patience::within(SECOND / 2, SECOND, read(&store)).await;
    assert!(matches!(gone, Err(StoreError::Unreachable(_) | StoreError::Lost(_))), "{gone:?}");
    let gone = store::patience::within(SECOND / 2, SECOND, read(&store)).await;
    assert!(matches!(gone, Err(StoreError::Unreachable(_))), "{gone:?}");
    proxy.refuse(false);
    read(&store).await.unwrap();
}

/// What PostgreSQL would undo, and call committed.
#[tokio::test]
async fn a_transaction_of_which_a_statement_failed_is_not_told_as_kept() {
    let Some(database) = scratch().await else { return };
    let store = Store::open(&database.url, 2).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    facts::put(&mut tx, "a", "b").await.unwrap();
    for (name, kept) in [("one", true), ("two", false)] {
        let row = store::api_keys::insert(&mut tx, "k", name, name, "verify", 0).await;
        assert_eq!(row.is_ok(), kept, "{row:?}");
    }
    let committed = tx.commit().await;
    assert!(matches!(committed, Err(StoreError::Commit(_))), "{committed:?}");
    assert_eq!(facts::get(&mut store.read().await.unwrap(), "a").await.unwrap(), None);
}

/// Of several hosts, those that refuse are passed over, however many they are.
#[tokio::test]
async fn hosts_that_are_gone_are_passed_over() {
    let Some(database) = scratch().await else { return };
    let (gone, through) = Proxy::before(&database.url).await;
    gone.refuse(true);
    let (first, second) = (url::Url::parse(&through).unwrap(), url::Url::parse(&database.url).unwrap());
    let host = |url: &url::Url| format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let all = format!("{},", host(&first)).repeat(20) + &host(&second);
    let store = Store::open(&database.url.replace(&host(&second), &all), 2).await.unwrap();
    write(&store).await.unwrap();
}

fn uuid() -> String {
    multauth::base::Random::System.uuid().replace('-', "")
}
