//! A panic is one 500 and nothing more (R109).

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use poem::{Endpoint, Request, Response};

use crate::api::problem::{Code, Problem};

/// Answers for an endpoint that panicked.
pub(super) struct Caught<E>(pub(super) E);

impl<E: Endpoint<Output = Response>> Endpoint for Caught<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let answer = AssertUnwindSafe(self.0.get_response(request)).catch_unwind().await;
        Ok(answer.unwrap_or_else(|_| {
            tracing::error!(often = true, "a handler panicked");
            Problem::new(Code::Internal).response()
        }))
    }
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make_sync;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_plain_500() {
        let broken = make_sync(|_| -> Response { panic!("a panic that a test asks for") });
        let mut answer = Caught(broken).call(Request::default()).await.unwrap();
        assert_eq!(answer.status().as_u16(), 500);
        let body = answer.take_body().into_string().await.unwrap();
        assert!(body.contains("urn:multauth:problem:internal") && !body.contains("asks for"), "{body}");
    }
}
