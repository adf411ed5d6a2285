//! An order sent at once.

use crate::app::App;
use crate::auth::codes::{challenge, send};
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::auth::sending::order::Order;
use crate::store::challenges;

/// Sends an order now. Where it was sent a moment ago, says when it may be sent again.
pub async fn dispatch(app: &App, client: &Client, order: &Order) -> Result<()> {
    let sent = challenges::in_scope(&mut app.store.read().await?, &order.scope).await?;
    if sent.iter().any(|c| c.sent_at > app.now()) {
        // Sent by a clock that was ahead: it bars another for as long as if it was sent now.
        let mut tx = app.store.begin().await?;
        challenges::bring_back(&mut tx, &order.scope, app.now()).await?;
        tx.commit().await?;
    }
    if let Some(before) = sent.iter().find(|c| c.target == order.target) {
        if before.spent_at.is_some() || before.guesses >= before.max_guesses {
            return Err(AuthError::NoCode);
        }
        let wait = challenge::resend_in(app, before, order.plain);
        if wait > 0 {
            return Err(AuthError::TooMany { retry_after: wait });
        }
    }
    let ready = send::prepare(app, client, order).await?;
    let mut tx = app.store.begin().await?;
    let sent = send::write(app, &mut tx, &ready).await?;
    app.events.write(&mut tx, app.now(), &client.source(), &[sent]).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}
