//! The page behind a link. Opening it changes nothing (R52). What a press does hangs on whose it is: a code is shown
//! to be typed where it was asked for (R53), a device waits for a fixed secret of its account, and what takes a
//! change back for the code beside the link.

use std::sync::Arc;

use minijinja::{Value, context};
use poem::http::StatusCode;
use poem::web::{Data, Path};
use poem::{Response, handler};

use super::view::page;
use crate::api::body::field::{LONGEST, misfit};
use crate::api::problem::Problem;
use crate::app::App;
use crate::auth::AuthError;
use crate::auth::attempts::progress::Progress;
use crate::auth::attempts::reader::Wish;
use crate::auth::input::{Client, Given};
use crate::auth::links::{self, Effect, Link, With};
use crate::base::clock::rfc3339;
use crate::base::{Fault, Purpose, Sensitive, Wrong};
use crate::secrets::SecretKind;

/// `GET /confirm/{key}`
#[handler]
pub async fn show(app: Data<&Arc<App>>, client: Data<&Client>, key: Path<String>) -> Response {
    answer(&app, links::look(&app, &client, &key).await, None)
}

/// `POST /confirm/{key}`
#[handler]
pub async fn spend(
    app: Data<&Arc<App>>,
    client: Data<&Client>,
    key: Path<String>,
    body: Vec<u8>,
) -> Response {
    let with = With { given: typed(&app, &body), wish: wish(&body), ..With::default() };
    let spent = match unfit(&app, &with.given) {
        Some(fault) => Err(fault.into()),
        None => links::spend(&app, &client, &key, &with).await,
    };
    // What was typed is wrong, or can be nothing that is asked: the same page says so.
    let wrong = match &spent {
        Err(AuthError::WrongSecret { secret, .. }) => {
            (StatusCode::UNAUTHORIZED, format!("The {secret} is wrong."))
        }
        Err(AuthError::Faults(faults)) => {
            let said = faults.iter().map(|fault| format!("The {} {}.", fault.field, fault.message));
            (StatusCode::BAD_REQUEST, said.collect::<Vec<_>>().join(" "))
        }
        _ => return answer(&app, spent, None),
    };
    answer(&app, links::look(&app, &client, &key).await, Some(wrong))
}

/// The fault of what was typed that can be no such secret, whoever's it is: by the API it is refused as well.
fn unfit(app: &App, given: &Given) -> Option<Fault> {
    given.secrets.iter().find_map(|(name, typed)| {
        let field = app.plan.secrets.kind(name)?.field();
        if typed.expose().chars().count() > LONGEST {
            return Some(Fault::new(field, Wrong::TooLong { most: LONGEST }));
        }
        misfit(&app.plan.secrets, field, typed.expose())
    })
}

/// The secrets that were typed into the form; what is left empty was not.
fn typed(app: &App, body: &[u8]) -> Given {
    let sent = url::form_urlencoded::parse(body).filter(|(_, text)| !text.is_empty());
    let secrets = sent.filter_map(|(name, text)| {
        let kind = app.plan.secrets.by_field(&name).filter(|kind| kind.in_flows())?;
        Some((kind.name(), Sensitive::new(text.into_owned())))
    });
    Given { secrets: secrets.collect(), ..Given::default() }
}

/// What the reader of a mail wants: by the button that was pressed.
fn wish(body: &[u8]) -> Wish {
    let pressed = url::form_urlencoded::parse(body).find(|(name, _)| name == "wish").map(|(_, wish)| wish);
    Wish::named(pressed.as_deref())
}

fn answer(app: &App, found: crate::auth::Result<Link>, wrong: Option<(StatusCode, String)>) -> Response {
    let (refused, wrong) = wrong.unzip();
    let (status, title, shown) = match found {
        Ok(link) => {
            let (title, shown) = shown(app, link);
            (refused.unwrap_or(StatusCode::OK), title, shown)
        }
        Err(error @ (AuthError::TooMany { .. } | AuthError::Busy(_) | AuthError::Store(_))) => {
            return Problem::from(error).response();
        }
        Err(_) => (StatusCode::NOT_FOUND, "This link is over", context! { state => "dead" }),
    };
    page(status, "confirm.html", context! { title, wrong, service => app.settings.name.as_str(), ..shown })
}

/// The title of a page, and what its template needs.
fn shown(app: &App, link: Link) -> (&'static str, Value) {
    let to = link.to;
    match link.effect {
        Effect::WillConfirm => ("Confirm", context! { state => "ask", to }),
        Effect::Claim { account, code } => {
            let (code, fields) = (code.expose().to_owned(), fields(app));
            ("Confirm", context! { state => "claim", to, account, code, fields })
        }
        Effect::WillLeadOn => {
            let recovers = link.purpose == Purpose::Recovery;
            ("Enter your code", context! { state => "lead_on", to, recovers })
        }
        Effect::Awaited => ("Go on", context! { state => "awaited", to }),
        Effect::Muted(until) => ("No more codes", context! { state => "muted", to, until => rfc3339(until) }),
        Effect::Unmuted => ("Codes are sent again", context! { state => "unmuted", to }),
        Effect::Moved(progress) => match &*progress {
            Progress::Ask(asking) if asking.purpose == Purpose::Recovery => {
                let attempt = asking.attempt.expose().to_owned();
                ("It is you", context! { state => "recover", to, attempt })
            }
            _ => ("Confirmed", context! { state => "confirmed", to }),
        },
        Effect::Confirmed { .. } => ("Confirmed", context! { state => "confirmed", to }),
        Effect::TypeCode(code) => {
            ("Your code", context! { state => "code", to, code => code.expose().to_owned() })
        }
        Effect::WillUndo => ("Take the change back", context! { state => "undo", to }),
        Effect::Undone { lost, recovery } => {
            let attempt = match &*recovery {
                Progress::Ask(asking) => Some(asking.attempt.expose().to_owned()),
                Progress::Done(_) => None,
            };
            ("The change is taken back", context! { state => "undone", to, lost, attempt })
        }
    }
}

/// The fixed secrets that may be typed: those of the settings, so that the page does not tell which an account has.
fn fields(app: &App) -> Vec<Value> {
    let asked = |kind: &&'static dyn SecretKind| {
        let flows = app.plan.signin.iter().flat_map(|flow| &flow.secrets);
        !kind.carried() && flows.into_iter().any(|secret| secret.name == kind.name())
    };
    let kinds = app.plan.secrets.iter().filter(asked);
    kinds.map(|kind| context! { name => kind.field(), title => kind.title() }).collect()
}
