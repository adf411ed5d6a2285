//! Tokens: refreshed, given back, looked at.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Tag;
use super::answers::{Gone, Pair};
use super::body::{self, Sent};
use super::caller::{Backend, User};
use super::fail::{Fail, NotFound, Refused, Sending, SignedIn};
use crate::app::App;
use crate::auth::input::Client;
use crate::auth::sessions::introspect::{self, Inspected};
use crate::auth::sessions::{self, refresh};

/// What a token is worth (RFC 7662).
#[derive(Object, Default)]
#[oai(skip_serializing_if_is_none)]
pub struct Inspection {
    /// Whether it is good at this moment.
    active: bool,
    /// `access_token` or `refresh_token`.
    token_type: Option<String>,
    /// The issuer.
    iss: Option<String>,
    /// Whom it is for.
    aud: Option<String>,
    /// The user's id.
    sub: Option<String>,
    /// The session's id.
    sid: Option<String>,
    /// When it ends, in seconds since the epoch.
    exp: Option<i64>,
    /// When it was made, in seconds since the epoch.
    iat: Option<i64>,
    /// The level of the authentication.
    acr: Option<String>,
    /// The factors that were passed.
    amr: Option<Vec<String>>,
    /// When the user last proved who they are, in seconds since the epoch.
    auth_time: Option<i64>,
}

impl From<Inspected> for Inspection {
    fn from(found: Inspected) -> Self {
        match found {
            Inspected::Inactive => Self::default(),
            Inspected::Access(claims) => Self {
                active: true,
                token_type: Some("access_token".into()),
                iss: Some(claims.iss),
                aud: Some(claims.aud),
                sub: Some(claims.sub),
                sid: Some(claims.sid),
                exp: Some(claims.exp),
                iat: Some(claims.iat),
                acr: Some(claims.acr),
                amr: Some(claims.amr),
                auth_time: Some(claims.auth_time),
            },
            Inspected::Refresh(caller) => Self {
                active: true,
                token_type: Some("refresh_token".into()),
                sub: Some(caller.session.user_id.into()),
                sid: Some(caller.session.id.into()),
                exp: Some(caller.session.expires_at.div_euclid(1_000)),
                acr: Some(caller.session.acr),
                auth_time: Some(caller.session.auth_time.div_euclid(1_000)),
                ..Self::default()
            },
        }
    }
}

/// Tokens.
pub struct TokenApi;

#[OpenApi(tag = "Tag::Tokens")]
impl TokenApi {
    /// Refresh
    ///
    /// A refresh token is good once. Shown again within the grace it gives the same successor; later, it ends
    /// the session.
    #[oai(path = "/v1/token", method = "post", operation_id = "refresh")]
    async fn refresh(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        body: Sent<body::Refresh>,
    ) -> Result<Json<Pair>, Fail<(Sending, SignedIn, Refused)>> {
        let token = body.0.secret("refresh_token").unwrap_or_default();
        Ok(Json(refresh::refresh(&app, &client, token.expose()).await?.1.into()))
    }

    /// Sign out
    ///
    /// The session of the access token ends.
    #[oai(path = "/v1/signout", method = "post", operation_id = "signout")]
    async fn signout(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
    ) -> Result<Gone, Fail<(SignedIn, NotFound)>> {
        let caller = user.caller(&app).await?;
        sessions::end_own(&app, &client, &caller).await?;
        Ok(Gone::NoContent)
    }

    /// Look at a token (RFC 7662)
    ///
    /// Whether it is good at this very moment: an ended session is inactive at once. Scope `introspect`.
    #[oai(path = "/v1/introspect", method = "post", operation_id = "introspect")]
    async fn introspect(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        backend: Backend,
        body: Sent<body::Introspect>,
    ) -> Result<Json<Inspection>, Fail<(Sending, SignedIn)>> {
        let key = backend.key(&app, &client, "introspect").await?;
        let token = body.0.secret("token").unwrap_or_default();
        Ok(Json(introspect::look(&app, &key, token.expose()).await?.into()))
    }
}
