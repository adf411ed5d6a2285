//! Faults that take some seconds and need nothing but a PostgreSQL, in every run of the tests. Others run beside them.

use std::time::Duration;

use super::table::Seen;
use super::{fail_over, few_connections, half_open, locks};
use crate::support::scratch::Scratch;

#[track_caller]
fn holds(seen: &Seen) {
    assert!(seen.broken().is_empty(), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_are_given_up() {
    let Some(database) = Scratch::make().await else { return };
    holds(
        &half_open::play(
            Seen::beside_others(),
            &database.url,
            Duration::from_secs(1),
            Duration::from_secs(20),
        )
        .await,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_only_is_written_again() {
    let Some(database) = Scratch::make().await else { return };
    holds(&fail_over::play(Seen::beside_others(), &database.url, Duration::from_secs(4)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_a_lock_is_told_at_the_deadline() {
    let Some(database) = Scratch::make().await else { return };
    holds(&locks::play(Seen::beside_others(), &database.url, "sessions", Duration::from_secs(8)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_whose_connections_were_ended_fails_nobody() {
    let Some(database) = Scratch::make().await else { return };
    holds(&few_connections::play_ended(Seen::beside_others(), &database.url).await);
}
