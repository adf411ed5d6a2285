//! A request body: strict JSON with the fields of [`bodies`], read before any operation begins.

pub mod bodies;
pub mod field;
pub(super) mod strict;

use std::marker::PhantomData;
use std::sync::Arc;

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::Map;

use super::problem::{self, Problem};
use super::slot;
use crate::app::App;
use bodies::Body;
use field::{Read, read};

/// Which body a [`Sent`] is.
pub trait Shape: std::marker::Send + Sync + 'static {
    /// The body.
    const BODY: Body;
}

macro_rules! shapes {
    ($($name:ident)*) => {$(
        #[doc = concat!("The body [`Body::", stringify!($name), "`].")]
        pub struct $name;
        impl Shape for $name {
            const BODY: Body = Body::$name;
        }
    )*};
}
shapes!(Signin Signup Recovery Reauth Answer Send Confirm Refresh Introspect);
shapes!(ChangeMe ChangePassword ChangeSecret NewDevice ChangeDevice RemoveDevice Code NewVerification);

/// The fields of a body, read and checked.
pub struct Sent<S>(pub Read, PhantomData<fn() -> S>);

impl<'a, S: Shape> ApiExtractor<'a> for Sent<S> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        slot::register(registry, S::BODY.name());
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: "application/json",
                schema: MetaSchemaRef::Reference(S::BODY.name().into()),
            }],
            required: !S::BODY.may_be_absent(),
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let app = request.data::<Arc<App>>().ok_or_else(|| Problem::new(problem::Code::Internal))?;
        if !may_be_read(request.content_type(), S::BODY) {
            return Err(Problem::new(problem::Code::UnsupportedMediaType).into());
        }
        let bytes = body.take()?.into_bytes().await?;
        let sent = match request.content_type() {
            None if bytes.is_empty() && S::BODY.may_be_absent() => Map::new(),
            Some(_) if bytes.is_empty() && S::BODY == Body::RemoveDevice => Map::new(),
            Some(kind) if is_json(kind) => strict::object(&bytes)
                .map_err(|why| Problem::new(problem::Code::InvalidRequest).detail(&why))?,
            _ => return Err(Problem::new(problem::Code::UnsupportedMediaType).into()),
        };
        let fields = S::BODY.fields(&app.plan.surface());
        Ok(Self(read(&app.plan.surface(), &fields, S::BODY.may_be_absent(), sent)?, PhantomData))
    }
}

/// Whether a body of that type can be one at all; what cannot is not read.
fn may_be_read(kind: Option<&str>, body: Body) -> bool {
    match kind {
        None => body.may_be_absent(),
        Some(kind) => is_json(kind) || body == Body::RemoveDevice,
    }
}

/// `application/json`, with no charset but UTF-8.
fn is_json(kind: &str) -> bool {
    let mut parts = kind.split(';').map(|part| part.trim().to_ascii_lowercase());
    let json = parts.next().as_deref() == Some("application/json");
    json && parts
        .all(|part| part.is_empty() || matches!(part.as_str(), "charset=utf-8" | "charset=\"utf-8\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_json() {
        assert!(is_json("application/json") && is_json("Application/JSON; charset=UTF-8"));
        assert!(!is_json("text/plain") && !is_json("application/json; charset=latin1"));
        assert!(!is_json("application/jsonx") && !is_json("application/x-www-form-urlencoded"));
    }
}
