//! What every answer carries (R113, R115, R118).

use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, Request, Response};

/// Adds the headers; answers preflights of the origins that are allowed.
pub(super) struct Headers<E> {
    pub(super) origins: Vec<String>,
    pub(super) https: bool,
    pub(super) inner: E,
}

const ALWAYS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("x-frame-options", "DENY"),
];
/// For everything that is no page of its own.
const BARE: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

impl<E: Endpoint<Output = Response>> Endpoint for Headers<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let origin = self.allowed(request.headers());
        let preflight = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let mut response = match (&origin, preflight) {
            (Some(_), true) => Response::builder().status(StatusCode::NO_CONTENT).finish(),
            _ => self.inner.get_response(request).await,
        };
        let headers = response.headers_mut();
        for (name, value) in ALWAYS {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(BARE));
        if self.https {
            let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
            headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
        }
        self.share(headers, origin, preflight);
        Ok(response)
    }
}

impl<E> Headers<E> {
    /// The origin of the request, where it is on the list, whole (R113).
    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.origins.iter().any(|allowed| origin == allowed.as_str()).then(|| origin.clone())
    }

    fn share(&self, headers: &mut HeaderMap, origin: Option<HeaderValue>, preflight: bool) {
        if !self.origins.is_empty() {
            let packed = headers.contains_key(header::VARY);
            let vary = if packed { "Accept-Encoding, Origin" } else { "Origin" };
            headers.insert(header::VARY, HeaderValue::from_static(vary));
        }
        let Some(origin) = origin else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("retry-after, x-request-id"),
        );
        if preflight {
            let methods = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            let allowed = HeaderValue::from_static("authorization, content-type");
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
    }
}
