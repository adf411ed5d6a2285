//! What is known of a request before anything else: its id, its client, when it began. One log line a request, one
//! count a route.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use poem::http::{HeaderValue, Method, StatusCode, Version, header};
use poem::{Endpoint, Request, Response};
use tracing::Instrument;

use super::client::Proxies;
use super::paths;
use crate::app::App;
use crate::base::net;
use crate::store::patience;
use crate::telemetry::{self, metrics};

/// The outermost endpoint.
pub(super) struct Context<E> {
    pub(super) app: Arc<App>,
    pub(super) proxies: Proxies,
    pub(super) inner: E,
}

impl<E: Endpoint<Output = Response>> Endpoint for Context<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let began = Instant::now();
        let id = self.app.random.uuid();
        let mut client = self.proxies.client(&request);
        client.request.clone_from(&id);
        let (method, served) = (request.method().clone(), paths::find(request.uri().path()));
        let route = served.map_or("other", |served| served.pattern);
        let span = telemetry::request(&id, route);
        let network = net::network(client.ip);
        let kept = request.version() <= Version::HTTP_11;
        request.set_data(client);
        request.set_data(self.app.clone());
        // On the heap, so that what stands around it is small.
        let answer = Box::pin(self.inner.get_response(request).instrument(span.clone()));
        let answers = self.app.settings.database.timeout.duration() + patience::MORE;
        let mut response = patience::within(patience::REQUEST, answers, answer).await;
        if let (StatusCode::METHOD_NOT_ALLOWED, Some(served)) = (response.status(), served) {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(served.methods));
        }
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", value);
        }
        // While the server is about to stop, a connection ends with the answer that it has, and not with a request that
        // nobody takes any more. One of HTTP/2 is told when it is to end.
        if kept && self.app.stopping.load(Ordering::Relaxed) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        span.in_scope(|| tell(&id, &method, route, &network, response.status(), began));
        Ok(response)
    }
}

/// The methods that the log names.
const KNOWN: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// One line and one count.
fn tell(id: &str, method: &Method, route: &'static str, network: &str, status: StatusCode, began: Instant) {
    let elapsed = began.elapsed();
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    // Any word may stand for a method; only those that are known are written.
    let method = KNOWN.iter().find(|known| *known == method).map_or("other", Method::as_str);
    tracing::info!(request = id, method, route, network, status = status.as_u16(), millis, "request");
    metrics::request(route, status.as_u16(), elapsed.as_secs_f64());
}
