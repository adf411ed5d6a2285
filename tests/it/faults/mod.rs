//! Faults of what the program stands on, played against the program itself: databases that restart, stall and go
//! silent, Redis, disks, clocks, signals, vendors. `./tests/run faults` plays all of them and prints a table with
//! figures, bounds and verdicts; `./tests/run faults F6b F13` plays these alone. Each ends with what must hold after
//! everything: what was acknowledged is there, and the invariants of `multauth doctor --invariants`.
//!
//! To add a fault: a file here with a function that plays it and gives what was [`Seen`], and a line in [`FAULTS`].
//! A short one that needs nothing but a PostgreSQL goes into [`short`] too, which is part of every run of the tests.

mod broken_calls;
mod clocks;
mod cluster;
mod crowd;
mod fail_over;
mod few_connections;
mod full_disk;
mod half_open;
mod junk;
mod ledger;
mod load;
mod locks;
mod machine;
mod migrations;
mod redis_faults;
mod restarts;
mod short;
mod site;
mod slow;
mod sql;
mod standby;
mod stops;
mod table;
mod unanswered;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::FutureExt;
use table::{End, Row, Seen};

use crate::support::databases::loudly;

/// What playing a fault gives; an error is why it cannot be played here.
type Playing = Pin<Box<dyn Future<Output = Result<Seen, String>>>>;

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
    ("F5-cut", "connections are cut, and none taken for 3 s, under load", "as F5-fast", restarts::cut),
    (
        "F5-stall",
        "PostgreSQL stands still for 10 s",
        "as F5-fast, no session ended as stolen",
        restarts::stall
    ),
    ("F5-longstall", "PostgreSQL stands still for 25 s", "as F5-stall", restarts::long_stall),
    ("F5-commits", "no commit is answered for 15 s", "as F5-stall", restarts::commits),
    (
        "F5-reads",
        "... of 24 refreshes at once",
        "others are read meanwhile, 24 sessions live",
        unanswered::play
    ),
    (
        "F6",
        "PostgreSQL answers 2 s late, 40 requests/s on a pool of 10",
        "503 in 2 s, no call > 10 s, /readyz in 1 s, /healthz p99 50 ms",
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
    (
        "standby",
        "the primary crashes under load, its standby is promoted 2 s later",
        "as F5-fast",
        standby::promoted
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
    (
        "F7-restart",
        "Redis restarts twice under load",
        "no failure, p99 500 ms, guesses bounded",
        redis_faults::restart
    ),
    ("F7-flush", "Redis is emptied twice under load", "as F7-restart", redis_faults::flush),
    ("F7-stall", "Redis stands still for 8 s", "as F7-restart", redis_faults::stall),
    ("F7-gone", "Redis is away for 6 s", "as F7-restart", redis_faults::gone),
    (
        "F7-never",
        "Redis was not there at the start",
        "ready in 5 s, no failure, half of each limit",
        redis_faults::never
    ),
    ("F7-dumb", "Redis takes connections and never answers", "as F7-never", redis_faults::dumb),
    (
        "F12",
        "the disk of SQLite is full for 8 s",
        "writes 503, reads 200, /readyz 503; a sign-up 5 s after there is room",
        full_disk::play
    ),
    (
        "F13-tokens",
        "the clock jumps by 1 h, a day, 10 years, and back",
        "no panic, new tokens are good",
        clocks::tokens
    ),
    ("F13-codes", "... with codes that are spent, dead, refused as over", "none lives again", clocks::codes),
    (
        "F13-guesses",
        "... with four wrong guesses there, or before",
        "the right password waits 30 s, then passes",
        clocks::guesses
    ),
    ("F13-upkeep", "... over an upkeep", "nothing swept, counted, keys rotate after +91 d", clocks::upkeep),
    (
        "F17",
        "SIGTERM under load on 16 kept connections",
        "no call broken off, exit code 0, /readyz 503 first",
        stops::play
    ),
    ("F19-sqlite", "a migration is killed 12 times", "the schema of a clean start", migrations::on_sqlite),
    (
        "F19-postgres",
        "a migration is killed 12 times",
        "the schema of a clean start",
        migrations::on_postgres
    ),
    (
        "F20-descriptors",
        "145 connections on 64 descriptors",
        "no spin, one line a second at most, well 1 s after",
        broken_calls::descriptors
    ),
    ("F20-fsync", "EIO where SQLite flushes", "503 alone, nothing acked is lost", broken_calls::flush_fails),
    ("F20-write", "ENOSPC where SQLite writes", "as F20-fsync", broken_calls::write_fails),
    ("F20-read", "EIO where SQLite reads", "as F20-fsync", broken_calls::read_fails),
    (
        "F21-webhook",
        "the generic webhook answers junk",
        "answers 500 ms, put off in 14 s, no growth; a missing reference is told",
        junk::webhook
    ),
    ("F21-sendgrid", "SendGrid answers junk", "as F21-webhook, no junk counts as sent", junk::sendgrid),
    ("F21-ses", "SES answers junk", "as F21-sendgrid", junk::ses),
    ("F21-sns", "SNS answers junk", "as F21-sendgrid", junk::sns),
];

/// Whether a fault was asked for, by its name or by what stands before its first dash.
fn is_wanted(wanted: &str, name: &str) -> bool {
    let mut words = wanted.split_whitespace().peekable();
    words.peek().is_none() || words.any(|word| word == name || name.split('-').next() == Some(word))
}

async fn played(fault: &Fault) -> Row {
    let end = match AssertUnwindSafe((fault.play)()).catch_unwind().await {
        Ok(Ok(seen)) => End::Played(seen),
        Ok(Err(why)) => End::NotTested(why),
        Err(panic) => {
            let told = panic.downcast_ref::<String>().map(String::as_str);
            let told = told.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
            let mut seen = Seen::default();
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
