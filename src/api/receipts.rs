//! Where vendors report what became of messages. No operation of the API: each vendor calls it its own way.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::{Data, Path};
use poem::{Body, Request, Response, handler};

use crate::app::App;
use crate::auth::input::Client;
use crate::events::Source;
use crate::outbox::receipts::{self, Refused};
use crate::providers::Callback;

/// Takes a callback of the vendor behind the provider of that name.
#[handler]
pub async fn take(
    app: Data<&Arc<App>>,
    client: Data<&Client>,
    Path(provider): Path<String>,
    request: &Request,
    body: Body,
) -> poem::Result<Response> {
    // A body for nobody is not read.
    if !receipts::are_read(&app.routes, &provider) {
        return Ok(answer(StatusCode::NOT_FOUND));
    }
    let body = body.into_bytes().await?;
    // The URL as the vendor knows it: its signature may cover it, and proxies may have changed what came.
    let path = request.original_uri().path_and_query().map_or("", |path| path.as_str());
    let url = format!("{}{path}", app.settings.base_url());
    let callback = Callback { url: &url, headers: request.headers(), body: &body, now: app.now() };
    // The network is the vendor's, and tells nothing of the user.
    let source = Source { request: client.request.clone(), ..Source::default() };
    Ok(answer(
        match receipts::take(&app.store, &app.routes, (&app.events, &source), &provider, &callback).await {
            Ok(()) => {
                app.wake.notify_one();
                StatusCode::NO_CONTENT
            }
            Err(Refused::Unknown) => StatusCode::NOT_FOUND,
            Err(Refused::Untrusted(why)) => {
                tracing::warn!(often = true, %why, provider, "a receipt was refused");
                StatusCode::FORBIDDEN
            }
            Err(Refused::Store(error)) => {
                tracing::warn!(often = true, %error, provider, "a receipt could not be stored; the vendor tries again");
                StatusCode::SERVICE_UNAVAILABLE
            }
        },
    ))
}

fn answer(status: StatusCode) -> Response {
    Response::builder().status(status).finish()
}
