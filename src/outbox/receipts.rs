//! What vendors report of messages that they took.

use crate::base::Millis;
use crate::providers::{Callback, Fate, Receipt, Routes, Untrusted};
use crate::store::deliveries::{self, Noted};
use crate::store::outbox::{self, End};
use crate::store::{Store, StoreError, Tx, devices};
use crate::telemetry::metrics;

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

/// Takes a callback of the vendor behind `provider`: each receipt in it is stored on its message, one that did not
/// arrive goes to the next provider, and a device that cannot be reached is marked.
///
/// # Errors
/// [`Refused`]; nothing of a callback that is not believed is stored.
pub async fn take(
    store: &Store,
    routes: &Routes,
    provider: &str,
    callback: &Callback<'_>,
) -> Result<(), Refused> {
    let entry = routes.named(provider).ok_or(Refused::Unknown)?;
    let reader = entry.provider.receipts().ok_or(Refused::Unknown)?;
    let receipts = reader.read(callback).await?;
    if receipts.is_empty() {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    for receipt in &receipts {
        metrics::receipt(&entry.name, receipt.fate.name());
        if let Some(noted) = note(&mut tx, &entry.name, receipt, callback.now).await? {
            follow(&mut tx, &entry.name, &noted, receipt, callback.now).await?;
        }
    }
    Ok(tx.commit().await?)
}

async fn note(
    tx: &mut Tx,
    provider: &str,
    receipt: &Receipt,
    now: Millis,
) -> Result<Option<Noted>, StoreError> {
    let fate = receipt.fate.name();
    match (&receipt.message, &receipt.reference) {
        (Some(id), _) => deliveries::note_by_id(tx, id, provider, fate, now).await,
        (None, Some(reference)) => deliveries::note_by_reference(tx, reference, provider, fate, now).await,
        (None, None) => Ok(None),
    }
}

/// What a receipt leads to.
async fn follow(
    tx: &mut Tx,
    provider: &str,
    noted: &Noted,
    receipt: &Receipt,
    now: Millis,
) -> Result<(), StoreError> {
    let awaited = noted.state == "queued" && noted.provider.as_deref() == Some(provider);
    let problem = receipt.code.as_deref().map(|code| format!("{provider} reports {code}"));
    match receipt.fate {
        Fate::Underway => {}
        Fate::Delivered => {
            if awaited {
                outbox::finish(tx, &noted.id, &End { state: "sent", ..End::default() }, now).await?;
            }
            if let Some(device) = &noted.device_id {
                devices::clear_failing(tx, device).await?;
            }
        }
        Fate::Failed if awaited => {
            let passed = format!("{}{provider},", noted.passed);
            outbox::delay(tx, &noted.id, now, problem.as_deref().unwrap_or("it did not arrive"), &passed)
                .await?;
        }
        Fate::Failed => {
            tracing::warn!(provider, message = noted.id, code = receipt.code, "a message did not arrive")
        }
        Fate::Unreachable => {
            if awaited {
                let problem = problem.as_deref().or(Some("nobody can be reached there"));
                outbox::finish(tx, &noted.id, &End { state: "failed", problem, ..End::default() }, now)
                    .await?;
            }
            if let Some(device) = &noted.device_id {
                devices::set_failing(tx, device, now).await?;
            }
        }
    }
    Ok(())
}
