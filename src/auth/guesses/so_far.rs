//! What was guessed so far, as of now. What a clock that was ahead wrote counts as made now, and is written so by whoever
//! finds it: otherwise a row would bar its account for as long as the clock was ahead, or for ever, as now goes on. It
//! frees nothing, for counts stay as they are.

use crate::app::App;
use crate::auth::error::Result;
use crate::store::Tx;
use crate::store::guesses::{self, Guesses};

/// The failures of `subject` with `factor`, looked up outside of any transaction: whoever holds one calls [`within`].
pub async fn alone(app: &App, subject: &str, factor: &str) -> Result<Guesses> {
    let found = guesses::of(&mut app.store.read().await?, subject, factor).await?;
    let now = app.shared_now();
    if !found.is_ahead(now) || !app.agreement.is_settled() {
        return Ok(found.settled(now));
    }
    let mut tx = app.store.begin().await?;
    let found = within(app, &mut tx, subject, factor).await?;
    tx.commit().await?;
    Ok(found)
}

/// The same within a transaction, which is to be committed whatever comes of it.
pub async fn within(app: &App, tx: &mut Tx, subject: &str, factor: &str) -> Result<Guesses> {
    let (found, now) = (guesses::of(tx, subject, factor).await?, app.shared_now());
    // Instances that do not believe the same moment would bring it back by turns, and free it.
    if found.is_ahead(now) && app.agreement.is_settled() {
        guesses::bring_back(tx, subject, factor, now).await?;
    }
    Ok(found.settled(now))
}
