//! The way of a message while the mail server is away, slow or refuses, and over a crash.

mod crashes;
pub mod failover;
mod leases;
mod outages;
mod overtaking;
pub mod receipts;
mod refusals;
mod slowness;
mod together;
mod vendors_words;
mod verifier;

use std::time::Duration;

/// How many messages one instance has under way, at most.
const UNDER_WAY: usize = 8;

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
