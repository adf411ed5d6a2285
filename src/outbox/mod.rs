//! The outbox: a message is written in the transaction of what it tells, and a worker delivers it.
//!
//! Nothing is sent inside a request. A message waits sealed, in the lane of the provider it goes to first, so that
//! one that is slow holds up nobody else, and no domain or block of numbers ([`Parties`]) that is slow takes all places
//! of a lane; the [`Worker`] leases it, hands it to the first provider that takes it
//! ([`delivery`]), and empties it. One whose code has ended is dropped instead of sent late (R136). What vendors
//! report later comes in by [`receipts`].

pub mod dead;
mod delivery;
mod inbox;
mod marks;
mod parties;
pub mod receipts;
pub(super) mod tried;
mod veto;
mod worker;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use inbox::Inbox;
pub use parties::Parties;
pub use worker::Worker;

use crate::base::clock::DAY;
use crate::base::seal::Sealer;
use crate::base::{DeviceId, Millis, Sensitive, UserId};
use crate::events::{Event, NewEvent};
use crate::messages::{Channel, Kind, Message};
use crate::providers::{NO_LANE, Routes};
use crate::store::{Db, Result, outbox};

/// How long a notice without a code is tried.
pub const NOTICE_LIFETIME: Millis = 3 * DAY;

/// Writes messages.
#[derive(Clone)]
pub struct Outbox {
    /// Closes them.
    pub sealer: Arc<Sealer>,
    /// Says which lane they wait in.
    pub routes: Arc<Routes>,
}

/// What is written of a message beside itself.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// When the code in it ends; it is not sent after that. None for a notice.
    pub expires_at: Option<Millis>,
    /// The hash of the key of that code.
    pub challenge: Option<String>,
    /// Whether a vendor may put a code of its own in the place of ours.
    pub verifiable: bool,
    /// The device that it goes to.
    pub device: Option<DeviceId>,
    /// The country of the number (ISO 3166-1 alpha-2); empty for email.
    pub country: String,
}

impl Outbox {
    /// Queues `message`.
    pub async fn write(&self, db: &mut impl Db, message: &Message, about: &About) -> Result<()> {
        let lane = self.routes.lane(message.channel, &message.to, about.verifiable);
        self.queue(db, message, (lane, message.channel.name()), about).await
    }

    /// Queues the same for nobody, so that an answer takes as long where there is no such account (R16).
    pub async fn write_to_nobody(&self, db: &mut impl Db, message: &Message, about: &About) -> Result<()> {
        self.queue(db, message, (NO_LANE, NO_LANE), about).await
    }

    async fn queue(
        &self,
        db: &mut impl Db,
        message: &Message,
        (lane, channel): (&str, &str),
        about: &About,
    ) -> Result<()> {
        // A message is plain text fields: serializing it cannot fail, and an empty payload would be given up.
        let code = message.code.as_ref().map(Sensitive::expose);
        let plain = serde_json::to_vec(&Sealed { message, code }).unwrap_or_default();
        // For nobody too, so that the row costs as much: it is dropped before anything counts it (R16).
        let by_phone = message.channel != Channel::Email;
        let queued = outbox::Queued {
            id: message.id.clone(),
            lane: lane.to_owned(),
            channel: channel.to_owned(),
            kind: message.kind.name().to_owned(),
            payload: self.sealer.seal(&place(&message.id), &plain),
            created_at: message.at,
            expires_at: about.expires_at.unwrap_or(message.at + NOTICE_LIFETIME),
            challenge: about.challenge.clone(),
            verifiable: about.verifiable,
            device_id: about.device.clone(),
            country: about.country.clone(),
            prefix: if by_phone { prefix(&message.to).to_owned() } else { String::new() },
            ..outbox::Queued::default()
        };
        outbox::insert(db, &queued).await
    }
}

/// The prefix that conversion is counted by: a number in E.164 without its last six digits.
pub fn prefix(e164: &str) -> &str {
    let end = e164.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
    &e164[..end]
}

/// What is sealed of a message: its line does not hold the code alone.
#[derive(Serialize)]
struct Sealed<'a> {
    message: &'a Message,
    code: Option<&'a str>,
}

#[derive(Deserialize)]
struct Opened {
    message: Message,
    code: Option<Sensitive>,
}

/// Opens a queued message; `None` where it is damaged or sealed with another master key.
fn open(sealer: &Sealer, queued: &outbox::Queued) -> Option<Message> {
    let plain = sealer.open(&place(&queued.id), &queued.payload).ok()?;
    let Opened { message, code } = serde_json::from_slice(&plain).ok()?;
    Some(message.with_code(code))
}

fn place(id: &str) -> String {
    format!("outbox/{id}")
}

/// Why a message was given up, in events: its address cannot be reached.
const UNREACHABLE: &str = "unreachable";

/// Why a message was given up, in events: the providers refuse it, and none says that nobody has its address.
const REFUSED: &str = "refused";

/// The event that a message (id, kind, channel) of `user` was given up.
fn given_up((id, kind, channel): (&str, &str, &str), user: Option<UserId>, why: &'static str) -> NewEvent {
    let (message, kind, channel) = (id.to_owned(), kind.to_owned(), channel.to_owned());
    let event = Event::MessageFailed { message, kind, channel, why };
    match user {
        Some(user) => event.of(&user),
        None => event.of_nobody(),
    }
}

/// Whether a kind soon becomes worthless and is tried again within seconds.
fn urgent(kind: &str) -> bool {
    Kind::from_name(kind).is_some_and(Kind::carries_code)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_prefix_is_all_but_six_digits() {
        assert_eq!(super::prefix("+48600100200"), "+48600");
        assert_eq!(super::prefix("+1"), "");
    }
}
