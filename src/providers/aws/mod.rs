//! What the providers at Amazon share: their settings, signed calls, and what an error means.
//!
//! Credentials are those of the settings. A key that is lent for some hours (`session_token`) is taken too, but
//! nobody renews it here.

mod config;
mod refusal;
mod sigv4;
mod topic;

use reqwest::Method;
use url::Url;

pub(super) use config::{Shared, settings};
pub(super) use refusal::{code, element, is_denied, outcome};
pub(super) use topic::Topic;

use self::sigv4::{Call, Keys, Scope};
use super::{Answer, Http, Outcome};
use crate::base::Clock;

/// One service in one region, called as one account.
#[derive(Debug)]
pub(super) struct Service {
    http: Http,
    base: Url,
    /// Such as `us-east-1`.
    region: String,
    /// The name that calls are signed for, such as `ses`.
    name: &'static str,
    keys: Keys,
}

impl Service {
    /// Calls `path` and reads the answer, whatever its status.
    ///
    /// # Errors
    /// As [`Http::call`].
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Outcome> {
        self.call(Method::GET, path, None, Vec::new()).await
    }

    /// The same with a body.
    ///
    /// # Errors
    /// As [`Http::call`].
    pub(super) async fn post(&self, path: &str, kind: &str, body: String) -> Result<Answer, Outcome> {
        self.call(Method::POST, path, Some(kind), body.into_bytes()).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        kind: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Answer, Outcome> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let call =
            Call { method: method.as_str(), host: &host, path: url.path(), content_type: kind, body: &body };
        // A signature is good for some minutes of the real world, whatever clock a test moves.
        let scope = Scope { region: &self.region, service: self.name, at: Clock::System.now() };
        let headers = self.keys.sign(&call, &scope);
        let mut request = self.http.client().request(method.clone(), url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        self.http.call(request.body(body)).await
    }
}

/// The end of the names of all hosts in `region`.
pub(super) fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

#[cfg(test)]
pub(super) use topic::tests;
