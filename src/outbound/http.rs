//! Calls to vendors over HTTP: one client, with the time-outs of R147 and the caution of R134.
//!
//! TLS is always verified, no redirect is followed, an answer is read up to 64 KiB, and no error repeats a URL
//! or words of the other side: they may hold a key, an address or a code.

use std::net::IpAddr;
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::dns::Resolve;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder};
use serde::de::DeserializeOwned;
use url::Url;

use super::Outcome;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(2);
/// Until a vendor has answered, unless its settings say otherwise.
pub const TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
/// The most bytes of an answer that are read.
const LIMIT: usize = 64 * 1024;
/// The longest wait that a vendor may ask for.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// A client for one vendor.
#[derive(Clone, Debug)]
pub struct Http(Client);

/// What a vendor answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// How long it asks to wait, at most an hour (`Retry-After` in seconds or as a date is given as seconds).
    pub retry_after: Option<Duration>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, cut at 64 KiB.
    pub body: Vec<u8>,
}

impl Http {
    /// A client whose calls end after `timeout`: 1 to 60 seconds.
    ///
    /// # Errors
    /// In plain words, where the span is out of range or TLS cannot be set up.
    pub fn new(timeout: SignedDuration) -> Result<Self, String> {
        Self::built(timeout, |client| client)
    }

    /// A client that only calls addresses that `guard` resolves a name to, by no proxy: one that guards nothing
    /// could be asked to call anything. Addresses that a URL names itself are for the caller to look at.
    ///
    /// # Errors
    /// As [`Http::new`].
    pub fn guarded(timeout: SignedDuration, guard: impl Resolve + 'static) -> Result<Self, String> {
        Self::built(timeout, |client| client.no_proxy().dns_resolver(guard))
    }

    fn built(
        timeout: SignedDuration,
        more: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, String> {
        let timeout = Duration::try_from(timeout).unwrap_or_default();
        if !(Duration::from_secs(1)..=Duration::from_secs(60)).contains(&timeout) {
            return Err("has to be between 1s and 60s".into());
        }
        let client = Client::builder()
            .connect_timeout(CONNECT.min(timeout))
            .timeout(timeout)
            .redirect(Policy::none())
            .user_agent(concat!("multauth/", env!("CARGO_PKG_VERSION")));
        more(client)
            .build()
            .map(Self)
            .map_err(|error| format!("no client can be made: {}", error.without_url()))
    }

    /// The client itself, to begin a request with.
    pub fn client(&self) -> &Client {
        &self.0
    }

    /// Sends a request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// [`Outcome::Retry`] where nothing came in time, [`Outcome::Misconfigured`] where the other side is not
    /// trusted or the request cannot be made.
    pub async fn call(&self, request: RequestBuilder) -> Result<Answer, Outcome> {
        let mut response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let retry_after = retry_after(&headers);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
            let room = LIMIT - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == LIMIT {
                break;
            }
        }
        Ok(Answer { status, retry_after, headers, body })
    }
}

impl Answer {
    /// Whether the status is any 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What a success means that is not the one `vendor` gives, which somebody between us and them may have answered: a
    /// gateway's page, a proxy that wants a login. Nobody took the message.
    pub fn unlike(&self, vendor: &str) -> Outcome {
        Outcome::retry(format!("answered {}, but not as {vendor} does", self.status))
    }

    /// The value of the header `name`; nothing where it is missing or not ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; nothing where it is none, or not of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What a refusal means where the vendor's own code says nothing better: too much (429), their trouble (408, 5xx),
    /// what the request holds (400, 422 …, which is this message and its recipient as well as our settings), and who
    /// we are, what we owe or what we call (401 to 404, 407) are told apart. Any other 4xx may be about the recipient.
    pub fn refusal(&self) -> Outcome {
        let why = format!("answered {}", self.status);
        match self.status {
            408 | 429 | 500..=599 => Outcome::Retry { why, after: self.retry_after },
            400 | 409 | 413 | 414 | 422 | 451 => Outcome::Rejected { why },
            401..=404 | 407 => Outcome::Misconfigured { why },
            402..=499 => Outcome::Deferred { why },
            _ => Outcome::Misconfigured { why },
        }
    }
}

/// The base of a vendor's URLs, without a slash at its end: https, or http where it is this machine.
///
/// # Errors
/// In plain words.
pub fn base(text: &str) -> Result<String, String> {
    let url: Url = text.parse().map_err(|_| "is not a URL such as \"https://api.example.com\"".to_owned())?;
    let here = url.host_str().is_some_and(is_loopback);
    match url.scheme() {
        "https" => {}
        "http" if here => {}
        _ => return Err("begins with https://; http:// is for this machine alone".into()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a password; say it in the key that is for it".into());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// What a call without an answer means, without the URL and what stands in it.
fn failed(error: &reqwest::Error) -> Outcome {
    if error.is_timeout() {
        return Outcome::retry("did not answer in time");
    }
    if let Some(tls) = distrust(error) {
        return Outcome::misconfigured(format!("is not trusted: {tls}"));
    }
    if error.is_builder() {
        return Outcome::misconfigured("no request can be made of these settings");
    }
    let what = if error.is_connect() { "cannot be reached" } else { "cut the connection" };
    Outcome::retry(what)
}

/// What TLS objected to.
fn distrust(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref::<std::io::Error>() {
            return found.get_ref()?.downcast_ref();
        }
        source = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_encrypted_or_here() {
        assert_eq!(base("https://api.example.com/"), Ok("https://api.example.com".into()));
        for here in ["http://localhost:4010", "http://127.0.0.1:1/x", "http://[::1]:80"] {
            assert!(base(here).is_ok(), "{here}");
        }
        for wrong in
            ["http://api.example.com", "ftp://127.0.0.1", "api.example.com", "", "https://u:p@example.com"]
        {
            assert!(base(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_refusal_says_who_has_to_act() {
        let outcome = |status| {
            let headers = HeaderMap::new();
            Answer { status, retry_after: None, headers, body: Vec::new() }.refusal().name()
        };
        assert_eq!([302, 401, 402, 403, 404, 407].map(outcome), ["misconfigured"; 6]);
        assert_eq!([405, 406, 410, 418, 499].map(outcome), ["deferred"; 5], "nobody can tell");
        assert_eq!([400, 409, 413, 422, 451].map(outcome), ["rejected"; 5], "it may be the recipient");
        assert_eq!([408, 429, 500, 503].map(outcome), ["failed"; 4]);
    }

    #[test]
    fn a_wait_has_an_end() {
        let wait = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(wait("30"), Some(Duration::from_secs(30)));
        assert_eq!(wait("99999999"), Some(LONGEST_WAIT));
        assert_eq!(wait("soon"), None);
    }
}
