//! Hooks over HTTP: a signed POST for each question, by the scheme of [`crate::outbound`].
//!
//! ```json
//! {"type":"before_signup","timestamp":"2026-01-02T03:04:05Z","data":{"identifiers":[…],"profile":{…},…}}
//! ```
//! is answered by 200 and
//! ```json
//! {"decision":"refuse","reason":"Members only."}
//! ```
//! or `"allow"` with the members of that point ([`super::Amend`], [`super::Claims`], [`super::Route`],
//! [`super::Without`]). Members that are not known are ignored; every other answer counts as none.

use async_trait::async_trait;
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{
    Amend, Answer, Claims, Decision, Down, Hook, Offer, Point, Route, Sending, Signup, Tokens, Without, Word,
};
use crate::base::clock::rfc3339;
use crate::base::{Clock, Mistake, Random};
use crate::outbound::{Named, Service};
use crate::settings::Settings;

/// A service that is asked at one point.
#[derive(Clone, Debug)]
pub struct Callee {
    /// The point.
    pub point: Point,
    /// The service.
    pub service: Service,
}

/// The services of the settings; no network is touched.
///
/// # Errors
/// Every mistake at once.
pub fn read(settings: &Settings) -> Result<Vec<Callee>, Vec<Mistake>> {
    let (mut callees, mut mistakes) = (Vec::new(), Vec::new());
    for point in Point::ALL {
        let set = settings.hooks.of(point.name());
        let Some(url) = set.and_then(|set| set.url.as_ref()) else { continue };
        let Some(set) = set else { continue };
        // The call itself ends with the point's own time-out, which may be shorter than what a client is given.
        let timeout = SignedDuration::from_millis(set.timeout.millis().max(1_000));
        let path = format!("hooks.{}", point.name());
        let (secret, file) = (&set.secret, set.secret_file.as_deref());
        let named = Named { path: &path, url, secret, secret_file: file, timeout };
        match Service::read(&named, settings) {
            Ok(service) => callees.push(Callee { point, service }),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(callees) } else { Err(mistakes) }
}

/// A service as a hook.
pub(super) struct Http {
    points: [Point; 1],
    service: Service,
    clock: Clock,
    random: Random,
}

#[derive(Serialize)]
struct Question<'a, Q> {
    r#type: &'static str,
    timestamp: String,
    data: &'a Q,
}

#[derive(Deserialize)]
struct Said<T> {
    decision: Word,
    reason: Option<String>,
    #[serde(flatten)]
    changes: T,
}

impl Http {
    pub(super) fn new(callee: Callee, clock: Clock, random: Random) -> Self {
        Self { points: [callee.point], service: callee.service, clock, random }
    }

    async fn ask<Q: Serialize + Sync, T: DeserializeOwned>(&self, data: &Q) -> Answer<T> {
        let now = self.clock.now();
        let question = Question { r#type: self.points[0].name(), timestamp: rfc3339(now), data };
        let body = serde_json::to_string(&question).map_err(|error| Down::Wrong(error.to_string()))?;
        let answer = self.service.post(&self.random.uuid(), now, body).await;
        let answer = answer.map_err(|outcome| Down::Away(outcome.why().to_owned()))?;
        if !answer.is_success() {
            return Err(Down::Wrong(format!("answered {}", answer.status)));
        }
        let said: Option<Said<T>> = answer.json();
        let said = said.ok_or_else(|| Down::Wrong("answered what is no decision".into()))?;
        Ok(match said.decision {
            Word::Allow => Decision::Allow(said.changes),
            Word::Refuse => Decision::Refuse(said.reason.unwrap_or_default()),
        })
    }
}

#[async_trait]
impl Hook for Http {
    fn name(&self) -> &str {
        "http"
    }

    fn points(&self) -> &[Point] {
        &self.points
    }

    async fn before_signup(&self, asked: &Signup) -> Answer<Amend> {
        self.ask(asked).await
    }

    async fn before_tokens(&self, asked: &Tokens) -> Answer<Claims> {
        self.ask(asked).await
    }

    async fn before_sending(&self, asked: &Sending) -> Answer<Route> {
        self.ask(asked).await
    }

    async fn ways(&self, asked: &Offer) -> Answer<Without> {
        self.ask(asked).await
    }
}
