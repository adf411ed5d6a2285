//! No statement reads a whole table where an index could serve it: in a database with a million rows it would hold up
//! everybody, on SQLite whoever writes.

use std::collections::BTreeSet;

use multauth::store::{self, Db, Exec};
use tracing::Level;

use super::{accounts, events, profile_values, statements, sweep, webhooks};
use crate::support::databases;
use crate::support::log::Log;

/// Every test of statements, run again to hear what it asks.
fn all() -> Vec<fn()> {
    vec![
        statements::of_users,
        statements::of_devices,
        statements::of_changes,
        statements::of_secrets_and_known_devices,
        statements::of_attempts,
        statements::of_attempts_that_were_not_finished,
        statements::of_challenges,
        statements::of_ways,
        statements::of_wishes,
        statements::of_sessions,
        statements::of_guesses,
        statements::of_guesses_that_lie_ahead,
        statements::of_what_is_over_or_ahead,
        statements::of_what_is_spent_ahead,
        statements::of_the_outbox,
        statements::of_lanes,
        statements::of_receipts,
        statements::of_dead_letters,
        statements::of_codes_that_a_vendor_owns,
        statements::of_devices_that_fail,
        statements::of_what_is_spent,
        statements::of_suspensions_and_lines,
        statements::of_keys_and_facts,
        events::events_of_one_user_stand_in_order_whatever_the_clocks_say,
        events::the_trail_is_paged_and_narrowed_by_user_name_and_time,
        events::old_events_go_unless_a_webhook_still_waits_for_them,
        events::what_is_about_nobody_goes_sooner_and_is_looked_at_once,
        events::a_follower_gives_each_event_once_however_late_it_appears,
        events::what_is_forgotten_leads_to_nobody,
        sweep::only_what_is_over_is_deleted,
        sweep::a_thousand_rows_go_at_a_time,
        sweep::a_signin_that_passed_a_secret_waits_a_day_for_its_owner_to_be_told,
        webhooks::the_first_of_each_subject_is_leased_and_the_next_when_it_ended,
        webhooks::what_is_about_nobody_waits_for_nothing,
        webhooks::one_that_is_put_off_puts_off_what_stands_behind_it_and_what_comes_later,
        webhooks::what_ended_is_listed_counted_and_queued_again,
        webhooks::what_was_sent_goes_after_a_week_and_what_failed_after_a_month,
        accounts::of_deleted_users,
        accounts::of_users_that_nothing_names,
        accounts::of_what_speaks_of_a_user_elsewhere,
        profile_values::a_value_is_one_users_until_it_is_given_up,
        profile_values::one_of_many_gets_a_value,
        profile_values::whoever_holds_a_user_reads_what_it_will_write_over,
    ]
}

/// What statements make themselves, which is no table.
const MADE: [&str; 5] = ["CONSTANT ROW", "SCAN lanes", "SCAN waiting", "SCAN w", "SCAN next"];

/// Tables of few rows, and what an operator asks for at a terminal: the lists, and that all guesses at somebody are
/// forgotten.
const WHOLE: [&str; 7] = [
    "FROM signing_keys",
    "UPDATE signing_keys",
    "FROM api_keys",
    "DELETE FROM guesses WHERE subject = $1 OR",
    "FROM webhook_deliveries d JOIN events e",
    "SELECT d.webhook, COUNT(",
    "FROM outbox WHERE ($2 = ''",
];

/// Reads this folder: a test of statements that is not heard guards no plan.
#[test]
fn every_test_of_statements_is_heard() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/store");
    let read = |module: &str| std::fs::read_to_string(folder.join(format!("{module}.rs"))).unwrap();
    let here = read("plans");
    for module in ["accounts", "events", "profile_values", "statements", "sweep", "webhooks"] {
        let text = read(module);
        for test in text.split("#[tokio::test").skip(1) {
            let name = test.split("async fn ").nth(1).and_then(|rest| rest.split('(').next()).unwrap();
            assert!(here.contains(&format!("{module}::{name},")), "{module}::{name} is not heard");
        }
    }
}

fn heard() -> BTreeSet<String> {
    let (log, _guard) = Log::listen(Level::TRACE);
    for test in all() {
        test();
    }
    let text = log.text();
    let quoted = text.lines().filter_map(|line| line.split_once(" statement=").map(|(_, rest)| rest));
    quoted
        .map(|quoted| serde_json::Deserializer::from_str(quoted).into_iter().next().unwrap().unwrap())
        .collect()
}

async fn plan(db: &mut impl Db, statement: &str) -> Vec<String> {
    let Exec::Sqlite(conn) = db.exec() else { return Vec::new() };
    let explained = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(explained).fetch_all(conn).await.unwrap();
    rows.into_iter().map(|(_, _, _, detail)| detail).collect()
}

#[test]
fn no_statement_reads_a_whole_table() {
    let heard = heard();
    assert!(heard.len() > 150, "only {} statements were heard", heard.len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = runtime.block_on(async {
        let db = databases::sqlite().await;
        store::migrate(&db.store).await.unwrap();
        let mut tx = db.store.begin().await.unwrap();
        let mut found = Vec::new();
        // PostgreSQL alone is asked for its locks.
        for statement in heard.iter().filter(|statement| !statement.contains("advisory_xact_lock")) {
            for step in plan(&mut tx, statement).await {
                let whole = step.starts_with("SCAN ") && !step.contains(" INDEX ");
                let made = MADE.iter().any(|made| step.contains(made));
                if whole && !made && !WHOLE.iter().any(|part| statement.contains(part)) {
                    found.push(format!("{step}: {statement}"));
                }
            }
        }
        found
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}
