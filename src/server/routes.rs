//! The route tree.

use std::sync::Arc;

use poem::web::Data;
use poem::{Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Request, Response, Route, get, handler};

use super::caught::Caught;
use super::client::Proxies;
use super::context::Context;
use super::docs;
use super::forms::Forms;
use super::headers::Headers;
use super::host;
use super::limits::Limits;
use super::ready::{self, Readiness};
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::devices::{self, email::Email};
use crate::settings::Mode;
use crate::{api, pages, telemetry};

/// The whole server as one endpoint.
pub fn endpoint(app: Arc<App>) -> impl Endpoint<Output = Response> {
    let settings = &app.settings;
    let inner = routes(&app).catch_all_error(api::problem::framework).map_to_response();
    let (body, patience) = (settings.server.body_limit as usize, settings.server.body_timeout.duration());
    let inner = Headers {
        origins: settings.server.cors_origins.clone(),
        https: settings.public_url.scheme() == "https",
        inner: Forms {
            app: app.clone(),
            inner: Limits { body, patience, room: Arc::default(), inner: Caught(inner) },
        },
    };
    Context { proxies: Proxies::new(&settings.server.trusted_proxies), inner, app }
}

fn routes(app: &Arc<App>) -> Route {
    let settings = &app.settings;
    // Not at "/" itself, where it would take the home page's place.
    let api = Arc::new(api::service().into_endpoint());
    let mut route = Route::new()
        .nest_no_strip("/v1", api.clone())
        .nest_no_strip("/.well-known", api)
        .at("/confirm/:key", get(pages::confirm::show).post(pages::confirm::spend))
        .at("/recover/:attempt", get(pages::recover::show).post(pages::recover::set))
        .at("/v1/receipts/:provider", get(api::receipts::take).post(api::receipts::take))
        .at("/healthz", get(alive))
        .at("/readyz", get(ready::ready.data(Arc::new(Readiness::new(&app.random)))))
        .at("/.well-known/security.txt", get(security));
    if settings.serves_docs() {
        route = route.at("/docs", get(docs::page(app))).at("/openapi.json", get(docs::document(app)));
    }
    if settings.server.metrics {
        route = route.at("/metrics", get(metrics));
    }
    if settings.mode == Mode::Development {
        route = route.at("/dev/inbox", get(OnlyHere(pages::inbox::show))).at("/", get(pages::inbox::home));
    }
    route
}

/// What only this machine's own names lead to: everybody's messages are in the inbox.
struct OnlyHere<E>(E);

impl<E: Endpoint> Endpoint for OnlyHere<E> {
    type Output = E::Output;

    async fn call(&self, request: Request) -> poem::Result<E::Output> {
        if host::is_loopback(&request) {
            self.0.call(request).await
        } else {
            Err(Problem::new(Code::NotFound).into())
        }
    }
}

/// Metrics alone, for a listener of their own.
pub(super) fn metrics_only() -> impl Endpoint<Output = Response> {
    let route = Route::new().at("/metrics", get(metrics));
    let inner = route.catch_all_error(api::problem::framework).map_to_response();
    Headers { origins: Vec::new(), https: false, inner }
}

/// Liveness: the process answers. It touches nothing else (R144).
#[handler]
fn alive() -> Response {
    Response::builder().content_type("text/plain; charset=utf-8").body("ok\n")
}

#[handler]
fn metrics() -> Response {
    let text = telemetry::metrics::shared().map(telemetry::metrics::Metrics::render).unwrap_or_default();
    Response::builder().content_type("text/plain; version=0.0.4; charset=utf-8").body(text)
}

/// The contact that mails name as a URI, where it is an address or one.
fn contact(app: &App) -> Option<String> {
    let named = app.settings.messages.contact.as_str();
    match devices::read(&Email, named, &app.rules) {
        Ok(address) => Some(format!("mailto:{}", address.delivery)),
        Err(_) => Some(named.to_owned()).filter(|named| named.starts_with("https://")),
    }
}

/// Where faults are reported (RFC 9116, R163): at the operator's contact, else at this instance's address.
#[handler]
fn security(app: Data<&Arc<App>>) -> Response {
    let contact = contact(&app);
    let text = format!(
        "Contact: {}\nExpires: {}\n",
        contact.unwrap_or_else(|| app.settings.public_url.to_string()),
        crate::base::clock::rfc3339(app.now() + 180 * crate::base::clock::DAY)
    );
    text.with_content_type("text/plain; charset=utf-8").into_response()
}
