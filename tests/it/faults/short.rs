//! Faults that take some seconds and need nothing but a PostgreSQL, in every run of the tests.

use std::time::Duration;

use super::half_open;
use super::table::Seen;
use crate::surface::postgres::Scratch;

#[track_caller]
fn holds(seen: &Seen) {
    assert!(seen.broken().is_empty(), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_are_given_up() {
    let Some(database) = Scratch::make().await else { return };
    holds(&half_open::play(&database.url, Duration::from_secs(1), Duration::from_secs(20)).await);
}
