//! The page at which somebody sets new secrets: the last step of a recovery, as a form. Opening it changes nothing;
//! whatever is not such a step is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::{Value, context};
use poem::http::StatusCode;
use poem::web::{Data, Path};
use poem::{Response, handler};

use super::view::page;
use crate::api::body::field::LONGEST;
use crate::api::problem::Problem;
use crate::app::App;
use crate::auth::attempts::progress::Progress;
use crate::auth::attempts::recover::{self, NEW_PASSWORD};
use crate::auth::input::{Client, Given};
use crate::auth::{AuthError, Result, doors};
use crate::base::{Fault, Sensitive, Wrong, typed};

/// `GET /recover/{attempt}`
#[handler]
pub async fn show(app: Data<&Arc<App>>, client: Data<&Client>, attempt: Path<String>) -> Response {
    match asked(&app, &client, &Sensitive::new(attempt.0)).await {
        Ok(asked) => form(&app, StatusCode::OK, &asked, &[]),
        Err(error) => over(&app, error),
    }
}

/// `POST /recover/{attempt}`
#[handler]
pub async fn set(
    app: Data<&Arc<App>>,
    client: Data<&Client>,
    attempt: Path<String>,
    body: Vec<u8>,
) -> Response {
    let handle = Sensitive::new(attempt.0);
    let asked = match asked(&app, &client, &handle).await {
        Ok(asked) => asked,
        Err(error) => return over(&app, error),
    };
    match answer(&app, &client, &handle, &asked, &body).await {
        Ok(()) => {
            let (title, service) = ("Done", app.settings.name.as_str());
            page(StatusCode::OK, "recover.html", context! { title, state => "done", service })
        }
        Err(AuthError::Faults(faults)) => form(&app, StatusCode::BAD_REQUEST, &asked, &faults),
        Err(error) => over(&app, error),
    }
}

/// The fields that are asked for; the attempt stays as it is.
async fn asked(app: &App, client: &Client, handle: &Sensitive) -> Result<Vec<String>> {
    match recover::look(app, client, handle).await? {
        Progress::Ask(asking) => Ok(asking.ask.into_iter().map(|ask| ask.secret).collect()),
        Progress::Done(_) => Err(AuthError::AttemptGone),
    }
}

async fn answer(app: &App, client: &Client, handle: &Sensitive, asked: &[String], body: &[u8]) -> Result<()> {
    let typed = typed(asked, body)?;
    let secrets = typed.iter().filter_map(|(field, secret)| {
        let kind = app.plan.secrets.by_field(field).filter(|kind| kind.in_flows())?;
        Some((kind.name(), secret.clone()))
    });
    let new_password = typed.get(NEW_PASSWORD).cloned();
    let given = Given { secrets: secrets.collect(), new_password, ..Given::default() };
    match doors::answer(app, client, handle, &given).await? {
        Progress::Done(_) => Ok(()),
        Progress::Ask(_) => Err(AuthError::AttemptGone),
    }
}

/// What was typed into the fields, held to what is true of every text of the API; every fault of that at once.
fn typed(asked: &[String], body: &[u8]) -> Result<BTreeMap<String, Sensitive>> {
    let sent = url::form_urlencoded::parse(body).filter(|(name, _)| asked.iter().any(|field| field == name));
    let sent: BTreeMap<String, Sensitive> =
        sent.map(|(name, text)| (name.into_owned(), Sensitive::new(typed::pasted(&text)))).collect();
    let faults: Vec<Fault> = asked.iter().filter_map(|field| wrong(field, sent.get(field))).collect();
    if faults.is_empty() { Ok(sent) } else { Err(AuthError::Faults(faults)) }
}

fn wrong(field: &str, typed: Option<&Sensitive>) -> Option<Fault> {
    let text = typed.map(Sensitive::expose).unwrap_or_default();
    if text.is_empty() {
        return Some(Fault::new(field, Wrong::MissingOnPage));
    }
    if text.chars().count() > LONGEST {
        return Some(Fault::new(field, Wrong::TooLongOnPage { most: LONGEST }));
    }
    let control = text.chars().any(char::is_control);
    control.then(|| Fault::new(field, Wrong::WrongSignsOnPage))
}

fn form(app: &App, status: StatusCode, asked: &[String], faults: &[Fault]) -> Response {
    let title_of = |field: &str| match app.plan.secrets.by_field(field) {
        Some(kind) => kind.title(),
        None => "New password",
    };
    let fault_of = |field: &str| faults.iter().find(|fault| fault.field == field).map(|f| f.message.as_str());
    let one = |field: &String| {
        context! { name => field, title => title_of(field), fault => fault_of(field) }
    };
    let fields: Vec<Value> = asked.iter().map(one).collect();
    let (title, service) = ("Set new secrets", app.settings.name.as_str());
    page(status, "recover.html", context! { title, state => "ask", fields, service })
}

/// Why there is no form: it is over, unless the server has no time or the network asks too often.
fn over(app: &App, error: AuthError) -> Response {
    match error {
        AuthError::AttemptGone | AuthError::NotAsked(_) | AuthError::NoFlow => {
            let (title, service) = ("This link is over", app.settings.name.as_str());
            page(StatusCode::NOT_FOUND, "recover.html", context! { title, state => "dead", service })
        }
        other => Problem::from(other).response(),
    }
}
