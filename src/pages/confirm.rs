//! The page behind a link. Opening it changes nothing (R52); the button spends it; a code is shown to be
//! typed where it was asked for (R53).

use std::sync::Arc;

use minijinja::context;
use poem::http::StatusCode;
use poem::web::{Data, Path};
use poem::{Response, handler};

use super::view::page;
use crate::api::problem::Problem;
use crate::app::App;
use crate::auth::AuthError;
use crate::auth::confirm::{self, Effect, Link};
use crate::auth::input::Client;

/// `GET /confirm/{key}`
#[handler]
pub async fn show(app: Data<&Arc<App>>, client: Data<&Client>, key: Path<String>) -> Response {
    answer(&app, confirm::look(&app, &client, &key).await)
}

/// `POST /confirm/{key}`
#[handler]
pub async fn spend(app: Data<&Arc<App>>, client: Data<&Client>, key: Path<String>) -> Response {
    answer(&app, confirm::spend(&app, &client, &key, None).await)
}

fn answer(app: &App, found: crate::auth::Result<Link>) -> Response {
    let (status, title, state, to, code) = match found {
        Ok(link) => {
            let (title, state, code) = match link.effect {
                Effect::WillConfirm => ("Confirm", "ask", None),
                Effect::Confirmed { .. } | Effect::Moved(_) => ("Confirmed", "confirmed", None),
                Effect::TypeCode(code) => ("Your code", "code", Some(code)),
            };
            (StatusCode::OK, title, state, link.to, code)
        }
        Err(AuthError::TooMany { retry_after }) => {
            return Problem::from(AuthError::TooMany { retry_after }).response();
        }
        Err(AuthError::Store(error)) => return Problem::from(AuthError::Store(error)).response(),
        Err(_) => (StatusCode::NOT_FOUND, "This link is over", "dead", String::new(), None),
    };
    let code = code.as_ref().map(|code| code.expose());
    page(status, "confirm.html", context! { title, state, to, code, service => app.settings.name.as_str() })
}
