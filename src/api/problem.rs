//! Errors as clients see them: RFC 9457 `application/problem+json` with a stable `code`. Nothing else in
//! multauth knows an HTTP status.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use poem::error::ReadBodyError;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Error, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry,
};
use poem_openapi::types::{ToJSON, Type};
use serde::Serialize;

use super::cut::Cut;
use super::{answers, slot};
use crate::auth::AuthError;
use crate::auth::attempts::progress::Progress;
use crate::base::Fault;

/// One documented failure.
#[derive(Debug, PartialEq, Eq)]
pub struct Case {
    /// The stable code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What it means, in one sentence.
    pub title: &'static str,
}

const fn case(code: &'static str, status: u16, title: &'static str) -> Case {
    Case { code, status, title }
}

/// The catalogue: every code that a client can meet. To add one: a line here.
pub const CASES: &[Case] = &[
    case("invalid_request", 400, "The request is not understood; `errors` names the fields."),
    case("not_asked", 400, "Nothing was given that the attempt asks for."),
    case("wrong_secret", 401, "The secret is wrong."),
    case("invalid_token", 401, "The token or key is missing, wrong, over, or may not do this."),
    case("no_flow", 403, "No configured flow is open to this user."),
    case("refused", 403, "The installation refuses this; `detail` says why."),
    case("reauth_required", 403, "A fresh authentication is needed first (`POST /v1/reauth`)."),
    case(
        "proof_required",
        403,
        "A factor goes only where it is shown: its code in the request, a code of one of its class that is older than three days, or a recovery code.",
    ),
    case("not_found", 404, "There is no such thing."),
    case("attempt_gone", 404, "The attempt is unknown, over or was finished; begin again."),
    case("link_dead", 404, "The link is unknown, over or was used."),
    case("method_not_allowed", 405, "This method is not for this path."),
    case("taken", 409, "Somebody has that identifier or value; `errors` names the field."),
    case("last_way_in", 409, "The last way into the account cannot be removed."),
    case("no_code", 409, "There is no live code; send a new one or begin again."),
    case("code_used", 410, "The code was used before."),
    case("code_dead", 410, "The code has died of wrong guesses; begin again."),
    case("code_over", 410, "The time of the code is over; send a new one or begin again."),
    case("too_large", 413, "The request is too large."),
    case("uri_too_long", 414, "The request's address is too long."),
    case("unsupported_media_type", 415, "Send `application/json`."),
    case("too_many", 429, "Too many requests, messages or guesses; `Retry-After` says when to try again."),
    case("internal", 500, "Something went wrong on our side."),
    case("busy", 503, "The server has no time for this now; `Retry-After` says when to try again."),
];

/// The case of that code; an unknown code is a fault of ours.
pub fn find(code: &str) -> &'static Case {
    let internal = &CASES[CASES.len() - 2];
    CASES.iter().find(|case| case.code == code).unwrap_or(internal)
}

/// A failure on its way to the client.
#[derive(Debug, Serialize)]
pub struct Problem {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_left: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// The attempt that goes on while a factor rests, and what it asks.
    #[serde(flatten)]
    asking: Option<Box<serde_json::Value>>,
}

#[derive(Debug, Serialize)]
struct FieldError {
    field: String,
    code: &'static str,
    message: String,
}

impl Problem {
    /// What a client is told whose body could not be read.
    pub fn unread(error: &ReadBodyError) -> Self {
        match Cut::behind(error) {
            Some(Cut::TooLarge) => Self::new("too_large"),
            Some(Cut::Crowded) => Self::new("busy").after(5),
            Some(Cut::TooSlow) => Self::new("invalid_request").detail("The body came too slowly."),
            None => Self::new("invalid_request"),
        }
    }

    /// The problem of that code.
    pub fn new(code: &str) -> Self {
        let case = find(code);
        Self {
            r#type: format!("urn:multauth:problem:{}", case.code),
            title: case.title,
            status: case.status,
            code: case.code,
            detail: None,
            errors: Vec::new(),
            attempts_left: None,
            retry_after: None,
            asking: None,
        }
    }

    /// With a sentence of its own; never with something that the client sent.
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Fields that are wrong.
    pub fn faults(faults: Vec<Fault>) -> Self {
        let error = |f: Fault| FieldError { field: f.field, code: f.code, message: f.message };
        Self { errors: faults.into_iter().map(error).collect(), ..Self::new("invalid_request") }
    }

