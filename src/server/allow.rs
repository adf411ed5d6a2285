//! A refused method is told which ones there are (RFC 9110, 15.5.6).

use std::collections::HashMap;

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, Request, Response};
use serde_json::{Map, Value};

use super::context::route;

/// Adds `Allow` to 405.
pub(super) struct Allow<E> {
    methods: HashMap<String, HeaderValue>,
    inner: E,
}

impl<E> Allow<E> {
    /// Reads the methods of every operation from the API document.
    pub(super) fn new(document: &Value, inner: E) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let one = |(path, item): (&String, &Value)| {
            let names = item.as_object().into_iter().flat_map(Map::keys);
            let mut names: Vec<String> = names.map(|name| name.to_uppercase()).collect();
            if names.iter().any(|name| name == "GET") {
                names.push("HEAD".to_owned());
            }
            Some((path.clone(), HeaderValue::from_str(&names.join(", ")).ok()?))
        };
        Self { methods: paths.filter_map(one).collect(), inner }
    }
}

/// What is no operation of the API is there to be looked at; only the page of a link takes something.
fn pages(route: &str) -> HeaderValue {
    HeaderValue::from_static(if route == "/confirm/{key}" { "GET, HEAD, POST" } else { "GET, HEAD" })
}

impl<E: Endpoint<Output = Response>> Endpoint for Allow<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let route = route(request.uri().path());
        let mut response = self.inner.call(request).await?;
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            let methods = self.methods.get(route).cloned().unwrap_or_else(|| pages(route));
            response.headers_mut().insert(header::ALLOW, methods);
        }
        Ok(response)
    }
}
