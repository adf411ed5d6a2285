//! The API's document and its page: large, the same for everybody, so made once and shared by all that ask.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use poem::http::{HeaderMap, HeaderName, HeaderValue, header};
use poem::{Endpoint, Request, Response};
use tokio::sync::OnceCell;
use tracing::Span;

use crate::api;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::auth::AuthError;
use crate::auth::input::Client;
use crate::throttle::Keys;

/// The page brings its own script and styles, so it has its own policy.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; \
    img-src data: blob:; font-src data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The document (OpenAPI, JSON).
pub(super) fn document(app: &Arc<App>) -> Shared {
    Shared::new(
        app,
        |app| api::document(&app.settings, &app.extensions).to_string(),
        &[(header::CONTENT_TYPE, "application/json; charset=utf-8")],
    )
}

/// The page of the document.
pub(super) fn page(app: &Arc<App>) -> Shared {
    let headers =
        &[(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    Shared::new(app, html, headers)
}

fn html(app: &App) -> String {
    // Fonts and a client from elsewhere would be asked for; the policy forbids them.
    const PLAIN: &str =
        r#"id="api-reference" data-configuration='{"withDefaultFonts":false,"hideClientButton":true}'"#;
    let document = api::document(&app.settings, &app.extensions).to_string().replace("</", "<\\/");
    let service = api::service();
    let (made, spec) = (service.scalar_html(), service.spec());
    let changes = [
        ("<title>Scalar</title>", "<title>multauth: the API</title>"),
        (r#"id="api-reference""#, PLAIN),
        (spec.as_str(), document.as_str()),
    ];
    // The page has three megabytes: one copy, whatever is changed in it.
    let (mut page, mut rest) = (String::with_capacity(made.len() + document.len()), made.as_str());
    for (plain, ours) in changes {
        let Some((before, after)) = rest.split_once(plain) else { continue };
        page += before;
        page += ours;
        rest = after;
    }
    page + rest
}

/// A body that is made when somebody first asks (few do, and it does not change while an instance runs), and then kept
/// once for all.
pub(super) struct Shared {
    app: Arc<App>,
    make: fn(&App) -> String,
    headers: &'static [(HeaderName, &'static str)],
    made: OnceCell<Made>,
}

/// As it is, and compressed.
struct Made {
    plain: Bytes,
    gzip: Bytes,
}

impl Made {
    fn of(text: String) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        // Nothing fails that writes into memory; if it did, what is plain would stand for it.
        let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
        let gzip = packed.map(|packed| Bytes::from(packed.into_boxed_slice())).unwrap_or_default();
        Self { plain: text.into(), gzip }
    }
}

impl Shared {
    fn new(app: &Arc<App>, make: fn(&App) -> String, headers: &'static [(HeaderName, &'static str)]) -> Self {
        Self { app: app.clone(), make, headers, made: OnceCell::new() }
    }

    /// The body. Packing takes a moment, which others do not wait for.
    async fn made(&self) -> Option<&Made> {
        let make = || async {
            let (app, make, span) = (self.app.clone(), self.make, Span::current());
            tokio::task::spawn_blocking(move || span.in_scope(|| Made::of(make(&app)))).await
        };
        self.made.get_or_try_init(make).await.ok()
    }

    /// It costs what it weighs: each client has so many.
    async fn counted(&self, request: &Request) -> Result<(), Problem> {
        let ip = request.extensions().get::<Client>().map(|client| client.ip);
        let keys = Keys { ip, ..Keys::default() };
        let checked = self.app.throttle.check("docs", self.app.now(), &keys).await;
        checked.map_err(|limited| AuthError::from(limited).into())
    }
}

impl Endpoint for Shared {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        self.counted(&request).await?;
        let made = self.made().await.ok_or_else(|| Problem::new(Code::Internal))?;
        let packed = takes_gzip(request.headers()) && !made.gzip.is_empty();
        let mut response = Response::builder().body(if packed { &made.gzip } else { &made.plain }.clone());
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if packed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(response)
    }
}

/// Whether the client takes gzip (RFC 9110 section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let all = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let weight = |coding: &str| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight =
            parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
        (name, weight.unwrap_or(0.0))
    };
    let codings: Vec<_> = all.flat_map(|value| value.split(',')).map(weight).collect();
    let named = |wanted: &[&str]| codings.iter().find(|(name, _)| wanted.contains(&name.as_str()));
    named(&["gzip", "x-gzip"]).or_else(|| named(&["*"])).is_some_and(|(_, weight)| *weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let takes = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
            }
            takes_gzip(&headers)
        };
        for yes in ["gzip", "br, gzip", "GZIP;q=0.1", "x-gzip", "*", "*;q=0, gzip", "deflate, gzip;q=1.0"] {
            assert!(takes(&[yes]), "{yes}");
        }
        for no in ["", "br", "identity", "gzip;q=0", "gzip; q=0.0, *", "*;q=0", "gzipped", "gzip;q=x"] {
            assert!(!takes(&[no]), "{no}");
        }
        assert!(takes(&["br", "gzip"]) && !takes(&[]));
    }
}
