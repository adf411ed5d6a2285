//! What the program keeps in memory while it works through a long queue, beside a short one.

use std::time::{Duration, Instant};

use multauth::store::outbox;

use super::binary::Place;
use super::outbox::queue;
use crate::load::{Options, Result};
use crate::row::Row;

/// The figure.
pub const NAME: &str = "memory, 100000 messages queued";
/// How many wait in the long queue, and in the short one.
const QUEUES: [usize; 2] = [100_000, 1_000];
/// How many are written in one transaction.
const BATCH: usize = 10_000;
/// What the long one may take of the short one's memory.
const GOAL: f64 = 1.1;

/// Measures it.
pub async fn run(options: &Options) -> Result<Row> {
    eprintln!("{NAME}");
    let mut most = Vec::new();
    for length in QUEUES {
        most.push(greatest(options, options.many(length)).await?);
    }
    Ok(Row::beside(NAME, (most[0], most[1]), "MiB", "(1000 queued)", GOAL))
}

/// The most memory that the program has while it works through `length` messages, or the first of them.
async fn greatest(options: &Options, length: usize) -> Result<f64> {
    let place = Place::new().await?;
    for _ in 0..length.div_ceil(BATCH) {
        let mut tx = place.app.store.begin().await?;
        queue(&place.app, &mut tx, length.min(BATCH), place.app.now()).await?;
        tx.commit().await?;
    }
    let (running, _) = place.start()?;
    let (began, mut most) = (Instant::now(), 0f64);
    while began.elapsed() < options.round() * 20 {
        most = most.max(running.resident()?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    running.stop()?;
    let left = outbox::waiting(&mut place.app.store.read().await?).await?;
    eprintln!("    {most:.1} MiB, {left} of {length} left");
    Ok(most)
}
