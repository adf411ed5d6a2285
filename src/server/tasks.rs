//! What an instance does by itself: old rows go, keys are read again and rotated, windows are swept.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::auth::deletion;
use crate::startup::algorithm;
use crate::store::{self, lines, sweep, trail};
use crate::telemetry::metrics;

/// Runs until it is aborted.
pub(super) async fn upkeep(app: Arc<App>) {
    let mut minute = tokio::time::interval(Duration::from_secs(30));
    minute.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        minute.tick().await;
        if let Err(error) = once(&app).await {
            tracing::warn!(error, "upkeep failed; it is tried again");
        }
    }
}

async fn once(app: &App) -> Result<(), String> {
    app.throttle.sweep(app.now());
    let age = app.settings.keys.rotate_every.millis();
    app.keys.reload().await.map_err(|e| e.to_string())?;
    app.keys.rotate_by_age(algorithm(&app.settings), age).await.map_err(|e| e.to_string())?;
    let mut tx = app.store.begin().await.map_err(|e| e.to_string())?;
    let gone = sweep::once(&mut tx, app.now()).await.map_err(|e| e.to_string())?;
    let known = app.now() - app.settings.phone.lookup.cache.millis();
    let lines = lines::forget(&mut tx, known).await.map_err(|e| e.to_string())?;
    let past = app.now() - app.settings.events.keep.millis();
    let events = trail::sweep(&mut tx, past).await.map_err(|e| e.to_string())?;
    tx.commit().await.map_err(|e| e.to_string())?;
    let rows: u64 = events + lines + gone.iter().map(|(_, rows)| rows).sum::<u64>();
    if rows > 0 {
        tracing::debug!(rows, "rows that are over were deleted");
    }
    let purged = deletion::purge_due(app).await.map_err(|e| e.to_string())?;
    if purged > 0 {
        tracing::info!(purged, "accounts that were deleted are purged");
    }
    let mut db = app.store.read().await.map_err(|e| e.to_string())?;
    let waiting = store::outbox::waiting(&mut db).await.map_err(|e| e.to_string())?;
    metrics::outbox(u32::try_from(waiting).unwrap_or(u32::MAX));
    for webhook in app.webhooks.iter() {
        let waiting = store::webhooks::count(&mut db, &webhook.name).await.map_err(|e| e.to_string())?;
        metrics::webhook_waiting(&webhook.name, u32::try_from(waiting).unwrap_or(u32::MAX));
    }
    if let Some(metrics) = metrics::shared() {
        metrics.upkeep();
    }
    Ok(())
}
