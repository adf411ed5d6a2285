//! Links.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Tag;
use super::answers::Attempt;
use super::body::{self, Sent};
use super::caller::Anybody;
use super::fail::{
    AttemptGone, Fail, LinkDead, NoCode, NoFlow, NotAsked, Refused, Sending, Stored, Taken, Typing,
};
use crate::app::App;
use crate::auth::attempts::reader::Wish;
use crate::auth::input::Client;
use crate::auth::links::{self, Effect, Link, With};
use crate::base::clock::rfc3339;

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
    /// The code to type where it was asked for: a link of an attempt finishes only for whoever holds it, and that of a
    /// device for whoever shows that the account is theirs.
    code: Option<String>,
    /// What the account is called that a device would be added to, masked.
    account: Option<String>,
    /// After an undo: the addresses that did not come back, masked, because somebody else has proven them meanwhile.
    lost: Option<Vec<String>>,
    /// Until when codes that strangers ask for are sent to nobody (RFC 3339).
    muted_until: Option<String>,
    /// The attempt, moved on: of a link that leads on one of your own; after an undo the recovery that it ends in.
    attempt: Option<Attempt>,
}

impl From<Link> for Confirmed {
    fn from(link: Link) -> Self {
        let shown = Self {
            confirmed: false,
            already: false,
            purpose: link.purpose.name().to_owned(),
            channel: link.channel.name().to_owned(),
            to: link.to,
            code: None,
            account: None,
            lost: None,
            muted_until: None,
            attempt: None,
        };
        let text = |code: crate::base::Sensitive| Some(code.expose().to_owned());
        match link.effect {
            Effect::WillConfirm | Effect::WillUndo | Effect::WillLeadOn => shown,
            Effect::Awaited | Effect::Unmuted => Self { confirmed: true, ..shown },
            Effect::Muted(until) => Self { muted_until: Some(rfc3339(until)), ..shown },
            Effect::Claim { account, code } => Self { account, code: text(code), ..shown },
            Effect::Confirmed { already } => Self { confirmed: true, already, ..shown },
            Effect::TypeCode(code) => Self { code: text(code), ..shown },
            Effect::Moved(progress) => Self { confirmed: true, attempt: Some((*progress).into()), ..shown },
            Effect::Undone { lost, recovery } => Self {
                confirmed: true,
                lost: Some(lost).filter(|lost| !lost.is_empty()),
                attempt: Some((*recovery).into()),
                ..shown
            },
        }
    }
}

/// Links.
pub struct Links;

#[OpenApi(tag = "Tag::Attempts")]
impl Links {
    /// Spend a link
    ///
    /// A device is confirmed for whoever shows that the account is theirs: by an access token of it, or by the
    /// password or another fixed secret, which counts as a guess. With `attempt`, an attempt moves on. To anybody
    /// else the answer has the code to type, and says whose account it is about. A link that takes a change back asks
    /// for the `passcode` beside it, and ends in a recovery. So does the link of a code to sign in or to recover that
    /// was sent before anything was proven, whoever asked for it: it leads on in an attempt of your own, with `wish`
    /// `wait` lets one more code be sent to whoever asks for it from your network within ten minutes, with `mute`
    /// sends none that strangers ask for for a day; the same code at the same link ends that.
    #[oai(path = "/v1/confirm", method = "post", operation_id = "confirm")]
    async fn confirm(
        &self,
        app: Data<&Arc<App>>,
        client: Data<&Client>,
        user: Anybody,
        body: Sent<body::Confirm>,
    ) -> Result<
        Json<Confirmed>,
        Fail<(Sending, Stored, LinkDead, Typing, NotAsked, NoFlow, Refused, AttemptGone, Taken, NoCode)>,
    > {
        let key = body.0.secret("key").unwrap_or_default();
        let caller = user.caller(&app).await?;
        let wish = Wish::named(body.0.text("wish"));
        let with = With { attempt: body.0.secret("attempt"), caller, given: body.0.given(), wish };
        Ok(Json(links::spend(&app, &client, key.expose(), &with).await?.into()))
    }
}
