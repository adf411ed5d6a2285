//! Requests whose form is wrong: they are counted here, at whatever door, and cost nothing of what the door itself
//! bounds.

use std::net::IpAddr;
use std::sync::Arc;

use poem::http::StatusCode;
use poem::{Endpoint, Request, Response};

use crate::api::problem::Problem;
use crate::app::App;
use crate::auth::AuthError;
use crate::auth::input::Client;
use crate::throttle::Keys;

/// Counts answers that refuse a form, and refuses too many.
pub(super) struct Forms<E> {
    pub(super) app: Arc<App>,
    pub(super) inner: E,
}

/// What a form that is wrong is answered by.
const WRONG: [StatusCode; 3] =
    [StatusCode::BAD_REQUEST, StatusCode::UNSUPPORTED_MEDIA_TYPE, StatusCode::UNPROCESSABLE_ENTITY];

impl<E: Endpoint<Output = Response>> Endpoint for Forms<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let ip: Option<IpAddr> = request.data::<Client>().map(|client| client.ip);
        let response = self.inner.get_response(request).await;
        if !WRONG.contains(&response.status()) {
            return Ok(response);
        }
        // Only then: a request that is right waits for no count, and is refused for nobody's mistakes.
        let keys = Keys { ip, ..Keys::default() };
        match self.app.throttle.check("form", self.app.now(), &keys).await {
            Ok(()) => Ok(response),
            Err(limited) => Ok(Problem::from(AuthError::from(limited)).response()),
        }
    }
}
