//! Introspection (RFC 7662): whether a token is good at this very moment.

use super::error::Result;
use super::session::{self, Caller};
use crate::app::App;
use crate::store::api_keys::ApiKey;
use crate::store::sessions;
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
        let found = sessions::live(&mut app.store.read().await?, &refresh.session(), app.now()).await?;
        let idle_since = app.now() - app.settings.tokens.idle_lifetime.millis();
        let live =
            found.filter(|session| session.refresh_hash == refresh.hash() && session.rotated_at > idle_since);
        return Ok(
            live.map_or(Inspected::Inactive, |session| Inspected::Refresh(Box::new(Caller { session })))
        );
    }
    let Ok(claims) = session::verified(app, token) else { return Ok(Inspected::Inactive) };
    match session::holder(app, &claims).await {
        Ok(_) => Ok(Inspected::Access(Box::new(claims))),
        Err(super::error::AuthError::InvalidToken) => Ok(Inspected::Inactive),
        Err(error) => Err(error),
    }
}
