//! The outbox: a message is written in the transaction of what it tells, and a worker delivers it.
//!
//! Nothing is sent inside a request. A message waits sealed; the worker leases it, hands it to the
//! first provider of its channel that takes it, and empties it. One whose code has ended is dropped
//! instead of sent late (R136).

mod inbox;
mod worker;

pub use inbox::Inbox;
pub use worker::Worker;

use crate::base::Millis;
use crate::base::clock::DAY;
use crate::base::seal::Sealer;
use crate::messages::{Kind, Message};
use crate::store::{Db, Result, outbox};

/// A message to nobody goes this way: it costs what a real one costs, and is dropped.
const NOBODY: &str = "none";
/// How long a notice without a code is tried.
const NOTICE_LIFETIME: Millis = 3 * DAY;

/// Queues `message`; one with a code is not sent after `expires_at`.
pub async fn write(
    db: &mut impl Db,
    sealer: &Sealer,
    message: &Message,
    expires_at: Option<Millis>,
) -> Result<()> {
    queue(db, sealer, message, message.channel.name(), expires_at).await
}

/// Queues the same for nobody, so that an answer takes as long where there is no such account (R16).
pub async fn write_to_nobody(db: &mut impl Db, sealer: &Sealer, message: &Message) -> Result<()> {
    queue(db, sealer, message, NOBODY, Some(message.at)).await
}

async fn queue(
    db: &mut impl Db,
    sealer: &Sealer,
    message: &Message,
    channel: &str,
    expires_at: Option<Millis>,
) -> Result<()> {
    // A message is plain text fields: serializing it cannot fail, and an empty payload would be given up.
    let plain = serde_json::to_vec(message).unwrap_or_default();
    let queued = outbox::Queued {
        id: message.id.clone(),
        channel: channel.to_owned(),
        kind: message.kind.name().to_owned(),
        payload: sealer.seal(&place(&message.id), &plain),
        tries: 0,
        created_at: message.at,
        expires_at: expires_at.unwrap_or(message.at + NOTICE_LIFETIME),
    };
    outbox::insert(db, &queued).await
}

/// Opens a queued message; `None` where it is damaged or sealed with another master key.
fn open(sealer: &Sealer, queued: &outbox::Queued) -> Option<Message> {
    let plain = sealer.open(&place(&queued.id), &queued.payload).ok()?;
    serde_json::from_slice(&plain).ok()
}

fn place(id: &str) -> String {
    format!("outbox/{id}")
}

/// Whether a kind soon becomes worthless and is tried again within seconds.
fn urgent(kind: &str) -> bool {
    Kind::from_name(kind).is_some_and(Kind::carries_code)
}
