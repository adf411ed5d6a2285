//! The sessions of the signed-in user.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::Tag;
use super::answers::{Gone, Session};
use super::caller::User;
use super::fail::{Fail, NotFound, SignedIn};
use crate::app::App;
use crate::auth::input::Client;
use crate::auth::{AuthError, sessions};
use crate::base::{SessionId, ids};

/// The sessions of the signed-in user.
pub struct SessionApi;

#[OpenApi(tag = "Tag::Sessions")]
impl SessionApi {
    /// List sessions
    ///
    /// Every place where the user is signed in.
    #[oai(path = "/v1/me/sessions", method = "get", operation_id = "sessions")]
    async fn list(&self, app: Data<&Arc<App>>, user: User) -> Result<Json<Vec<Session>>, Fail<SignedIn>> {
        let caller = user.caller(&app).await?;
        let all = sessions::list(&app, &caller).await?;
        Ok(Json(all.into_iter().map(|s| Session::new(s, &caller.session.id)).collect()))
    }

    /// End all sessions
    ///
    /// This one too.
    #[oai(path = "/v1/me/sessions", method = "delete", operation_id = "end_sessions")]
    async fn end_all(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
    ) -> Result<Gone, Fail<SignedIn>> {
        let caller = user.caller(&app).await?;
        sessions::end_all(&app, &client, &caller).await?;
        Ok(Gone::NoContent)
    }

    /// End a session
    ///
    /// Its refresh token is dead at once; its access token lives on for its minutes where nobody asks here. Where it is
    /// another than this one, and this one was proven lately, the device that it was opened at is known no more.
    #[oai(path = "/v1/me/sessions/:id", method = "delete", operation_id = "end_session")]
    async fn end(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
        id: Path<String>,
    ) -> Result<Gone, Fail<(SignedIn, NotFound)>> {
        let caller = user.caller(&app).await?;
        let id = ids::uuid(&id).map(SessionId::from).ok_or(AuthError::NotFound)?;
        sessions::end(&app, &client, &caller, &id).await?;
        Ok(Gone::NoContent)
    }
}
