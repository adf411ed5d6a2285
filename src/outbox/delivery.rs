//! One message on its way: handed to one provider after the other, and what became of it written down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::marks::{Mark, Marks};
use super::parties::party;
use super::{REFUSED, UNREACHABLE, Worker, open, urgent, veto};
use crate::base::Millis;
use crate::base::clock::{HOUR, MINUTE, SECOND};
use crate::events::Source;
use crate::messages::Message;
use crate::outbox::tried::{Ended, Tried};
use crate::providers::{Configured, Outcome, Refusals};
use crate::store::outbox::{End, Queued};
use crate::store::{self, Changed, StoreError, Tx};
use crate::telemetry::metrics;

/// How long a provider may take while another one stands by (F11).
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a message may take on its whole way, shorter than its lease.
const WHOLE: Duration = Duration::from_secs(50);

/// How long a message waits for others to the same party, a half more or less by chance.
const OUTSIDE: Millis = SECOND;

impl Worker {
    /// Tries to deliver one leased message.
    pub(super) async fn attempt(&self, queued: Queued) -> Tried {
        let mut marks = Marks::of(&queued.passed);
        let ended = self.try_all(&queued, &mut marks).await;
        let (message, kind) = (&queued.id, &queued.kind);
        match &ended {
            Ended::Later { why, .. } => {
                tracing::warn!(message, kind, tries = queued.tries, why, "a message waits");
            }
            Ended::Failed { why, .. } => tracing::warn!(message, kind, why, "a message is given up"),
            Ended::Outside | Ended::Left | Ended::Taken { .. } | Ended::Known | Ended::Expired => {}
            Ended::Unwanted => {}
        }
        Tried { queued, ended, marks }
    }

    /// Hands a message to the providers on its route, one after the other.
    async fn try_all(&self, queued: &Queued, marks: &mut Marks) -> Ended {
        if queued.confirmed_at.is_some() {
            return Ended::Known;
        }
        if let Some(silent) = &queued.provider {
            // It had its time to report a delivery.
            marks.set(Mark::Silent, silent);
        }
        if queued.expires_at <= self.clock.now() {
            return if self.jumps.are_recent() { Ended::Left } else { queued.over() };
        }
        match self.is_wanted(queued).await {
            Ok(true) => {}
            Ok(false) => return Ended::Unwanted,
            Err(error) => return Ended::later(format!("the database: {error}")),
        }
        let Some(message) = open(&self.sealer, queued) else {
            return Ended::failed("the message cannot be opened", "unreadable");
        };
        let route: Vec<_> = self.routes.of(message.channel, &message.to, queued.verifiable);
        let asked = |entry: &&Arc<Configured>| {
            !marks.has(Mark::Silent, &entry.name) && !marks.has(Mark::Rejected, &entry.name)
        };
        let left: Vec<_> = route.iter().copied().filter(asked).collect();
        if left.is_empty() && queued.provider.is_some() {
            return Ended::Known;
        }
        let Some(_under_way) = self.parties.set_out(&queued.lane, party(&message)) else {
            return Ended::Outside;
        };
        let ended = self.along(queued, &message, &left, marks).await;
        match ended {
            Ended::Later { why, .. } if is_hopeless(&route, marks) => Ended::failed(why, REFUSED),
            ended => ended,
        }
    }

    /// Whether the code in it can still be typed: not where another one was sent in its place, or none is asked for
    /// any more (R51).
    async fn is_wanted(&self, queued: &Queued) -> Result<bool, StoreError> {
        let Some(key) = queued.challenge.as_deref() else { return Ok(true) };
        let found = store::challenges::by_key(&mut self.store.read().await?, key).await?;
        Ok(found.is_some_and(|challenge| challenge.spent_at.is_none()))
    }

