//! Wrong secrets by network, whoever they are tried at (R40, R41).

use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::telemetry::metrics;
use crate::throttle::Keys;

/// Counts wrong secrets by network, whoever they are tried at, and those of a known device by it; a success clears
/// nothing (R40, R41).
pub async fn bounded<T>(app: &App, keys: &Keys<'_>, work: impl Future<Output = Result<T>>) -> Result<T> {
    app.throttle.peek("failures", app.now(), keys).await?;
    noticed(app, keys, work).await
}

/// The same where a full window refuses nobody: where each guess is at something that has a few of its own, and that
/// only who holds a key of 256 bits comes to.
pub async fn noticed<T>(app: &App, keys: &Keys<'_>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let outcome = work.await;
    if let Err(AuthError::WrongSecret { secret, .. }) = &outcome {
        metrics::wrong(app.plan.secrets.kind(secret).map_or("other", |kind| kind.name()));
        // The failure is told as it is; the next one finds the window full.
        let _ = app.throttle.check("failures", app.now(), keys).await;
    }
    outcome
}
