//! Events told once more: what failed, what was sent, or all of a time to a webhook that is new. Each keeps its id.

use super::Webhook;
use crate::base::{Millis, Random};
use crate::store::webhooks as rows;
use crate::store::{Result, Store};

/// How many events are queued in one transaction, so that nobody waits for it.
const AT_ONCE: i64 = 500;

/// Queues the delivery `id` once more. False where there is none, or it waits already.
pub async fn one(store: &Store, id: &str, now: Millis) -> Result<bool> {
    let mut tx = store.begin().await?;
    let queued = rows::again(&mut tx, id, now).await?;
    tx.commit().await?;
    Ok(queued.is_yes())
}

/// Queues whatever failed for `webhook` once more; gives how many.
pub async fn failed(store: &Store, webhook: &str, now: Millis) -> Result<u64> {
    let mut tx = store.begin().await?;
    let queued = rows::failed_again(&mut tx, webhook, now).await?;
    tx.commit().await?;
    Ok(queued)
}

/// Queues every event since `since` that `webhook` wants, whether it was told of it or not; gives how many. What waits
/// already stays as it is, and what happens meanwhile may arrive between them.
pub async fn since(
    store: &Store,
    random: &Random,
    webhook: &Webhook,
    since: Millis,
    now: Millis,
) -> Result<u64> {
    let (mut behind, mut queued) = ((since.saturating_mul(1_000) - 1, String::new()), 0);
    loop {
        let page = rows::since(&mut store.read().await?, (behind.0, &behind.1), AT_ONCE).await?;
        let Some(last) = page.last() else { return Ok(queued) };
        behind = (last.position, last.id.clone());
        let mut tx = store.begin().await?;
        let wanted = page.iter().filter(|event| event.at >= since && webhook.listener.wants(&event.name));
        for event in wanted {
            queued += rows::tell(&mut tx, &random.uuid(), &webhook.name, &event.id, now).await?;
        }
        tx.commit().await?;
    }
}
