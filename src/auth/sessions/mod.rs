//! Sessions: opened by a finished sign-in, kept alive by refresh tokens, listed, ended.

pub mod basis;
pub(super) mod hooks;
pub mod introspect;
pub(super) mod late;
pub mod open;
pub mod refresh;
pub mod tokens;
pub mod trusted;

use super::account::events;
use super::error::{AuthError, Result};
use super::input::Client;
use crate::app::App;
use crate::auth::sessions::basis::Caller;
use crate::auth::sessions::refresh::refresh;
use crate::auth::sessions::tokens::holder;
use crate::base::SessionId;
use crate::base::clock::MINUTE;
use crate::events::{Event, NewEvent};
use crate::store::sessions::{self, Session};
use crate::store::{attempts, known_devices};
use crate::tokens::jwt::{self, Access};

/// The live session of an access token. The token is checked, and then the session: an ended one is
/// refused at once (R83).
///
/// # Errors
/// [`AuthError::InvalidToken`].
pub async fn caller(app: &App, token: &str) -> Result<Caller> {
    holder(app, &verified(app, token)?).await
}

/// The claims of an access token that is signed by us, for us, and not over.
pub fn verified(app: &App, token: &str) -> Result<Access> {
    jwt::verify(&app.keys, token, app.settings.issuer(), app.settings.audience(), app.now())
        .map_err(|_| AuthError::InvalidToken)
}

/// The live sessions of the caller.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Session>> {
    Ok(sessions::of_user(&mut app.store.read().await?, &caller.session.user_id, app.now()).await?)
}

/// Ends the caller's own session.
pub async fn end_own(app: &App, client: &Client, caller: &Caller) -> Result<()> {
    end(app, client, caller, &caller.session.id).await
}

/// Ends one of the caller's sessions; the device that another one was opened at is known no more where the caller has
/// proven lately who they are.
///
/// # Errors
/// [`AuthError::NotFound`] where it is none of theirs.
pub async fn end(app: &App, client: &Client, caller: &Caller, id: &SessionId) -> Result<()> {
    let user = &caller.session.user_id;
    // Whoever only found a session open leaves its owner known elsewhere.
    let (now, shown) = (app.now(), caller.session.auth_time);
    let proven = (now - app.settings.reauth.fresh.millis()..=now + MINUTE).contains(&shown);
    let mut tx = app.store.begin().await?;
    // Sessions before known devices, as everywhere: otherwise two of these could wait for each other.
    let ended = sessions::end(&mut tx, id, user).await?.ok_or(AuthError::NotFound)?;
    if let Some(known) = ended.known_device.filter(|_| proven && *id != caller.session.id) {
        known_devices::forget_one(&mut tx, user, &known, &caller.session.id).await?;
    }
    let ended = Event::SessionEnded { reason: "signed_out", count: 1 }.of(user).in_session(id);
    app.events.write(&mut tx, app.now(), &client.source(), &[ended]).await?;
    Ok(tx.commit().await?)
}

/// Ends all of the caller's sessions, this one too, and forgets their known devices.
pub async fn end_all(app: &App, client: &Client, caller: &Caller) -> Result<()> {
    let user = &caller.session.user_id;
    let mut tx = app.store.begin().await?;
    // Whoever stands in the middle of a sign-in is none of those that are meant to stay.
    attempts::drop_of_user(&mut tx, user).await?;
    let ended = sessions::end_all(&mut tx, user).await?;
    known_devices::forget(&mut tx, user).await?;
    let noted: Vec<NewEvent> = events::ended(user, "signed_out", ended).into_iter().collect();
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    Ok(tx.commit().await?)
}
