//! How long a request's address may be, and what of a request is read (R103, R107).

use std::sync::Arc;
use std::time::Duration;

use poem::http::{Version, header};
use poem::{Endpoint, Request, Response};

use super::arriving::{Allowance, Room, arriving};
use super::{host, paths};
use crate::api::problem::{Code, Problem};
use crate::base::Detail;

/// Bytes of the request's address.
const URI: usize = 8 * 1024;
/// Vendors send many reports at once: SendGrid up to 768 KiB of them.
const RECEIPTS: usize = 1024 * 1024;

/// Bounds every request before anything looks at it. Its body is read when the operation asks for it, never before.
pub(super) struct Limits<E> {
    pub(super) body: usize,
    pub(super) patience: Duration,
    pub(super) room: Arc<Room>,
    pub(super) inner: E,
}

impl<E: Endpoint<Output = Response>> Endpoint for Limits<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let uri = request.uri().path_and_query().map_or(0, |all| all.as_str().len());
        if uri > URI {
            return Ok(Problem::new(Code::UriTooLong).response());
        }
        if !host::is_sound(&request) {
            return Ok(Problem::new(Code::InvalidRequest).detail(&Detail::OneHost).response());
        }
        let body = request.take_body();
        if !body.is_empty() {
            request.set_body(arriving(body, self.allowance(&request), self.room.clone()));
        }
        self.inner.call(request).await
    }
}

impl<E> Limits<E> {
    fn allowance(&self, request: &Request) -> Allowance {
        let served = paths::find(request.uri().path());
        let reports = served.is_some_and(|served| served.pattern == paths::RECEIPTS);
        let headers = request.headers();
        let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        Allowance {
            most: if reports { self.body.max(RECEIPTS) } else { self.body },
            // HTTP/2 ends one stream; one who waits for a word before sending sends nothing after a refusal.
            lingers: (request.version() < Version::HTTP_2 && !headers.contains_key(header::EXPECT))
                .then_some(self.body),
            patience: self.patience,
            length,
        }
    }
}
