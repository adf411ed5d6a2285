//! Dead letters: messages that were given up, sent again when an operator says so.

use super::NOTICE_LIFETIME;
use crate::base::Millis;
use crate::store::deliveries::{self, Delivery};
use crate::store::{Result, Store};

/// What became of the wish to send a message again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It waits to be sent.
    Queued,
    /// There is no such message.
    Unknown,
    /// It did not fail: it waits, was sent, or its code ended.
    NotFailed,
    /// The code in it has ended; another one is asked for instead.
    CodeEnded,
}

/// Sends a message that failed once more, to every provider on its route, with the same id.
pub async fn again(store: &Store, id: &str, now: Millis) -> Result<Again> {
    let Some(found) = deliveries::by_id(&mut store.read().await?, id).await? else {
        return Ok(Again::Unknown);
    };
    if found.state != "failed" {
        return Ok(Again::NotFailed);
    }
    let mut tx = store.begin().await?;
    let queued = deliveries::again(&mut tx, id, now, now + NOTICE_LIFETIME).await?;
    tx.commit().await?;
    Ok(if queued.is_yes() { Again::Queued } else { Again::CodeEnded })
}

/// The messages that failed and are still kept, the newest first.
pub async fn all(store: &Store, limit: u16) -> Result<Vec<Delivery>> {
    deliveries::list(&mut store.read().await?, "failed", i64::from(limit)).await
}
