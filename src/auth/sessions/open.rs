//! Sessions opened by a finished sign-in.

use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::auth::sessions::basis::{Basis, amr};
use crate::base::{Purpose, UserId};
use crate::events::{Event, NewEvent};
use crate::store::sessions::Session;
use crate::tokens::refresh::Refresh;

/// A session about to be stored, with its first refresh token.
pub struct Opened {
    /// The row.
    pub session: Session,
    /// The token.
    pub refresh: Refresh,
}

/// Makes a session; always a new id (R85).
pub fn open(app: &App, client: &Client, user_id: &UserId, basis: &Basis) -> Result<Opened> {
    let now = app.now();
    let id = app.random.uuid();
    let refresh = Refresh::first(&id, &app.random, &app.sealer);
    let refresh = refresh.ok_or_else(|| AuthError::Internal("a session id is no UUID".into()))?;
    let session = Session {
        refresh_hash: refresh.hash(),
        id: id.into(),
        user_id: user_id.to_owned(),
        generation: 0,
        rotated_at: now,
        flow: basis.flow.clone(),
        acr: basis.acr.clone(),
        amr: basis.amr.join(" "),
        auth_time: now,
        ip: client.place(),
        agent: client.agent.clone(),
        created_at: now,
        expires_at: now + app.settings.tokens.session_lifetime.millis(),
    };
    Ok(Opened { session, refresh })
}

impl Opened {
    /// The same as opened now: what was waited for since, hooks above all, is no part of its life.
    #[must_use]
    pub fn now(self, app: &App) -> Self {
        let now = app.now();
        let expires_at = now + app.settings.tokens.session_lifetime.millis();
        let session =
            Session { rotated_at: now, auth_time: now, created_at: now, expires_at, ..self.session };
        Self { session, ..self }
    }
}

/// The event that a session was opened or raised; `recovery_code` where one stood in for a passcode.
pub fn succeeded(purpose: Purpose, session: &Session, recovery_code: bool) -> NewEvent {
    let event = Event::SigninSucceeded {
        purpose: purpose.name(),
        flow: session.flow.clone(),
        acr: session.acr.clone(),
        amr: amr(session),
        recovery_code,
    };
    event.of(&session.user_id).in_session(&session.id)
}
