//! The failures of an operation, as its type says them: `Fail<(SignedIn, NotFound)>`. The document lists these, and
//! each test holds every answer that it sees against it.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use poem::Error;
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;

use super::problem::Problem;
use super::slot;
use crate::auth::AuthError;

pub use super::code::failures::*;
pub use super::code::{Case, Cases, Code};

/// What whoever uses the database can meet.
pub type Stored = Busy;
/// What whoever sends a body can meet.
pub type Sending = (TooLarge, UnsupportedMediaType);
/// What whoever carries a token or a key can meet.
pub type SignedIn = (InvalidToken, Stored);
/// What whoever changes how their account is entered can meet.
pub type Trusted = (SignedIn, ReauthRequired);
/// What whoever types a code that was sent can meet.
pub type Typing = (WrongSecret, CodeUsed, CodeDead, CodeOver);

/// What the server itself answers, whatever the operation: a request that names no host or two, or has too long an
/// address; too many that are wrong in such a way; a fault of ours.
type Everywhere = (InvalidRequest, UriTooLong, TooMany, Internal);

/// A failure of an operation that documents those of `S`.
pub struct Fail<S>(Problem, PhantomData<fn() -> S>);

impl<S> From<AuthError> for Fail<S> {
    fn from(error: AuthError) -> Self {
        Self(error.into(), PhantomData)
    }
}

impl<S> From<Problem> for Fail<S> {
    fn from(problem: Problem) -> Self {
        Self(problem, PhantomData)
    }
}

impl<S: Cases> From<Fail<S>> for Error {
    fn from(fail: Fail<S>) -> Self {
        fail.0.into()
    }
}

impl<S: Cases> ApiResponse for Fail<S> {
    /// One answer a status: two of one status would be a repeated key in the document.
    fn meta() -> MetaResponses {
        let mut by_status = BTreeMap::<u16, Vec<&Case>>::new();
        let codes: BTreeSet<Code> = <(S, Everywhere)>::codes().into_iter().collect();
        for case in codes.into_iter().map(Code::case) {
            by_status.entry(case.status).or_default().push(case);
        }
        let responses = by_status.into_iter().map(|(status, cases)| MetaResponse {
            description: leak(cases.iter().map(|c| format!("`{}`: {}", c.code, c.title)).collect()),
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: "application/problem+json",
                schema: MetaSchemaRef::Reference("Problem".into()),
            }],
            headers: if matches!(status, 429 | 503) { vec![retry_after()] } else { Vec::new() },
        });
        MetaResponses { responses: responses.collect() }
    }

    fn register(registry: &mut Registry) {
        slot::register(registry, "Problem");
    }
}

fn retry_after() -> MetaHeader {
    MetaHeader {
        name: "Retry-After".into(),
        description: Some("Seconds to wait.".into()),
        required: true,
        deprecated: false,
        schema: u64::schema_ref(),
    }
}

/// The document is made a few times in a process's life; its texts stay.
fn leak(lines: Vec<String>) -> &'static str {
    Box::leak(lines.join(" ").into_boxed_str())
}
