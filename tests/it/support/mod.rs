//! What several tests need: an instance (`app.rs`), who calls it (`client.rs`, `raw.rs`), whom it calls.

pub mod app;
pub mod beds;
pub mod client;
pub mod databases;
pub mod fields;
pub mod h2;
pub mod kinds;
pub mod letter;
pub mod log;
pub mod mailbox;
pub mod person;
pub mod program;
pub mod promised;
pub mod proxy;
pub mod raw;
pub mod receiver;
pub mod scratch;
pub mod server;
pub mod sink;
pub mod start;
pub mod token;
pub mod twilio;
pub mod vendor;

use std::time::Duration;

/// Waits for what another task or program does within moments.
pub async fn until(what: &str, seconds: u64, done: impl AsyncFn() -> bool) {
    for _ in 0..seconds * 50 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("in vain: {what}");
}
