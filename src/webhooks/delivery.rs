//! One event on its way to one webhook: posted, and what became of it written down.

use std::time::Instant;

use super::{Webhook, Worker, body, retry};
use crate::base::Millis;
use crate::outbound::{Answer, Outcome};
use crate::store::webhooks::{self as rows, Leased};
use crate::store::{StoreError, Tx, trail};
use crate::telemetry::metrics;
use crate::webhooks::tried::{Ended, Tried};

impl Worker {
    /// Posts one leased delivery.
    pub(super) async fn attempt(&self, webhook: &Webhook, leased: Leased) -> Tried {
        let began = Instant::now();
        let (ended, status) = match self.post(webhook, &leased).await {
            Ok(Ok(answer)) => (judged(&answer, self.clock.now()), Some(i64::from(answer.status))),
            Ok(Err(outcome)) => (Ended::later(outcome.why()), None),
            Err(ended) => (ended, None),
        };
        let (name, event) = (&leased.webhook, &leased.event_id);
        let outcome = match &ended {
            Ended::Sent => "sent",
            Ended::Later { why, .. } => {
                tracing::warn!(webhook = name, event, tries = leased.tries, why, "a webhook took nothing");
                "retried"
            }
            Ended::Failed { .. } => "failed",
        };
        metrics::webhook(name, outcome, began.elapsed().as_secs_f64());
        Tried { leased, ended, status }
    }

    async fn post(&self, webhook: &Webhook, leased: &Leased) -> Result<Result<Answer, Outcome>, Ended> {
        let unread = |error: StoreError| Ended::later(format!("the database: {error}"));
        let found = trail::by_id(&mut self.store.read().await.map_err(unread)?, &leased.event_id).await;
        let Some(row) = found.map_err(unread)? else {
            return Err(Ended::Failed { why: "the event is gone".into() });
        };
        Ok(webhook.service.post(&row.id, self.clock.now(), body::event(&row)).await)
    }

    /// Records what became of a delivery, in a transaction of its own; whether that worked.
    pub(super) async fn record_alone(&self, tried: &Tried) -> bool {
        let recorded = async {
            let mut tx = self.store.begin().await?;
            self.record(&mut tx, tried).await?;
            tx.commit().await
        };
        let recorded = recorded.await;
        if let Err(error) = &recorded {
            // The lease runs out and it is posted again, with the same id.
            let (webhook, event) = (&tried.leased.webhook, &tried.leased.event_id);
            tracing::warn!(often = true, %error, webhook, event, "what a webhook answered cannot be recorded");
        }
        recorded.is_ok()
    }

    /// Records what became of a delivery.
    pub(super) async fn record(&self, tx: &mut Tx, tried: &Tried) -> Result<(), StoreError> {
        let Tried { leased, ended, status } = tried;
        let now = self.clock.now();
        let with = |problem| rows::Tried { id: &leased.id, tries: leased.tries, status: *status, problem };
        match ended {
            Ended::Sent => rows::finish(tx, &with(None), "sent", now).await.map(drop),
            Ended::Failed { why } => self.give_up(tx, leased, &with(Some(why)), now).await,
            Ended::Later { why, asked } => {
                let wait = retry::wait(leased.tries, leased.created_at, now, *asked, &self.random);
                let Some(wait) = wait else {
                    return self.give_up(tx, leased, &with(Some(why)), now).await;
                };
                if rows::delay(tx, &with(Some(why)), now + wait).await?.is_yes() {
                    rows::put_off(tx, leased, now + wait).await?;
                }
                Ok(())
            }
        }
    }

    async fn give_up(
        &self,
        tx: &mut Tx,
        leased: &Leased,
        tried: &rows::Tried<'_>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let (webhook, event, why) = (&leased.webhook, &leased.event_id, tried.problem.unwrap_or_default());
        tracing::error!(
            webhook,
            event,
            why,
            "a webhook is told of an event no more; `multauth webhooks replay` does"
        );
        rows::finish(tx, tried, "failed", now).await.map(drop)
    }
}

/// What an answer means (Standard Webhooks, "Responses"): any 2xx takes it, 410 wants no more of it.
fn judged(answer: &Answer, now: Millis) -> Ended {
    match answer.status {
        200..=299 => Ended::Sent,
        410 => Ended::Failed { why: "answered 410: it wants no more of it".into() },
        status @ 300..=399 => Ended::later(format!("answered {status}: redirects are not followed")),
        status => Ended::Later { why: format!("answered {status}"), asked: retry::asked(answer, now) },
    }
}
