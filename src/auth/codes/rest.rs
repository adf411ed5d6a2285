//! A rest after a code that died of wrong guesses, where the settings ask for one: only where something of the account
//! was proven before the code, so that a stranger holds up nobody; and only whoever is counted as they are who guessed,
//! so that a thief with a secret does not either.

use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::{Subject, so_far};
use crate::auth::sending::order::Order;
use crate::base::clock::{coarse, seconds_until};
use crate::store::{Tx, guesses};

/// What the moment of the last dead code is kept under.
const DEAD: &str = "dead code";

/// Notes that a code died.
pub async fn begin(app: &App, tx: &mut Tx, subject: &Subject) -> Result<()> {
    let Some(name) = subject.rests_by().filter(|_| app.settings.passcode.rest.millis() > 0) else {
        return Ok(());
    };
    guesses::fail(tx, name, DEAD, app.shared_now(), 1).await?;
    Ok(())
}

/// Whether another code may be sent already.
///
/// # Errors
/// [`AuthError::TooMany`] until the rest is over.
pub async fn check(app: &App, order: &Order) -> Result<()> {
    let rest = app.settings.passcode.rest.millis();
    let Some(name) = order.rests_by.as_deref().filter(|_| rest > 0) else { return Ok(()) };
    let last = so_far::alone(app, name, DEAD).await?;
    let until = last.last_at + rest;
    if last.streak == 0 || until <= app.shared_now() {
        return Ok(());
    }
    Err(AuthError::TooMany { retry_after: coarse(seconds_until(app.shared_now(), until)) })
}
