//! The live attempt behind a handle.

use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::base::{AttemptId, Purpose, Sensitive, ids};
use crate::store::Tx;
use crate::store::attempts::{self, Attempt};

/// What an attempt is counted by apart from whoever guesses in the same network: its known device, or its session.
pub(in crate::auth) fn own(attempt: &Attempt) -> Option<&str> {
    attempt.known_device.as_deref().or(attempt.session_id.as_deref())
}

/// The live attempt behind a handle. Where the network asks too often, one that a known device or a session began goes
/// on.
pub(in crate::auth) async fn live(app: &App, client: &Client, handle: &Sensitive) -> Result<Attempt> {
    let full = app.throttle.check("attempt", app.now(), &client.keys()).await.err();
    let attempt = match ids::stored(handle.expose(), ids::ATTEMPT) {
        Some(id) => living(app, &id.into()).await?,
        None => None,
    };
    if let Some(full) = full {
        let own = attempt.as_ref().and_then(own).ok_or(full)?;
        app.throttle.check("attempt", app.now(), &client.keys_of(Some(own))).await?;
    }
    attempt.ok_or(AuthError::AttemptGone)
}

/// The attempt of that id, unless it is over. One that is refused for that is gone for good, whatever becomes of the
/// clock.
pub(in crate::auth) async fn living(app: &App, id: &AttemptId) -> Result<Option<Attempt>> {
    let Some(found) = attempts::by_id(&mut app.store.read().await?, id).await? else { return Ok(None) };
    if found.expires_at > app.now() {
        return Ok(Some(found));
    }
    let told = is_told(&found);
    // Whoever looks for what is over finds it still.
    if !told || found.credentials.is_some() {
        let mut tx = app.store.begin().await?;
        drop_one(&mut tx, &found, told).await?;
        tx.commit().await?;
    }
    Ok(None)
}

/// Whether the owner of an account is told of an attempt that nobody finished.
pub(in crate::auth) fn is_told(attempt: &Attempt) -> bool {
    attempt.purpose == Purpose::Signin && attempt.passed != attempts::NOTHING && attempt.user_id.is_some()
}

pub(in crate::auth) async fn drop_one(tx: &mut Tx, attempt: &Attempt, told: bool) -> Result<()> {
    if told {
        attempts::call_off(tx, &attempt.id).await?;
    } else {
        attempts::delete(tx, &attempt.id).await?;
    }
    Ok(())
}
