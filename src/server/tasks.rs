//! What an instance does by itself: old rows go, keys are read again and rotated, windows are swept.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::auth::{deletion, unfinished};
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

/// How many batches one turn deletes at most: more than what a busy installation writes until the next.
const BATCHES: usize = 50;

/// Deletes one batch from every table; gives how many rows went, and whether some table may have more.
pub async fn swept(app: &App) -> store::Result<(u64, bool)> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let mut gone: Vec<u64> = sweep::once(&mut tx, now).await?.into_iter().map(|(_, rows)| rows).collect();
    gone.push(lines::forget(&mut tx, now - app.settings.phone.lookup.cache.millis()).await?);
    gone.push(trail::sweep(&mut tx, now - app.settings.events.keep.millis()).await?);
    let (nobodys, more) =
        trail::sweep_nobody(&mut tx, now - app.settings.events.keep_nobody.millis()).await?;
    gone.push(nobodys);
    tx.commit().await?;
    Ok((gone.iter().sum(), more || gone.iter().any(|rows| *rows >= sweep::BATCH)))
}

async fn once(app: &App) -> Result<(), String> {
    app.throttle.sweep(app.now());
    let age = app.settings.keys.rotate_every.millis();
    app.keys.reload().await.map_err(|e| e.to_string())?;
    app.keys.rotate_by_age(algorithm(&app.settings), age).await.map_err(|e| e.to_string())?;
    let told = unfinished::tell(app).await.map_err(|e| e.to_string())?;
    if told > 0 {
        tracing::info!(told, "owners are told of sign-ins that were not finished");
    }
    let mut rows = 0;
    for _ in 0..BATCHES {
        let (gone, more) = swept(app).await.map_err(|e| e.to_string())?;
        rows += gone;
        if !more {
            break;
        }
    }
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
