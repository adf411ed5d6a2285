//! Every wait of the program has a bound: the table in `docs/waits.md`, held by reading every line of `src/`. What waits
//! for a statement of the database waits in `store/sql.rs` alone, where each has a deadline.

use std::collections::BTreeSet;

use super::layers::sources;

/// What waits for a network, a disk, another process, or somebody else in this one.
const WAITS: &[&str] = &[
    ".accept()",
    ".acquire()",
    ".acquire_owned()",
    ".changed()",
    ".chunk()",
    ".closed()",
    ".execute(",
    ".fetch_all(",
    ".fetch_one(",
    ".fetch_optional(",
    ".invoke_async(",
    ".join_next()",
    ".load_async(",
    ".lock_owned()",
    ".next().await",
    ".notified()",
    ".output()",
    ".query_async(",
    ".quit()",
    ".recv()",
    ".send().await",
    ".starttls(",
    ".test_connected()",
    "AsyncSmtpConnection::connect",
    "TcpListener::bind(",
    "TcpStream::connect(",
    "connection.command(",
    "connection.message(",
    "get_multiplexed_async_connection",
    "lock().await",
    "lookup_host(",
    "oneshot::channel(",
    "sleep(",
    "sleep_until(",
    "spawn_blocking(",
    "tick().await",
];

#[test]
fn every_wait_has_a_bound() {
    let (found, told) = (found(), told());
    let without: Vec<_> = found.difference(&told).collect();
    assert!(without.is_empty(), "docs/waits.md says no bound for: {without:#?}");
    let gone: Vec<_> = told.difference(&found).collect();
    assert!(gone.is_empty(), "docs/waits.md tells of what is not there: {gone:#?}");
}

/// Each file of `src/` with what waits in it.
fn found() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (file, text) in sources() {
        if file.contains("tests") {
            continue;
        }
        // Tests stand at the end of a file.
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code: String = code.split_whitespace().collect();
        let has = |wait: &str| code.contains(&wait.split_whitespace().collect::<String>());
        found.extend(WAITS.iter().filter(|wait| has(wait)).map(|wait| (file.clone(), (*wait).to_owned())));
    }
    assert!(found.len() > 40, "the sources were found: {found:?}");
    found
}

/// "| `store/sql.rs` | `.execute(`, `.fetch_all(` | a bound |" of the table, one for each wait.
fn told() -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/waits.md")).unwrap();
    let mut told = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.split(" | ").collect();
        let [file, waits, bound] = cells[..] else { panic!("three cells: {line}") };
        assert!(bound.trim_matches(['|', ' ']).len() > 3, "no bound: {line}");
        let file = file.trim_matches(['|', ' ', '`']).to_owned();
        for wait in waits.split(", ").map(|wait| wait.trim_matches(['`', ' ']).to_owned()) {
            assert!(told.insert((file.clone(), wait)), "twice: {line}");
        }
    }
    told
}
