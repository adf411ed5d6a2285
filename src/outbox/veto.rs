//! Hooks asked before a message is handed over: in the worker, so that no answer to a client tells of it (R143).

use std::sync::Arc;

use super::Worker;
use crate::hooks::{Point, Sending};
use crate::messages::Message;
use crate::outbox::tried::Ended;
use crate::providers::Configured;
use crate::store::outbox::Queued;
use crate::store::{StoreError, devices};

/// The providers that are `left`, the one that a hook chose first.
///
/// # Errors
/// What becomes of a message that a hook refuses.
pub(super) async fn asked<'e>(
    worker: &Worker,
    queued: &Queued,
    message: &Message,
    left: &[&'e Arc<Configured>],
) -> Result<Vec<&'e Arc<Configured>>, Ended> {
    let mut left = left.to_vec();
    if left.is_empty() || !worker.hooks.listen(Point::BeforeSending) {
        return Ok(left);
    }
    let user = owner(worker, queued).await.map_err(|error| Ended::later(format!("the database: {error}")))?;
    let asked = Sending {
        message: queued.id.clone(),
        kind: queued.kind.clone(),
        channel: message.channel.name().to_owned(),
        to: message.to.clone(),
        country: queued.country.clone(),
        user,
        device: queued.device_id.clone().map(String::from),
        providers: left.iter().map(|entry| entry.name.clone()).collect(),
    };
    match worker.hooks.before_sending(&asked).await {
        Ok(chosen) => {
            // The others keep their order.
            left.sort_by_key(|entry| Some(&entry.name) != chosen.as_ref());
            Ok(left)
        }
        Err(refusal) => Err(Ended::failed(format!("refused by a hook: {}", refusal.reason), "vetoed")),
    }
}

/// Whose device it goes to.
async fn owner(worker: &Worker, queued: &Queued) -> Result<Option<String>, StoreError> {
    let Some(id) = queued.device_id.as_ref() else { return Ok(None) };
    let device = devices::by_id(&mut worker.store.read().await?, id).await?;
    Ok(device.map(|device| device.user_id.into()))
}
