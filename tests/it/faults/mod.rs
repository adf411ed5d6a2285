//! Faults of what the program stands on, played against the program itself: databases that restart, stall and go silent,
//! Redis, disks, clocks, signals, vendors. `./tests/run faults` plays all of them and prints a table with figures, bounds
//! and verdicts; `./tests/run faults F6b F13` plays these alone. Each ends with what must hold after everything: what
//! was acknowledged is there, and the invariants of `multauth doctor --invariants`.
//!
//! To add a fault: a file here with a function that plays it and gives what was [`Seen`], and a line in [`FAULTS`].
//! A short one that needs nothing but a PostgreSQL goes into [`short`] too, which is part of every run of the tests.

mod cluster;
mod crowd;
mod fail_over;
mod few_connections;
mod half_open;
mod ledger;
mod load;
mod locks;
mod machine;
pub mod proxy;
mod restarts;
mod short;
mod site;
mod slow;
mod sql;
mod table;

use std::pin::Pin;

use table::{End, Row, Seen};

use crate::support::databases::loudly;

/// What playing a fault gives; an error is why it cannot be played here.
type Playing = Pin<Box<dyn Future<Output = Result<Seen, String>> + Send>>;

/// A fault that can be played.
struct Fault {
    name: &'static str,
    /// What happens.
    run: &'static str,
    /// What must hold.
    bound: &'static str,
    play: fn() -> Playing,
}

/// A fault: its name, what happens, what must hold, and the function that plays it.
macro_rules! faults {
    ($(($name:literal, $run:literal, $bound:literal, $play:path)),* $(,)?) => {
        &[$(Fault { name: $name, run: $run, bound: $bound, play: || Box::pin($play()) }),*]
    };
}

const FAULTS: &[Fault] = faults![
    (
        "F5-fast",
        "PostgreSQL restarts under load",
        "0 lost, 503 alone, well 5 s after, no call > 10 s",
        restarts::fast
    ),
    ("F5-immediate", "PostgreSQL crashes under load", "as F5-fast", restarts::immediate),
    ("F5-down", "PostgreSQL is away for 5 s under load", "as F5-fast", restarts::down),
    (
        "F5-stall",
        "PostgreSQL stands still for 10 s",
        "as F5-fast, no session ended as stolen",
        restarts::stall
    ),
    ("F5-longstall", "PostgreSQL stands still for 25 s", "as F5-stall", restarts::long_stall),
    (
        "F6",
        "PostgreSQL answers 2 s late, 40 requests/s on a pool of 10",
        "503 in 2 s, /readyz in 1 s, /healthz p99 50 ms",
        slow::play
    ),
    (
        "F6b-waiting",
        "connections go silent on a full pool, 20 clients wait 60 s",
        "ready again in 15 s",
        half_open::waiting
    ),
    (
        "F6b-leaving",
        "connections go silent on a full pool, 20 clients leave after 1 s",
        "ready again in 15 s",
        half_open::leaving
    ),
    (
        "failover",
        "the database is read-only for 12 s, and back",
        "/readyz true all the while, writable again in 5 s",
        fail_over::long
    ),
    ("lock-users", "table users locked for 22 s", "503 after 5 s, no call > 7 s", locks::users),
    (
        "lock-sessions",
        "table sessions locked for 22 s",
        "503 after 5 s, no call > 7 s, no session ended as stolen",
        locks::sessions
    ),
    (
        "pooler",
        "PgBouncer with 5 connections for 10, all held by others",
        "503 after 2 s, no call longer",
        few_connections::pooler
    ),
    (
        "role",
        "a role with CONNECTION LIMIT 3, a pool of 10, ten sign-ups at once",
        "none refused, the log names the cause",
        few_connections::role
    ),
    (
        "ended",
        "pg_terminate_backend for the whole pool, ten sign-ups at once",
        "no 503",
        few_connections::ended
    ),
];

/// Whether a fault was asked for, by its name or by what stands before its first dash.
fn is_wanted(wanted: &str, name: &str) -> bool {
    let mut words = wanted.split_whitespace().peekable();
    words.peek().is_none() || words.any(|word| word == name || name.split('-').next() == Some(word))
}

async fn played(fault: &Fault) -> Row {
    let end = match tokio::spawn((fault.play)()).await {
        Ok(Ok(seen)) => End::Played(seen),
        Ok(Err(why)) => End::NotTested(why),
        Err(panic) => {
            let mut seen = Seen::default();
            let told = panic.try_into_panic().ok();
            let told =
                told.and_then(|told| told.downcast::<String>().ok()).map_or_else(String::new, |told| *told);
            seen.must(false, format!("it could not be played to its end: {told}"));
            End::Played(seen)
        }
    };
    Row { name: fault.name, run: fault.run, bound: fault.bound, end }
}

/// Plays those that `MULTAUTH_TEST_FAULTS` names, or all, and prints the table.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "many minutes: ./tests/run faults"]
async fn are_played() {
    let wanted = std::env::var("MULTAUTH_TEST_FAULTS").unwrap_or_default();
    for word in wanted.split_whitespace() {
        let known = FAULTS.iter().any(|fault| is_wanted(word, fault.name));
        let names: Vec<_> = FAULTS.iter().map(|fault| fault.name).collect();
        assert!(known, "there is no fault \"{word}\"; there are: {}", names.join(" "));
    }
    let mut rows = Vec::new();
    for fault in FAULTS.iter().filter(|fault| is_wanted(&wanted, fault.name)) {
        loudly(&format!("playing {}: {}", fault.name, fault.run));
        let row = played(fault).await;
        loudly(&row.line());
        rows.push(row);
    }
    let text = table::text(&rows);
    loudly(&format!("\n{text}"));
    if let Ok(file) = std::env::var("MULTAUTH_TEST_FAULTS_TABLE") {
        std::fs::write(file, &text).unwrap();
    }
    assert!(!rows.iter().any(Row::is_fault), "there are faults");
}

#[test]
fn faults_are_named_once_and_chosen_by_name() {
    let mut names: Vec<_> = FAULTS.iter().map(|fault| fault.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FAULTS.len());
    assert!(is_wanted("", "F6b-waiting") && is_wanted("F13 F6b", "F6b-waiting"));
    assert!(is_wanted("F6b-waiting", "F6b-waiting") && !is_wanted("F6", "F6b-waiting"));
}
