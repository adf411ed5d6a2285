//! `webhook`: hands messages to any HTTP service as the operator describes it, so that a local carrier needs no code.
//!
//! The request is made of templates: a JSON body, a form, plain text, a query. What they print is written so that no
//! message can change the request's shape; see [`render`].

mod config;
mod judge;
mod render;

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use url::Url;

use super::{Http, Outcome, Provider, ProviderKind, Spec};
use crate::base::{Mistake, Sensitive};
use crate::messages::{Channel, Message};
use judge::Judge;
use render::{Body, Unfit, Values};

/// Delivers on every channel by an HTTP call.
pub const KIND: ProviderKind = ProviderKind {
    name: "webhook",
    channels: Channel::ALL,
    development_only: false,
    example: r#"{ kind = "webhook", url = "https://sms.example.com/send", bearer = "…", json = '{"to": {{ to }}, "text": {{ text }}}', reference = "/id" }"#,
    build,
};

struct Webhook {
    http: Http,
    method: Method,
    url: Url,
    /// Those that stand in every request, secrets among them.
    headers: HeaderMap,
    login: Login,
    query: render::Fields,
    body: Body,
    judge: Judge,
}

/// How the service knows us, beside what the headers say.
enum Login {
    None,
    Bearer(Sensitive),
    Basic(String, Sensitive),
}

fn build(spec: &Spec<'_>) -> Result<Box<dyn Provider>, Vec<Mistake>> {
    Ok(Box::new(config::read(spec)?))
}

#[async_trait]
impl Provider for Webhook {
    async fn send(&self, message: &Message) -> Outcome {
        let request = match self.request(message) {
            Ok(request) => request,
            // A template that fits no message at all was refused at the start.
            Err(unfit) => return Outcome::rejected(unfit.to_string()),
        };
        match self.http.call(request).await {
            Ok(answer) => self.judge.outcome(&answer),
            Err(outcome) => outcome,
        }
    }

    /// Whether the service can be reached and is trusted: nothing of ours is in this call, and any answer will do.
    async fn check(&self) -> Result<(), String> {
        let mut root = self.url.clone();
        root.set_path("/");
        root.set_query(None);
        let called = self.http.call(self.http.client().head(root)).await;
        called.map(drop).map_err(|outcome| outcome.why().to_owned())
    }
}

impl Webhook {
    fn request(&self, message: &Message) -> Result<RequestBuilder, Unfit> {
        let values = Values::of(message);
        let mut request = self.http.client().request(self.method.clone(), self.url.clone());
        if !self.query.is_empty() {
            request = request.query(&self.query.render(&values)?);
        }
        request = match &self.login {
            Login::None => request,
            Login::Bearer(token) => request.bearer_auth(token.expose()),
            Login::Basic(user, password) => request.basic_auth(user, Some(password.expose())),
        };
        if let Some((kind, body)) = self.body.render(&values)? {
            if !self.headers.contains_key(CONTENT_TYPE) {
                request = request.header(CONTENT_TYPE, kind);
            }
            request = request.body(body);
        }
        Ok(request.headers(self.headers.clone()))
    }
}

#[cfg(test)]
mod tests;
