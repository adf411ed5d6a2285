//! Twilio: `twilio` sends our own texts, `twilio-verify` leaves codes to Twilio. Here is what both have: an account.
//!
//! Calls are authenticated by the account's token or by an API key; an answer that is a refusal has a number, which
//! [`codes`] reads.

mod codes;
pub mod messages;
mod receipts;
pub mod verify;

use std::path::Path;

use jiff::SignedDuration;
use reqwest::{Method, RequestBuilder};

use crate::base::{Mistake, Sensitive};
use crate::providers::{Answer, Http, Outcome, Spec};

/// The keys of an account, as an operator wrote them.
struct Given<'a> {
    account_sid: &'a str,
    auth_token: (Option<&'a Sensitive>, Option<&'a Path>),
    api_key: Option<&'a str>,
    api_secret: (Option<&'a Sensitive>, Option<&'a Path>),
    url: Option<&'a str>,
    timeout: SignedDuration,
}

/// An account at Twilio that calls can be made for.
struct Account {
    http: Http,
    /// The base of its URLs, without a slash at its end.
    base: String,
    /// The account's own name: `AC` and 32 hexadecimal digits.
    sid: String,
    user: String,
    password: Sensitive,
    /// Signs what Twilio calls back with. With an API key it may be missing.
    token: Option<Sensitive>,
}

impl Account {
    /// The account that the settings describe; `usual` is the base of its URLs unless they name another.
    fn read(spec: &Spec<'_>, given: &Given<'_>, usual: &str) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        if !is_sid("AC", given.account_sid) {
            mistakes.push(spec.mistake("account_sid", sid_shape("AC")));
        }
        let mut keep = |found: Result<Sensitive, Mistake>| found.map_err(|it| mistakes.push(it)).ok();
        let (inline, file) = given.auth_token;
        let needed = given.api_key.is_none() || inline.is_some() || file.is_some();
        let token = if needed { keep(spec.secret("auth_token", inline, file)) } else { None };
        let (inline, file) = given.api_secret;
        let needed = given.api_key.is_some() || inline.is_some() || file.is_some();
        let secret = if needed { keep(spec.secret("api_secret", inline, file)) } else { None };
        match given.api_key {
            Some(key) if !is_sid("SK", key) => mistakes.push(spec.mistake("api_key", sid_shape("SK"))),
            None if secret.is_some() => {
                mistakes.push(spec.mistake("api_key", "is missing beside the secret"));
            }
            _ => {}
        }
        let base = spec.base(given.url, usual).map_err(|it| mistakes.push(it)).ok();
        let http = spec.http(given.timeout).map_err(|it| mistakes.push(it)).ok();

        let user = given.api_key.unwrap_or(given.account_sid).to_owned();
        match (base, http, secret.or_else(|| token.clone())) {
            (Some(base), Some(http), Some(password)) if mistakes.is_empty() => {
                Ok(Self { http, base, sid: given.account_sid.to_owned(), user, password, token })
            }
            _ => Err(mistakes),
        }
    }

    /// Whether calls are made with an API key.
    fn has_key(&self) -> bool {
        self.user != self.sid
    }

    /// A call to `path`, which begins with a slash.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.client().request(method, format!("{}{path}", self.base));
        request.basic_auth(&self.user, Some(self.password.expose()))
    }

    /// Makes a call and reads what came back.
    async fn call(&self, request: RequestBuilder) -> Result<Answer, Outcome> {
        self.http.call(request).await
    }
}

/// Whether `text` is one of Twilio's names: `kind` and 32 hexadecimal digits.
fn is_sid(kind: &str, text: &str) -> bool {
    text.strip_prefix(kind)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn sid_shape(kind: &str) -> String {
    format!("is {kind} and 32 hexadecimal digits, as Twilio's console shows it")
}

#[cfg(test)]
mod tests;
