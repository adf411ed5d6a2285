//! Errors as clients see them: RFC 9457 `application/problem+json` with a stable `code`. Nothing else in
//! multauth knows an HTTP status.

use poem::error::ReadBodyError;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Error, Response};
use poem_openapi::types::ToJSON;
use serde::Serialize;

use super::answers;
pub use super::code::{CASES, Case, Code};
use super::cut::Cut;
use crate::auth::AuthError;
use crate::auth::attempts::progress::Progress;
use crate::base::{Detail, Fault, Wrong};

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
            Some(Cut::TooLarge) => Self::new(Code::TooLarge),
            Some(Cut::Crowded) => Self::new(Code::Busy).after(5),
            Some(Cut::TooSlow) => Self::new(Code::InvalidRequest).detail(&Detail::TooSlow),
            None => Self::new(Code::InvalidRequest),
        }
    }

    /// The problem of that code.
    pub fn new(code: Code) -> Self {
        let case = code.case();
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

    /// With a sentence beside its title; never with something that the client sent.
    pub fn detail(self, detail: &Detail) -> Self {
        Self { detail: Some(detail.to_string()), ..self }
    }

    /// What a hook refuses, for a reason in its own words.
    fn refused(reason: String) -> Self {
        Self { detail: Some(reason), ..Self::new(Code::Refused) }
    }

    /// Fields that are wrong.
    pub fn faults(faults: Vec<Fault>) -> Self {
        let error = |f: Fault| FieldError { field: f.field, code: f.code, message: f.message };
        Self { errors: faults.into_iter().map(error).collect(), ..Self::new(Code::InvalidRequest) }
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
        if self.code == Code::InvalidToken.case().code {
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
                Self { attempts_left, ..Self::new(Code::WrongSecret).detail(&Detail::WrongSecret { secret }) }
            }
            AuthError::TooMany { retry_after } => Self::new(Code::TooMany).after(retry_after),
            AuthError::Rests { retry_after, asking } => {
                let asking = asking.map(|asking| answers::Attempt::from(Progress::Ask(*asking)).to_json());
                Self { asking: asking.flatten().map(Box::new), ..Self::new(Code::TooMany).after(retry_after) }
            }
            AuthError::AttemptGone => Self::new(Code::AttemptGone),
            AuthError::NotAsked(what) => Self::new(Code::NotAsked).detail(&Detail::Asked { what }),
            AuthError::NoFlow => Self::new(Code::NoFlow),
            AuthError::Taken(field) => {
                let fault = Fault::new(field, Wrong::Taken);
                Self { errors: Self::faults(vec![fault]).errors, ..Self::new(Code::Taken) }
            }
            AuthError::ValueTaken(fault) => {
                Self { errors: Self::faults(vec![fault]).errors, ..Self::new(Code::Taken) }
            }
            AuthError::ReauthNeeded { flow } => {
                let problem = Self::new(Code::ReauthRequired);
                match flow {
                    Some(flow) => problem.detail(&Detail::ReauthBy { flow }),
                    None => problem,
                }
            }
            AuthError::ProofNeeded => Self::new(Code::ProofRequired),
            AuthError::Refused(reason) => Self::refused(reason),
            AuthError::NotFound => Self::new(Code::NotFound),
            AuthError::LastWayIn => Self::new(Code::LastWayIn),
            AuthError::LinkDead => Self::new(Code::LinkDead),
            AuthError::NoCode => Self::new(Code::NoCode),
            AuthError::CodeUsed => Self::new(Code::CodeUsed),
            AuthError::CodeDead => Self::new(Code::CodeDead),
            AuthError::CodeOver => Self::new(Code::CodeOver),
            AuthError::InvalidToken => Self::new(Code::InvalidToken),
            AuthError::Busy(busy) => Self::new(Code::Busy).after(busy.retry_after_seconds),
            AuthError::Store(error) => {
                tracing::error!(often = true, %error, "the database failed");
                Self::new(Code::Busy).after(error.retry_after())
            }
            AuthError::Internal(error) => {
                tracing::error!(often = true, error, "a fault of ours");
                Self::new(Code::Internal)
            }
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::from_response(problem.response())
    }
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
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Code::InvalidToken,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::URI_TOO_LONG => Code::UriTooLong,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        status if status.is_server_error() => Code::Internal,
        _ => Code::InvalidRequest,
    };
    Problem::new(code).response()
}
