//! Hooks asked one after the other, with an end to how long that takes.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::http::{Callee, Http};
use super::{Amend, Answer, Decision, Down, Hook, Offer, Point, Sending, Signup, Tokens, Without};
use crate::base::{Clock, Detail, Random};
use crate::outbound::breaker::Breaker;
use crate::settings::{self, Settings, WhenDown};
use crate::telemetry::metrics;

/// The most characters of a reason.
const REASON: usize = 200;
/// The most bytes that claims may add to a token.
const CLAIMS: usize = 2 * 1_024;

/// Somebody said no, with a reason that may be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused: {reason}")]
pub struct Refusal {
    /// At most 200 characters on one line.
    pub reason: String,
}

/// The hooks of an installation.
#[derive(Default)]
pub struct Hooks {
    chains: [Chain; 4],
    clock: Clock,
}

/// Everybody who is asked at one point.
#[derive(Default)]
struct Chain {
    seats: Vec<Seat>,
    timeout: Duration,
    refuses: bool,
}

struct Seat {
    hook: Arc<dyn Hook>,
    breaker: Breaker,
    /// Whether it was logged that it adds what it may not.
    told: AtomicBool,
}

/// One question on its way: the point, and until when it has an answer.
struct Round<'a> {
    point: Point,
    chain: &'a Chain,
    clock: &'a Clock,
    began: Instant,
}

impl Hooks {
    /// The hooks of an own program, then the services of the settings.
    pub fn new(
        settings: &Settings,
        own: &[Arc<dyn Hook>],
        callees: Vec<Callee>,
        clock: &Clock,
        random: &Random,
    ) -> Self {
        let http = |callee| Arc::new(Http::new(callee, clock.clone(), random.clone())) as Arc<dyn Hook>;
        let all: Vec<_> = own.iter().cloned().chain(callees.into_iter().map(http)).collect();
        let chain = |point: Point| {
            let seats = all.iter().filter(|hook| hook.points().contains(&point)).cloned().map(Seat::new);
            Chain::new(seats.collect(), settings.hooks.of(point.name()))
        };
        Self { chains: Point::ALL.map(chain), clock: clock.clone() }
    }

    /// Whether anybody is asked there. Where nobody is, nothing has to be put together.
    pub fn listen(&self, point: Point) -> bool {
        !self.chain(point).seats.is_empty()
    }

    fn chain(&self, point: Point) -> &Chain {
        &self.chains[point as usize]
    }

    fn round(&self, point: Point) -> Round<'_> {
        Round { point, chain: self.chain(point), clock: &self.clock, began: Instant::now() }
    }

    /// Asks about a sign-up; what is amended stands in `asked` then. `fit` says whether an amendment can be taken.
    ///
    /// # Errors
    /// The first refusal.
    pub async fn before_signup(
        &self,
        asked: &mut Signup,
        fit: impl Fn(&Amend) -> Result<(), String>,
    ) -> Result<(), Refusal> {
        let round = self.round(Point::BeforeSignup);
        for seat in &round.chain.seats {
            let fitting = |amend: &Amend| fit(amend).map_err(Down::Wrong);
            if let Some(amend) = round.ask(seat, seat.hook.before_signup(asked), fitting).await? {
                asked.profile = amend.profile.unwrap_or_else(|| std::mem::take(&mut asked.profile));
                asked.groups = amend.groups.unwrap_or_else(|| std::mem::take(&mut asked.groups));
            }
        }
        Ok(())
    }

    /// Asks about an access token, and gives what is added to it. Names that `reserved` knows are left out.
    ///
    /// # Errors
    /// The first refusal.
    pub async fn before_tokens(
        &self,
        asked: &Tokens,
        reserved: impl Fn(&str) -> bool,
    ) -> Result<Map<String, Value>, Refusal> {
        let round = self.round(Point::BeforeTokens);
        let mut added = Map::new();
        for seat in &round.chain.seats {
            let Some(more) = round.ask(seat, seat.hook.before_tokens(asked), |_| Ok(())).await? else {
                continue;
            };
            let (forged, fine): (Map<_, _>, Map<_, _>) =
                more.claims.into_iter().partition(|(name, _)| reserved(name));
            seat.warn(&forged);
            let before = added.clone();
            added.extend(fine);
            if serde_json::to_string(&added).map_or(usize::MAX, |text| text.len()) > CLAIMS {
                added = before;
                round.down::<()>(seat, &Down::Wrong("its claims are longer than 2 KiB".into()))?;
            }
        }
        Ok(added)
    }

    /// Asks about a message, and gives the provider that is tried first.
    ///
    /// # Errors
    /// The first refusal.
    pub async fn before_sending(&self, asked: &Sending) -> Result<Option<String>, Refusal> {
        let round = self.round(Point::BeforeSending);
        let mut chosen = None;
        for seat in &round.chain.seats {
            let route = round.ask(seat, seat.hook.before_sending(asked), |_| Ok(())).await?;
            let Some(name) = route.and_then(|route| route.provider) else { continue };
            if asked.providers.contains(&name) {
                chosen = Some(name);
            } else {
                let (hook, message) = (seat.hook.name(), &asked.message);
                tracing::warn!(hook, message, "a hook chose a provider that is not on the route: ignored");
            }
        }
        Ok(chosen)
    }

    /// Asks what an attempt does not offer.
    ///
    /// # Errors
    /// The first refusal.
    pub async fn ways(&self, asked: &Offer) -> Result<Without, Refusal> {
        let round = self.round(Point::Ways);
        let mut without = Without::default();
        for seat in &round.chain.seats {
            if let Some(more) = round.ask(seat, seat.hook.ways(asked), |_| Ok(())).await? {
                without.and(more, &asked.channels, &asked.flows);
            }
        }
        Ok(without)
    }
}

