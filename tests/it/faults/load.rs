//! Calls over HTTP, each with its time and its status.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::table::{Seen, seconds};

/// One call that ended.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which door, such as `refresh`.
    pub what: &'static str,
    pub began: Instant,
    pub took: Duration,
    /// `None` where there was no answer in time, or none at all.
    pub status: Option<u16>,
    /// When it said to come again, in seconds.
    pub retry_after: Option<u64>,
}

/// What a call was answered.
#[derive(Debug)]
pub struct Said {
    pub status: Option<u16>,
    /// When to come again, in seconds.
    pub retry_after: Option<u64>,
    pub text: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A text of the body; empty where there is none.
    pub fn field(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    pub fn is(&self, status: u16) -> bool {
        self.status == Some(status)
    }
}

/// Somebody who calls one address and notes each call.
#[derive(Clone)]
pub struct Caller {
    http: reqwest::Client,
    base: String,
    calls: Calls,
}

impl Caller {
    /// Somebody who gives a call up after `patience`.
    pub fn new(base: &str, patience: Duration) -> Self {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(patience);
        Self { http: http.build().unwrap(), base: base.to_owned(), calls: Calls::default() }
    }

    /// The calls so far.
    pub fn calls(&self) -> Calls {
        self.calls.clone()
    }

    /// The same, with the calls noted apart.
    pub fn apart(&self) -> Self {
        Self { calls: Calls::default(), ..self.clone() }
    }

    pub async fn get(&self, what: &'static str, path: &str, token: Option<&str>) -> Said {
        let mut call = self.http.get(format!("{}{path}", self.base));
        if let Some(token) = token {
            call = call.bearer_auth(token);
        }
        self.send(what, call).await
    }

    pub async fn post(&self, what: &'static str, path: &str, body: Value) -> Said {
        self.send(what, self.http.post(format!("{}{path}", self.base)).json(&body)).await
    }

    /// [`Caller::post`] with a token and without a body.
    pub async fn post_as(&self, what: &'static str, path: &str, token: &str) -> Said {
        self.send(what, self.http.post(format!("{}{path}", self.base)).bearer_auth(token)).await
    }

    async fn send(&self, what: &'static str, call: reqwest::RequestBuilder) -> Said {
        let began = Instant::now();
        let (status, retry_after, text) = match call.send().await {
            Ok(answer) => {
                let retry_after = answer.headers().get("retry-after");
                let retry_after = retry_after.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
                let status = answer.status().as_u16();
                match answer.text().await {
                    Ok(text) => (Some(status), retry_after, text),
                    Err(why) => (None, None, why.to_string()),
                }
            }
            Err(why) => (None, None, why.to_string()),
        };
        let took = began.elapsed();
        self.calls.0.lock().unwrap().push(Call { what, began, took, status, retry_after });
        Said { status, retry_after, text }
    }
}

/// Calls that were made, to be asked about.
#[derive(Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<Call>>>);

impl Calls {
    /// Those of which `fits` is true.
    pub fn of(&self, fits: impl Fn(&Call) -> bool) -> Vec<Call> {
        self.0.lock().unwrap().iter().filter(|call| fits(call)).cloned().collect()
    }

    /// How many there are of each status: `200 ×31, 503 ×4, none ×1`.
    pub fn statuses(&self, fits: impl Fn(&Call) -> bool) -> String {
        let mut counts = std::collections::BTreeMap::<_, usize>::new();
        for call in self.of(fits) {
            *counts.entry(call.status.map_or("none".to_owned(), |status| status.to_string())).or_default() +=
                1;
        }
        let each: Vec<String> = counts.iter().map(|(status, n)| format!("{status} ×{n}")).collect();
        each.join(", ")
    }

    /// Every failure must be a 503 that says when to come again. Waiting for the lock of a refused turn is none.
    pub fn fail_alone_with_503(&self, seen: &mut Seen) {
        let bad = self.of(|call| !(call.status.is_some_and(|status| status < 400) || is_honest(call)));
        seen.none("errors other than 503 with Retry-After", bad.len());
        if let Some(call) = bad.first() {
            seen.figure(format!("such as {} {:?} after {}", call.what, call.status, seconds(call.took)));
        }
    }
}

/// A 503 that says when to come again; what load balancers ask says it by the status alone.
fn is_honest(call: &Call) -> bool {
    call.status == Some(503) && (call.retry_after.is_some() || call.what == "readyz")
}

/// The longest of them.
pub fn longest(calls: &[Call]) -> Duration {
    calls.iter().map(|call| call.took).max().unwrap_or_default()
}

/// The time that so many percent of them stay below.
pub fn percentile(calls: &[Call], percent: usize) -> Duration {
    let mut times: Vec<Duration> = calls.iter().map(|call| call.took).collect();
    times.sort_unstable();
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or_default()
}
