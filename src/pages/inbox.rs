//! The development inbox: messages that were delivered, as a page and as JSON. It exists in development only.

use std::sync::Arc;

use minijinja::{Value, context};
use poem::http::StatusCode;
use poem::web::Data;
use poem::{Request, Response, handler};

use super::view::page;
use crate::app::App;
use crate::base::clock::rfc3339;
use crate::messages::Message;
use crate::outbox::Inbox;

/// `GET /dev/inbox`
#[handler]
pub fn show(app: Data<&Arc<App>>, request: &Request) -> Response {
    let messages = app.inbox.as_ref().map(Inbox::all).unwrap_or_default();
    let accepts = request.headers().get("accept").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let by_query = request.uri().query().is_some_and(|query| query.contains("format=json"));
    if by_query || accepts.contains("application/json") {
        let body = serde_json::to_string(&messages).unwrap_or_default();
        return Response::builder().content_type("application/json; charset=utf-8").body(body);
    }
    let service = &app.settings.name;
    let shown: Vec<Value> = messages.iter().map(shown).collect();
    page(
        StatusCode::OK,
        "inbox.html",
        context! { title => "Inbox", messages => shown, service, home => false },
    )
}

fn shown(message: &Message) -> Value {
    context! {
        subject => message.subject.as_deref().unwrap_or_default(),
        kind => message.kind.name(),
        channel => message.channel.name(),
        to => message.to.as_str(),
        at => rfc3339(message.at),
        text => message.text.expose(),
    }
}

/// `GET /`
#[handler]
pub fn home(app: Data<&Arc<App>>) -> Response {
    let service = &app.settings.name;
    page(StatusCode::OK, "inbox.html", context! { title => service, service, home => true })
}