    pub(super) fn after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The answer itself.
    pub fn response(&self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(self).unwrap_or_default();
        let mut response =
            Response::builder().status(status).content_type("application/problem+json").body(body);
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == 401 && self.code == "invalid_token" {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Faults(faults) => Self::faults(faults),
            AuthError::WrongSecret { secret, attempts_left } => {
                Self { attempts_left, ..Self::new("wrong_secret").detail(format!("The {secret} is wrong.")) }
            }
            AuthError::TooMany { retry_after } => Self::new("too_many").after(retry_after),
            AuthError::Rests { retry_after, asking } => {
                let asking = asking.map(|asking| answers::Attempt::from(Progress::Ask(*asking)).to_json());
                Self { asking: asking.flatten().map(Box::new), ..Self::new("too_many").after(retry_after) }
            }
            AuthError::AttemptGone => Self::new("attempt_gone"),
            AuthError::NotAsked(what) => {
                Self::new("not_asked").detail(format!("The attempt asks for: {what}."))
            }
            AuthError::NoFlow => Self::new("no_flow"),
            AuthError::Taken(field) => {
                let fault = Fault::new(field, "taken", "is taken");
                Self { errors: Self::faults(vec![fault]).errors, ..Self::new("taken") }
            }
            AuthError::ValueTaken(fault) => {
                Self { errors: Self::faults(vec![fault]).errors, ..Self::new("taken") }
            }
            AuthError::ReauthNeeded { flow } => {
                let problem = Self::new("reauth_required");
                match flow {
                    Some(flow) => problem.detail(format!("Re-authenticate by the flow {flow}.")),
                    None => problem,
                }
            }
            AuthError::ProofNeeded => Self::new("proof_required"),
            AuthError::Refused(reason) => Self::new("refused").detail(reason),
            AuthError::NotFound => Self::new("not_found"),
            AuthError::LastWayIn => Self::new("last_way_in"),
            AuthError::LinkDead => Self::new("link_dead"),
            AuthError::NoCode => Self::new("no_code"),
            AuthError::CodeUsed => Self::new("code_used"),
            AuthError::CodeDead => Self::new("code_dead"),
            AuthError::CodeOver => Self::new("code_over"),
            AuthError::InvalidToken => Self::new("invalid_token"),
            AuthError::Busy(busy) => Self::new("busy").after(busy.retry_after_seconds),
            AuthError::Store(error) => {
                tracing::error!(often = true, %error, "the database failed");
                Self::new("busy").after(error.retry_after())
            }
            AuthError::Internal(error) => {
                tracing::error!(often = true, error, "a fault of ours");
                Self::new("internal")
            }
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::from_response(problem.response())
    }
}

/// The codes that an operation may answer with, for the document.
pub trait Cases: Send + Sync + 'static {
    /// The codes.
    const CODES: &'static [&'static str];
}

/// A failure of an operation that documents the codes of `S`.
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
        // What the server itself answers, whatever the operation.
        let own = ["uri_too_long", "too_large", "unsupported_media_type", "too_many", "internal", "busy"];
        for code in S::CODES.iter().chain(&own) {
            by_status.entry(find(code).status).or_default().push(find(code));
        }
        let responses = by_status.into_iter().map(|(status, mut cases)| {
            cases.dedup();
            MetaResponse {
                description: leak(cases.iter().map(|c| format!("`{}`: {}", c.code, c.title)).collect()),
                status: Some(status),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: "application/problem+json",
                    schema: MetaSchemaRef::Reference("Problem".into()),
                }],
                headers: if matches!(status, 429 | 503) { vec![retry_after()] } else { Vec::new() },
            }
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

/// Everything that the framework itself refuses, in the same shape. Its own words are not passed on: they
/// may quote what the client sent.
pub async fn framework(error: Error) -> Response {
    if error.is_from_response() {
        return error.into_response();
    }
    if let Some(unread) = error.downcast_ref::<ReadBodyError>() {
        return Problem::unread(unread).response();
    }
    let code = match error.status() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "invalid_token",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::URI_TOO_LONG => "uri_too_long",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        status if status.is_server_error() => "internal",
        _ => "invalid_request",
    };
    Problem::new(code).response()
}
