//! How large and how slow a request may be (R103, R107).

use std::time::Duration;

use poem::http::Method;
use poem::{Endpoint, Request, Response};

use crate::api::problem::Problem;

/// Bytes of the request's address.
const URI: usize = 8 * 1024;

/// Where vendors report. They send many reports at once: SendGrid up to 768 KiB of them.
const RECEIPTS: &str = "/v1/receipts/";
const RECEIPTS_BODY: usize = 1024 * 1024;

/// Reads the whole body within its limits before anything looks at it.
pub(super) struct Limits<E> {
    pub(super) body: usize,
    pub(super) patience: Duration,
    pub(super) inner: E,
}

impl<E: Endpoint<Output = Response>> Endpoint for Limits<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let uri = request.uri().path_and_query().map_or(0, |all| all.as_str().len());
        if uri > URI {
            return Ok(Problem::new("uri_too_long").response());
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let most = if request.uri().path().starts_with(RECEIPTS) { RECEIPTS_BODY } else { 0 };
            let reading = request.take_body().into_bytes_limit(self.body.max(most));
            match tokio::time::timeout(self.patience, reading).await {
                Ok(Ok(bytes)) => request.set_body(bytes),
                Ok(Err(poem::error::ReadBodyError::PayloadTooLarge)) => {
                    return Ok(Problem::new("too_large").response());
                }
                Ok(Err(_)) | Err(_) => return Ok(Problem::new("invalid_request").response()),
            }
        }
        self.inner.call(request).await
    }
}
