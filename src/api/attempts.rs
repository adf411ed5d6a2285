//! The doors, and the corridor behind them.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answers::{Attempt, Gone};
use super::body::{self, Sent};
use super::caller::User;
use super::fail::{
    AttemptGone, Fail, NoCode, NoFlow, NotAsked, NotFound, Refused, Sending, SignedIn, Stored, Taken, Typing,
    WrongSecret,
};
use super::{Tag, channel};
use crate::app::App;
use crate::auth::attempts::apart::UNLOCK_CODE;
use crate::auth::doors::{self, Wanted};
use crate::auth::input::Client;
use crate::auth::signup;
use crate::base::Sensitive;

type Answer<S> = Result<Json<Attempt>, Fail<(Sending, S)>>;

/// Sign-in, sign-up, recovery, re-authentication.
pub struct Doors;

#[OpenApi(tag = "Tag::Attempts")]
impl Doors {
    /// Begin a sign-in
    ///
    /// One identifier, and any secrets that are known already.
    #[oai(path = "/v1/signin", method = "post", operation_id = "signin")]
    async fn signin(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        body: Sent<body::Signin>,
    ) -> Answer<(Stored, WrongSecret, NoFlow, Refused, AttemptGone)> {
        Ok(Json(doors::signin(&app, &body.0.client(&client), &body.0.given()).await?.into()))
    }

    /// Begin a sign-up
    ///
    /// Identifiers, secrets for at least one flow, and a profile.
    #[oai(path = "/v1/signup", method = "post", operation_id = "signup")]
    async fn signup(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        body: Sent<body::Signup>,
    ) -> Answer<(Stored, NoFlow, Refused, Taken)> {
        Ok(Json(signup::begin(&app, &client, &body.0.given()).await?.into()))
    }

    /// Begin a recovery
    ///
    /// One identifier. What it leads to is a new password, and new fixed secrets where they are gone, not a session.
    #[oai(path = "/v1/recovery", method = "post", operation_id = "recovery")]
    async fn recovery(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        body: Sent<body::Recovery>,
    ) -> Answer<(Stored, NoFlow, Refused)> {
        Ok(Json(doors::recovery(&app, &body.0.client(&client), &body.0.given()).await?.into()))
    }

    /// Prove again who you are
    ///
    /// By the named flow, or the one that you signed in by. Done, it raises the session.
    #[oai(path = "/v1/reauth", method = "post", operation_id = "reauth")]
    async fn reauth(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: User,
        body: Sent<body::Reauth>,
    ) -> Answer<(SignedIn, WrongSecret, NoFlow, Refused, AttemptGone)> {
        let caller = user.caller(&app).await?;
        let client = body.0.client(&client);
        Ok(Json(doors::reauth(&app, &client, &caller, body.0.text("flow"), &body.0.given()).await?.into()))
    }

    /// Answer an attempt
    ///
    /// With a field that an entry of `ask` names. Where `new_password` is among them, with the fields of all entries.
    #[oai(path = "/v1/attempts/:attempt", method = "post", operation_id = "answer")]
    async fn answer(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        attempt: Path<String>,
        body: Sent<body::Answer>,
    ) -> Answer<(Stored, NotAsked, Typing, NoFlow, Refused, AttemptGone, Taken)> {
        Ok(Json(doors::answer(&app, &client, &Sensitive::new(attempt.0), &body.0.given()).await?.into()))
    }

    /// Send the passcode
    ///
    /// For the first time, again, or by another way; with `secret`, the `unlock_code` that is asked while a factor
    /// rests. The body may be left out.
    #[oai(path = "/v1/attempts/:attempt/send", method = "post", operation_id = "send")]
    async fn send(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        attempt: Path<String>,
        body: Sent<body::Send>,
    ) -> Answer<(Stored, NotAsked, NoFlow, Refused, NotFound, AttemptGone, NoCode)> {
        let channel = channel(&body.0)?;
        let handle = Sensitive::new(attempt.0);
        let unlocks = body.0.text("secret") == Some(UNLOCK_CODE);
        let wanted = Wanted { unlocks, device: body.0.text("device"), channel };
        Ok(Json(doors::send(&app, &client, &handle, wanted).await?.into()))
    }

    /// Give an attempt up
    ///
    /// Its codes are dead at once. What a mail opens to whoever reads it stays open.
    #[oai(path = "/v1/attempts/:attempt", method = "delete", operation_id = "cancel")]
    async fn cancel(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        attempt: Path<String>,
    ) -> Result<Gone, Fail<(Stored, AttemptGone)>> {
        doors::cancel(&app, &client, &Sensitive::new(attempt.0)).await?;
        Ok(Gone::NoContent)
    }
}