    async fn along(
        &self,
        queued: &Queued,
        message: &Message,
        left: &[&Arc<Configured>],
        marks: &mut Marks,
    ) -> Ended {
        let began = Instant::now();
        let left = match veto::asked(self, queued, message, left).await {
            Ok(left) => left,
            Err(ended) => return ended,
        };
        let mut last = Ended::later("no provider delivers on this channel");
        for (n, entry) in left.iter().enumerate() {
            let now = self.clock.now();
            let failed = marks.has(Mark::Failed, &entry.name) || entry.breaker.blames(party(message));
            if let Err(again) = entry.breaker.admit(now, failed) {
                last.wait_for(again - now);
                continue;
            }
            let whole = WHOLE.saturating_sub(began.elapsed());
            let patience = if n + 1 < left.len() { PATIENCE.min(whole) } else { whole };
            let outcome = self.hand_over(entry, message, patience).await;
            if outcome.is_about_message() && !marks.has(Mark::Failed, &entry.name) {
                refused(entry);
            }
            match outcome {
                Outcome::Delivered { reference } => {
                    if let Some(inbox) = &self.inbox {
                        inbox.keep(message);
                    }
                    let until = entry
                        .receipt_within
                        .filter(|_| n + 1 < left.len())
                        .map(|within| self.clock.now() + within);
                    return Ended::Taken { provider: entry.name.clone(), reference, until };
                }
                Outcome::GiveUp { why } => return Ended::Failed { why, word: UNREACHABLE },
                Outcome::Retry { why, after } => {
                    marks.set(Mark::Failed, &entry.name);
                    last = Ended::Later { why, after };
                }
                Outcome::Deferred { why } => {
                    marks.set(Mark::Failed, &entry.name);
                    last = Ended::later(why);
                }
                Outcome::Rejected { why } => {
                    marks.set(Mark::Rejected, &entry.name);
                    last = Ended::later(why);
                }
                Outcome::Misconfigured { why } => {
                    marks.set(Mark::Failed, &entry.name);
                    tracing::error!(provider = entry.name, why, "a provider refuses us: mend its settings");
                    last = Ended::later(why);
                }
            }
        }
        // Everybody was asked: those that stayed silent before may be asked again.
        if !left.is_empty() || queued.provider.is_none() {
            marks.forget_silence();
        }
        last
    }

    /// Hands a message to one provider, and tells its breaker and the metrics how that went.
    async fn hand_over(&self, entry: &Configured, message: &Message, patience: Duration) -> Outcome {
        let began = Instant::now();
        let sent = timeout(patience, entry.provider.send(message)).await;
        let outcome = sent.unwrap_or_else(|_| Outcome::retry("did not answer in time"));
        let seconds = began.elapsed().as_secs_f64();
        metrics::message(message.channel.name(), &entry.name, outcome.name(), seconds);
        let now = self.clock.now();
        match &outcome {
            Outcome::Delivered { .. } => {
                entry.breaker.succeeded(now);
                entry.refusals.end();
                metrics::refused_in_a_row(&entry.name, 0);
            }
            Outcome::GiveUp { .. } => entry.breaker.succeeded(now),
            Outcome::Deferred { .. } | Outcome::Rejected { .. } => entry.breaker.spared(now),
            Outcome::Retry { after: Some(after), .. } => entry.breaker.rest(now + millis(*after)),
            Outcome::Retry { .. } => {
                entry.breaker.blame(party(message));
                left_alone(entry, entry.breaker.failed(now));
            }
            Outcome::Misconfigured { .. } => left_alone(entry, entry.breaker.refused(now)),
        }
        outcome
    }

    /// Records what became of a message, in a transaction of its own; whether that worked.
    pub(super) async fn record_alone(&self, tried: &Tried) -> bool {
        let recorded = async {
            let mut tx = self.store.begin().await?;
            self.record(&mut tx, tried).await?;
            tx.commit().await
        };
        let recorded = recorded.await;
        if let Err(error) = &recorded {
            // The lease runs out and the message is tried again, with the same id.
            let message = &tried.queued.id;
            tracing::warn!(often = true, %error, message, "what became of a message cannot be recorded");
        }
        recorded.is_ok()
    }

