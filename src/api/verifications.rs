//! Verifications: somebody holds a number or an address, no user involved.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};

use super::answers::Gone;
use super::body::{self, Sent};
use super::caller::Backend;
use super::fail::{Fail, NotFound, Sending, SignedIn, Typing};
use super::{Tag, channel};
use crate::app::App;
use crate::auth::input::Client;
use crate::auth::verification::{self, Passed, Pending};
use crate::base::Sensitive;
use poem_openapi::ApiResponse;
use poem_openapi::payload::Json;

/// A verification under way.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Verification {
    /// The handle: check at `POST /v1/verifications/{verification}/check`.
    verification: String,
    /// How the code was sent.
    channel: Option<String>,
    /// Where it was sent, masked.
    to: Option<String>,
    /// How many characters it has.
    length: Option<u32>,
    /// Seconds until it ends.
    expires_in: Option<u64>,
    /// Seconds until another one may be asked for.
    resend_in: Option<u64>,
    /// Guesses left.
    attempts_left: Option<u32>,
}

impl From<Pending> for Verification {
    fn from(pending: Pending) -> Self {
        let ask = pending.ask;
        Self {
            verification: pending.handle.expose().to_owned(),
            channel: ask.channel,
            to: ask.to,
            length: ask.length,
            expires_in: ask.expires_in,
            resend_in: ask.resend_in,
            attempts_left: ask.attempts_left,
        }
    }
}

/// A verification that was passed.
#[derive(Object)]
pub struct Verified {
    /// The number or address in its canonical form.
    to: String,
    /// How it was reached.
    channel: String,
    /// When, in seconds since the epoch.
    verified_at: i64,
    /// A JWT with `to`, `channel` and `verified_at`, to be checked by the JWKS (`typ` `verification+jwt`).
    proof: String,
}

impl From<Passed> for Verified {
    fn from(passed: Passed) -> Self {
        let proof = passed.proof.expose().to_owned();
        Self { to: passed.to, channel: passed.channel, verified_at: passed.verified_at, proof }
    }
}

/// Verifications.
pub struct VerificationApi;

#[OpenApi(tag = "Tag::Verifications")]
impl VerificationApi {
    /// Send a code to a number or an address
    ///
    /// Scope `verify`.
    #[oai(path = "/v1/verifications", method = "post", operation_id = "start_verification")]
    async fn start(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        backend: Backend,
        body: Sent<body::NewVerification>,
    ) -> Result<MadeVerification, Fail<(Sending, SignedIn)>> {
        let key = backend.key(&app, &client, "verify").await?;
        let (to, channel) = (body.0.text("to").unwrap_or_default(), channel(&body.0)?);
        let pending = verification::start(&app, &client, &key, to, channel).await?;
        Ok(MadeVerification::Made(Json(pending.into())))
    }

    /// Check a code
    ///
    /// A right one gives a signed proof. Scope `verify`.
    #[oai(
        path = "/v1/verifications/:verification/check",
        method = "post",
        operation_id = "check_verification"
    )]
    async fn check(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        backend: Backend,
        verification: Path<String>,
        body: Sent<body::Code>,
    ) -> Result<Json<Verified>, Fail<(Sending, SignedIn, NotFound, Typing)>> {
        let key = backend.key(&app, &client, "verify").await?;
        let (handle, code) = (Sensitive::new(verification.0), body.0.secret("passcode").unwrap_or_default());
        Ok(Json(verification::check(&app, &client, &key, &handle, &code).await?.into()))
    }

    /// Give a verification up
    ///
    /// Scope `verify`.
    #[oai(path = "/v1/verifications/:verification", method = "delete", operation_id = "cancel_verification")]
    async fn cancel(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        backend: Backend,
        verification: Path<String>,
    ) -> Result<Gone, Fail<(SignedIn, NotFound)>> {
        let key = backend.key(&app, &client, "verify").await?;
        verification::cancel(&app, &key, &Sensitive::new(verification.0)).await?;
        Ok(Gone::NoContent)
    }
}

/// Something was made.
#[derive(ApiResponse)]
pub enum MadeVerification {
    /// The code is on its way.
    #[oai(status = 201)]
    Made(Json<Verification>),
}