impl Chain {
    fn new(seats: Vec<Seat>, set: Option<&settings::HookPoint>) -> Self {
        Self {
            seats,
            timeout: set.map(|set| set.timeout.duration()).unwrap_or_default(),
            refuses: set.is_none_or(|set| set.when_down == WhenDown::Refuse),
        }
    }
}

impl Seat {
    fn new(hook: Arc<dyn Hook>) -> Self {
        Self { hook, breaker: Breaker::default(), told: AtomicBool::new(false) }
    }

    /// Logs once that it adds claims it may not.
    fn warn(&self, forged: &Map<String, Value>) {
        if !forged.is_empty() && !self.told.swap(true, Ordering::Relaxed) {
            let (hook, claims) = (self.hook.name(), forged.len());
            tracing::warn!(hook, claims, "a hook adds claims of names that are reserved: they are left out");
        }
    }
}

impl Round<'_> {
    /// One hook's changes; none where it is down and that is allowed.
    async fn ask<T>(
        &self,
        seat: &Seat,
        answer: impl Future<Output = Answer<T>>,
        fit: impl Fn(&T) -> Result<(), Down>,
    ) -> Result<Option<T>, Refusal> {
        let left = self.chain.timeout.saturating_sub(self.began.elapsed());
        if left.is_zero() || !seat.breaker.admits(self.clock.now()) {
            return self.otherwise();
        }
        let late = || Down::Away("did not answer in time".into());
        // What it holds is the question alone, which nobody looks at again where it panicked.
        let answer = timeout(left, AssertUnwindSafe(answer).catch_unwind()).await;
        let answer = answer.map_err(|_| late());
        let answer = answer.and_then(|got| got.unwrap_or_else(|_| Err(Down::Wrong("panicked".into()))));
        let answer = answer.and_then(|decision| match &decision {
            Decision::Allow(changes) => fit(changes).map(|()| decision),
            Decision::Refuse(_) => Ok(decision),
        });
        match answer {
            Ok(decision) => {
                seat.breaker.succeeded(self.clock.now());
                self.decided(decision).map(Some)
            }
            Err(down) => self.down(seat, &down),
        }
    }

    fn decided<T>(&self, decision: Decision<T>) -> Result<T, Refusal> {
        match decision {
            Decision::Allow(changes) => {
                metrics::hook(self.point.name(), "answered");
                Ok(changes)
            }
            Decision::Refuse(reason) => {
                metrics::hook(self.point.name(), "refused");
                Err(Refusal { reason: tidy(&reason) })
            }
        }
    }

    /// It gave no answer: counted, logged, and answered as the settings say.
    fn down<T>(&self, seat: &Seat, why: &Down) -> Result<Option<T>, Refusal> {
        let (now, point, hook) = (self.clock.now(), self.point.name(), seat.hook.name());
        let rests = match why {
            Down::Away(_) => seat.breaker.failed(now),
            // It is there. Questions that it stumbles over must not leave everybody else's unasked.
            Down::Wrong(_) => {
                seat.breaker.spared(now);
                false
            }
        };
        tracing::warn!(often = true, point, hook, %why, "a hook gave no answer");
        if rests {
            tracing::warn!(point, hook, "a hook keeps failing and is left alone for 30 s");
        }
        self.otherwise()
    }

    /// What holds where a hook is down.
    fn otherwise<T>(&self) -> Result<Option<T>, Refusal> {
        metrics::hook(self.point.name(), "down");
        if self.chain.refuses { Err(Refusal { reason: Detail::HookDown.to_string() }) } else { Ok(None) }
    }
}

/// A reason as it may be shown: one line of at most 200 characters, none of which changes how it reads.
fn tidy(reason: &str) -> String {
    let plain = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let text: String = reason.chars().filter(plain).take(REASON).collect();
    if text.trim().is_empty() { Detail::NoReason.to_string() } else { text.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(tidy("  Members\n only.\u{202e}\u{7} "), "Members only.");
        assert_eq!(tidy("\n\t"), "This is not allowed.");
        assert_eq!(tidy(&"ä".repeat(500)).chars().count(), REASON);
    }
}