    /// Records what became of a message.
    pub(super) async fn record(&self, tx: &mut Tx, tried: &Tried) -> Result<(), StoreError> {
        let Tried { queued, ended, marks } = tried;
        let now = self.clock.now();
        let (this, tries) = ((queued.id.as_str(), queued.tries), Some(queued.tries));
        match ended {
            Ended::Left => {}
            Ended::Outside => {
                let [chance] = self.random.bytes::<1>();
                let due = now + OUTSIDE + OUTSIDE * (i64::from(chance) - 128) / 256;
                store::outbox::step_back(tx, this, due).await?;
            }
            Ended::Later { why, after } => {
                let due = now + self.backoff(queued, *after);
                store::outbox::delay(tx, this, due, why, marks.column()).await?;
            }
            Ended::Taken { provider, reference, until } => {
                let reference = reference.as_deref();
                self.own(tx, queued, provider, reference).await?;
                match until {
                    Some(until) => {
                        let taker = (provider.as_str(), reference);
                        store::outbox::await_receipt(tx, this, *until, taker, marks.column())
                            .await?
                            .either_way();
                    }
                    None => {
                        let end =
                            End { state: "sent", provider: Some(provider), reference, problem: None, tries };
                        store::outbox::finish(tx, &queued.id, &end, now).await?.either_way();
                    }
                }
            }
            Ended::Failed { why, word } => {
                let end = End { state: "failed", problem: Some(why), tries, ..End::default() };
                let finished = store::outbox::finish(tx, &queued.id, &end, now).await?;
                if let Some(device) = queued.device_id.as_ref().filter(|_| *word == UNREACHABLE) {
                    store::devices::set_failing(tx, device, now).await?;
                }
                self.given_up(tx, queued, finished, word).await?;
            }
            Ended::Known | Ended::Expired | Ended::Unwanted => {
                let state = if matches!(ended, Ended::Known) { "sent" } else { "expired" };
                let end = End { state, tries, ..End::default() };
                let finished = store::outbox::finish(tx, &queued.id, &end, now).await?;
                if matches!(ended, Ended::Expired) {
                    self.given_up(tx, queued, finished, "expired").await?;
                }
            }
        }
        Ok(())
    }

    /// Tells that a message was given up, where that `finished` it.
    async fn given_up(
        &self,
        tx: &mut Tx,
        queued: &Queued,
        finished: Changed,
        why: &'static str,
    ) -> Result<(), StoreError> {
        if finished.is_no() {
            return Ok(());
        }
        let device = match queued.device_id.as_ref() {
            Some(device) => store::devices::by_id(tx, device).await?,
            None => None,
        };
        let noted =
            super::given_up((&queued.id, &queued.kind, &queued.channel), device.map(|d| d.user_id), why);
        self.events.write(tx, self.clock.now(), &Source::default(), &[noted]).await
    }

    /// Says who owns the code now: the vendor that made one of its own, or we (R51).
    async fn own(
        &self,
        tx: &mut Tx,
        queued: &Queued,
        provider: &str,
        reference: Option<&str>,
    ) -> Result<(), StoreError> {
        let Some(challenge) = queued.challenge.as_deref().filter(|_| queued.verifiable) else {
            return Ok(());
        };
        if !self.routes.has_verifier() {
            return Ok(());
        }
        let verifies = self.routes.named(provider).is_some_and(|entry| entry.provider.verifier().is_some());
        let owner = reference.filter(|_| verifies).map(|reference| (provider, reference));
        store::challenges::set_owner(tx, challenge, owner).await.map(drop)
    }

    /// 1, 2, 4 … 60 minutes, seconds instead for a code that soon ends; a fifth more or less by chance.
    fn backoff(&self, queued: &Queued, asked: Option<Duration>) -> Millis {
        let first = if urgent(&queued.kind) { 2 * SECOND } else { MINUTE };
        let doubled = first.saturating_mul(1 << queued.tries.clamp(1, 16) >> 1).min(HOUR);
        let [chance] = self.random.bytes::<1>();
        let spread = doubled / 5 * (i64::from(chance) - 128) / 128;
        (doubled + spread).max(asked.map_or(0, millis))
    }
}

fn left_alone(entry: &Configured, opened: bool) {
    if opened {
        tracing::warn!(provider = entry.name, "a provider keeps failing and is left alone for 30 s");
    }
}

fn millis(span: Duration) -> Millis {
    i64::try_from(span.as_millis()).unwrap_or(HOUR).min(HOUR)
}

/// A message was refused, as its recipient's fault, that was not refused there before.
fn refused(entry: &Configured) {
    let in_a_row = entry.refusals.add();
    metrics::refused_in_a_row(&entry.name, in_a_row);
    if Refusals::are_many(in_a_row) {
        let provider = &entry.name;
        tracing::warn!(
            provider,
            in_a_row,
            "a provider refuses every message: if these are not bad addresses alone, mend its settings"
        );
    }
}

/// Whether all who could deliver a message refuse it for good.
fn is_hopeless(route: &[&Arc<Configured>], marks: &Marks) -> bool {
    !route.is_empty() && route.iter().all(|entry| marks.has(Mark::Rejected, &entry.name))
}

impl Queued {
    /// How a message ends whose time is over: a notice that nobody took is kept for the operator.
    fn over(&self) -> Ended {
        match (&self.challenge, &self.provider) {
            (_, Some(_)) => Ended::Known,
            (Some(_), None) => Ended::Expired,
            (None, None) => Ended::failed("nobody took it within three days", "untaken"),
        }
    }
}
