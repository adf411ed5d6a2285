//! What vendors report of messages that they took.

use super::UNREACHABLE;
use crate::base::Millis;
use crate::events::{Event, Events, NewEvent, Source};
use crate::providers::{Callback, Fate, Receipt, Routes, Untrusted};
use crate::store::deliveries;
use crate::store::outbox::{self, End};
use crate::store::{Store, StoreError, Tx, devices};
use crate::telemetry::metrics;

/// How many receipts of one callback are noted in one transaction.
const AT_ONCE: usize = 100;

/// Why a callback was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No provider of that name reads receipts.
    #[error("no provider of that name reads receipts")]
    Unknown,
    /// It is not shown to be the vendor's.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The database could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a provider of that name reads receipts.
pub fn are_read(routes: &Routes, provider: &str) -> bool {
    routes.named(provider).is_some_and(|entry| entry.provider.receipts().is_some())
}

/// Takes a callback of the vendor behind `provider`: each receipt in it is stored on its message, one that did not
/// arrive goes to the next provider, and a device that cannot be reached is marked.
///
/// # Errors
/// [`Refused`]; nothing of a callback that is not believed is stored.
pub async fn take(
    store: &Store,
    routes: &Routes,
    (events, source): (&Events, &Source),
    provider: &str,
    callback: &Callback<'_>,
) -> Result<(), Refused> {
    let entry = routes.named(provider).ok_or(Refused::Unknown)?;
    let reader = entry.provider.receipts().ok_or(Refused::Unknown)?;
    let receipts = reader.read(callback).await?;
    // Noting one twice changes nothing, so nobody else has to wait for the whole of a long list.
    for some in receipts.chunks(AT_ONCE) {
        let mut tx = store.begin().await?;
        let mut told = Vec::new();
        for receipt in some {
            metrics::receipt(&entry.name, receipt.fate.name());
            match note(&mut tx, &entry.name, receipt, callback.now).await? {
                Some(noted) => {
                    told.push(changed(&entry.name, &noted, receipt));
                    told.extend(follow(&mut tx, &entry.name, &noted, receipt, callback.now).await?);
                }
                None => early(&mut tx, &entry.name, receipt).await?,
            }
        }
        events.write(&mut tx, callback.now, source, &told).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn changed(provider: &str, noted: &deliveries::NewEvent, receipt: &Receipt) -> NewEvent {
    let event = Event::VerificationStatusChanged {
        message: noted.id.clone(),
        kind: noted.kind.clone(),
        channel: noted.channel.clone(),
        provider: provider.to_owned(),
        status: receipt.fate.name().to_owned(),
    };
    match &noted.user_id {
        Some(user) => event.of(user),
        None => event.of_nobody(),
    }
}

/// A failure that is reported before it is noted who took the message.
async fn early(tx: &mut Tx, provider: &str, receipt: &Receipt) -> Result<(), StoreError> {
    if let (Fate::Failed, Some(id)) = (receipt.fate, &receipt.message) {
        deliveries::pass_over(tx, id, provider).await?;
    }
    Ok(())
}

async fn note(
    tx: &mut Tx,
    provider: &str,
    receipt: &Receipt,
    now: Millis,
) -> Result<Option<deliveries::NewEvent>, StoreError> {
    let fate = receipt.fate.name();
    match (&receipt.message, &receipt.reference) {
        (Some(id), _) => deliveries::note_by_id(tx, id, provider, fate, now).await,
        (None, Some(reference)) => deliveries::note_by_reference(tx, reference, provider, fate, now).await,
        (None, None) => Ok(None),
    }
}

/// What a receipt leads to; gives the event where the message is given up.
async fn follow(
    tx: &mut Tx,
    provider: &str,
    noted: &deliveries::NewEvent,
    receipt: &Receipt,
    now: Millis,
) -> Result<Option<NewEvent>, StoreError> {
    let mut told = None;
    let queued = noted.state == "queued";
    let problem = receipt.code.as_deref().map(|code| format!("{provider} reports {code}"));
    match receipt.fate {
        Fate::Underway => {}
        Fate::Delivered => {
            if queued {
                let end = End { state: "sent", provider: Some(provider), ..End::default() };
                outbox::finish(tx, &noted.id, &end, now).await?.either_way();
            }
            if let Some(device) = &noted.device_id {
                devices::clear_failing(tx, device).await?;
            }
        }
        Fate::Failed if queued => {
            let problem = problem.as_deref().unwrap_or("it did not arrive");
            deliveries::fail_over(tx, &noted.id, provider, problem, now).await?;
        }
        Fate::Failed => {
            tracing::warn!(provider, message = noted.id, code = receipt.code, "a message did not arrive");
        }
        Fate::Unreachable => {
            if queued {
                let problem = problem.as_deref().or(Some("nobody can be reached there"));
                let end = End { state: "failed", provider: Some(provider), problem, ..End::default() };
                outbox::finish(tx, &noted.id, &end, now).await?.either_way();
                let message = (noted.id.as_str(), noted.kind.as_str(), noted.channel.as_str());
                told = Some(super::given_up(message, noted.user_id.clone(), UNREACHABLE));
            }
            if let Some(device) = &noted.device_id {
                devices::set_failing(tx, device, now).await?;
            }
        }
    }
    Ok(told)
}
