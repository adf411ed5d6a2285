//! Introspection (RFC 7662): whether a token is good at this very moment.

use crate::app::App;
use crate::auth::error::Result;
use crate::auth::sessions::basis::Caller;
use crate::auth::sessions::{self, refresh, tokens};
use crate::base::SessionId;
use crate::store::api_keys::ApiKey;
use crate::store::sessions::{self as session_rows, Session};
use crate::throttle::Keys;
use crate::tokens::jwt::Access;
use crate::tokens::refresh::Refresh;

/// What a token is worth.
#[derive(Clone, Debug)]
pub enum Inspected {
    /// Nothing: unknown, over, ended, of a disabled user.
    Inactive,
    /// A live access token.
    Access(Box<Access>),
    /// A live refresh token of this session.
    Refresh(Box<Caller>),
}

/// Looks at a token, access or refresh, for the holder of an API key.
pub async fn look(app: &App, key: &ApiKey, token: &str) -> Result<Inspected> {
    let keys = Keys { key: Some(&key.id), ..Keys::default() };
    app.throttle.check("introspect", app.now(), &keys).await?;
    if let Some(refresh) = Refresh::parse(token) {
        let id = SessionId::from(refresh.session());
        let found = session_rows::by_id(&mut app.store.read().await?, &id).await?;
        let now = app.now();
        let idle_since = refresh::idle_since(app, now);
        let found = found.filter(|session| session.refresh_hash == refresh.hash());
        let over = |session: &Session| session.expires_at <= now || session.rotated_at <= idle_since;
        if found.as_ref().is_some_and(over) {
            refresh::bury(app, &id, now, idle_since).await?;
            return Ok(Inspected::Inactive);
        }
        let live = found;
        return Ok(
            live.map_or(Inspected::Inactive, |session| Inspected::Refresh(Box::new(Caller { session })))
        );
    }
    let Ok(claims) = sessions::verified(app, token) else { return Ok(Inspected::Inactive) };
    match tokens::holder(app, &claims).await {
        Ok(_) => Ok(Inspected::Access(Box::new(claims))),
        Err(crate::auth::error::AuthError::InvalidToken) => Ok(Inspected::Inactive),
        Err(error) => Err(error),
    }
}
