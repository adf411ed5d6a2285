//! Who calls: a user by an access token, a backend by an API key.

use poem_openapi::SecurityScheme;
use poem_openapi::auth::Bearer;

use crate::app::App;
use crate::auth::operator::api_keys;
use crate::auth::sessions::basis::Caller;
use crate::auth::{AuthError, Result, sessions};
use crate::store::api_keys::ApiKey;
use crate::telemetry;
use crate::throttle::Keys;

/// An access token: `Authorization: Bearer …`.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", bearer_format = "JWT", rename = "accessToken")]
pub struct User(Bearer);

impl User {
    /// The live session behind the token; every call of a signed-in user counts, for each session
    /// apart: one that somebody else holds does not keep its owner from ending it.
    pub async fn caller(&self, app: &App) -> Result<Caller> {
        let caller = sessions::caller(app, &self.0.token).await?;
        telemetry::user(&caller.session.user_id);
        let (account, session) = (Some(caller.session.user_id.as_str()), Some(caller.session.id.as_str()));
        let keys = Keys { account, known: session, ..Keys::default() };
        app.throttle.check("me", app.now(), &keys).await?;
        Ok(caller)
    }
}

/// Somebody who may be signed in.
#[derive(SecurityScheme)]
pub enum Anybody {
    /// They are.
    User(User),
    /// They are not, or do not say so.
    #[oai(fallback)]
    Nobody,
}

impl Anybody {
    /// The live session behind the token, where there is one; a token that is over is as good as none.
    pub async fn caller(&self, app: &App) -> Result<Option<Caller>> {
        match self {
            Self::User(user) => match user.caller(app).await {
                Ok(caller) => Ok(Some(caller)),
                Err(AuthError::InvalidToken) => Ok(None),
                Err(error) => Err(error),
            },
            Self::Nobody => Ok(None),
        }
    }
}

/// An API key, made by `multauth apikeys make`: `Authorization: Bearer mk_…`.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "apiKey")]
pub struct Backend(Bearer);

impl Backend {
    /// The live key, if it has the scope. A wrong one counts as a failure of its network, and waits where there were
    /// too many. A right one never does: it cannot be guessed, and a backend shares its address with others.
    pub async fn key(&self, app: &App, client: &crate::auth::input::Client, scope: &str) -> Result<ApiKey> {
        let found = api_keys::check(app, &self.0.token, scope).await;
        if matches!(found, Err(AuthError::InvalidToken)) {
            let keys = Keys { ip: Some(client.ip), ..Default::default() };
            app.throttle.check("failures", app.now(), &keys).await?;
        }
        found
    }
}
