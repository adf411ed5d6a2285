//! Links.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Tag;
use super::answers::Attempt;
use super::body::{self, Sent};
use super::problem::{Cases, Fail};
use crate::app::App;
use crate::auth::confirm::{self, Effect, Link};
use crate::auth::input::Client;

/// What was confirmed.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Confirmed {
    /// Whether something is confirmed now.
    confirmed: bool,
    /// Whether it was confirmed before.
    already: bool,
    /// What the link was for.
    purpose: String,
    /// How it was sent.
    channel: String,
    /// Where it was sent, masked.
    to: String,
    /// The code to type where it was asked for: a link of an attempt finishes only for whoever holds it.
    code: Option<String>,
    /// The attempt, moved on.
    attempt: Option<Attempt>,
}

impl From<Link> for Confirmed {
    fn from(link: Link) -> Self {
        let (confirmed, already, code, attempt) = match link.effect {
            Effect::WillConfirm => (false, false, None, None),
            Effect::Confirmed { already } => (true, already, None, None),
            Effect::TypeCode(code) => (false, false, Some(code.expose().to_owned()), None),
            Effect::Moved(progress) => (true, false, None, Some((*progress).into())),
        };
        let purpose = link.purpose.name().to_owned();
        Self { confirmed, already, purpose, channel: link.channel, to: link.to, code, attempt }
    }
}

/// The failures of a link.
pub struct Linking;
impl Cases for Linking {
    const CODES: &'static [&'static str] =
        &["invalid_request", "wrong_secret", "no_flow", "link_dead", "attempt_gone", "taken", "no_code"];
}

/// Links.
pub struct Links;

#[OpenApi(tag = "Tag::Attempts")]
impl Links {
    /// Spend a link
    ///
    /// A device is confirmed, as often as you like. With `attempt`, an attempt moves on; without it, the answer
    /// has the code to type.
    #[oai(path = "/v1/confirm", method = "post", operation_id = "confirm")]
    async fn confirm(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        body: Sent<body::Confirm>,
    ) -> Result<Json<Confirmed>, Fail<Linking>> {
        let key = body.0.secret("key").unwrap_or_default();
        let attempt = body.0.secret("attempt");
        Ok(Json(confirm::spend(&app, &client, key.expose(), attempt.as_ref()).await?.into()))
    }
}
