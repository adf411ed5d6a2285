//! What happened, by name: written in the transaction that makes it true, kept as the audit trail (R150), and told
//! to the webhooks that want it.
//!
//! To add an event: one entry in [`names`](mod@names), and a call of [`Events::write`] where it becomes true. The
//! commands, the settings check of the webhooks and their documentation read the list there.
//!
//! A payload says what happened in ids, kinds and names of settings. What names a person is kept apart in
//! [`NewEvent::personal`], which webhooks are told and a purge empties.

mod follow;
mod names;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::Value;
use tokio::sync::Notify;

pub use follow::{Follower, OVERLAP};
pub use names::{By, Described, Event, Field, NAMES, reference};

use crate::base::clock::MINUTE;
use crate::base::{Millis, Random, SessionId, UserId};
use crate::store::events::{self as rows, Row};
use crate::store::{Db, Result};

/// Where something came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The network, such as `203.0.113.0/24`; empty where nobody called.
    pub network: String,
    /// The id of the request; empty where nobody called.
    pub request: String,
}

/// An event that is to be written.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// What happened.
    pub event: Event,
    /// Whom it is about.
    pub user: Option<UserId>,
    /// The session concerned.
    pub session: Option<SessionId>,
    /// What names the user, for webhooks.
    pub personal: Option<Value>,
    /// A keyed hash of the identifier that it is about, where nobody has it.
    pub subject: Option<String>,
}

impl Event {
    /// About a user.
    pub fn of(self, user: &UserId) -> NewEvent {
        NewEvent { event: self, user: Some(user.clone()), session: None, personal: None, subject: None }
    }

    /// About an identifier that nobody has, by its keyed hash: written beside what else is about it (R16).
    pub fn of_identifier(self, subject: impl Into<String>) -> NewEvent {
        NewEvent { subject: Some(subject.into()), ..self.of_nobody() }
    }

    /// About nobody that is known.
    pub fn of_nobody(self) -> NewEvent {
        NewEvent { event: self, user: None, session: None, personal: None, subject: None }
    }
}

impl NewEvent {
    /// In a session.
    #[must_use]
    pub fn in_session(self, session: &SessionId) -> Self {
        Self { session: Some(session.clone()), ..self }
    }

    /// With what names the user.
    #[must_use]
    pub fn naming(self, personal: Value) -> Self {
        Self { personal: Some(personal), ..self }
    }
}

/// Whether `wanted`, a name, a beginning with `*`, or `*` alone, means the event of that name.
pub fn means(wanted: &str, name: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => wanted == name,
    }
}

/// Who wants to be told of which events.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The webhook's name in the settings.
    pub name: String,
    /// Names of events; `user.*` for all that begin so, `*` for all.
    pub wants: Vec<String>,
}

impl Listener {
    /// Whether it wants to be told of the event of that name.
    pub fn wants(&self, name: &str) -> bool {
        self.wants.iter().any(|wanted| means(wanted, name))
    }
}

/// Writes events.
#[derive(Clone)]
pub struct Events {
    random: Random,
    listeners: Arc<[Listener]>,
    last: Arc<AtomicI64>,
    wake: Arc<Notify>,
}

impl Events {
    /// A writer that also queues each event for the webhooks that want it.
    pub fn new(random: Random, listeners: Vec<Listener>) -> Self {
        Self { random, listeners: listeners.into(), last: Arc::default(), wake: Arc::default() }
    }

    /// The same; `wake` is rung when something was queued, a moment before that counts.
    #[must_use]
    pub fn ringing(self, wake: Arc<Notify>) -> Self {
        Self { wake, ..self }
    }

    /// Writes events in the order of the list. Called last in a transaction, so that what others wrote of the same rows
    /// stands before it. Of what only ends sessions, a reuse above all, the user's row is not locked: written at the same
    /// moment, the events of two such calls may have one position, and their ids order them.
    ///
    /// # Errors
    /// Where the database fails; nothing of the transaction counts then.
    pub async fn write(
        &self,
        db: &mut impl Db,
        now: Millis,
        source: &Source,
        noted: &[NewEvent],
    ) -> Result<()> {
        if noted.is_empty() {
            return Ok(());
        }
        let rows: Vec<Row> = noted.iter().map(|one| self.row(now, source, one)).collect();
        rows::insert(db, &rows).await?;
        for listener in self.listeners.iter() {
            for row in rows.iter().filter(|row| listener.wants(&row.name)) {
                rows::queue(db, &self.random.uuid(), &listener.name, &row.id).await?;
                self.wake.notify_one();
            }
        }
        Ok(())
    }

    fn row(&self, now: Millis, source: &Source, noted: &NewEvent) -> Row {
        Row {
            id: self.random.uuid(),
            position: self.position(now),
            at: now,
            name: noted.event.name().to_owned(),
            user_id: noted.user.clone(),
            session_id: noted.session.clone(),
            network: source.network.clone(),
            request: source.request.clone(),
            data: noted.event.data().to_string(),
            personal: noted.personal.as_ref().map(Value::to_string),
            subject: noted.subject.clone(),
        }
    }

    /// Microseconds since the epoch, and more than any before from this process.
    fn position(&self, now: Millis) -> i64 {
        let least = now.saturating_mul(1_000);
        let next = |last: i64| after(last, least);
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        next(last.unwrap_or(least))
    }
}

/// The position behind `last`, where now is `least`. Behind one of a clock that was ahead nothing is put: it would stand
/// there until that day. What a user has already is looked at where the row is written.
fn after(last: i64, least: i64) -> i64 {
    if last > least.saturating_add(MINUTE * 1_000) { least } else { least.max(last.saturating_add(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::DAY;

    #[test]
    fn a_listener_wants_a_name_a_family_or_all() {
        let listener = |wants: &[&str]| Listener {
            name: "crm".into(),
            wants: wants.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert!(listener(&["*"]).wants("user.created"));
        assert!(listener(&["user.*"]).wants("user.created"));
        assert!(!listener(&["user.*"]).wants("signin.failed"));
        assert!(listener(&["device.added", "user.created"]).wants("user.created"));
        assert!(!listener(&["user.create", "user"]).wants("user.created"));
        assert!(!listener(&[]).wants("user.created"));
    }

    #[test]
    fn positions_rise_even_where_time_stands_still_or_goes_back() {
        let events = Events::new(Random::seeded(1), Vec::new());
        let positions: Vec<i64> = [5, 5, 4, 6].map(|now| events.position(now)).to_vec();
        assert_eq!(positions, [5_000, 5_001, 5_002, 6_000]);
    }

    #[test]
    fn a_clock_that_was_ahead_puts_nothing_ahead_once_it_is_right() {
        let events = Events::new(Random::seeded(1), Vec::new());
        let positions = [0, 10 * DAY, 1, 1].map(|now| events.position(now));
        assert_eq!(positions, [1, 10 * DAY * 1_000, 1_000, 1_001]);
    }
}
