//! Lines that come once a request while something fails: the first of a kind is written at once, then one a second, with
//! how many there were. A full disk that holds the log, too, is not filled by what is said of it.
//!
//! A line is one of these where the driver of the database tells of a slow statement, or it has the field `often`:
//! `tracing::error!(often = true, %error, "the database failed")`. Those of one place in the source that say the same
//! `error` or `why` of the same `hook`, `webhook`, `provider` or `verifier` are of one kind. What was held back is written
//! with the next line of any kind, and before one that has the field `last`, after which none is expected. Of which request
//! a line is makes no kind: what was held back is written as it was said for the last of those requests.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tracing::callsite::Identifier;
use tracing::{Level, Metadata};

/// Between two lines of a kind.
const APART: Duration = Duration::from_secs(1);
/// How many kinds are told apart; what comes beside them is of one kind a place in the source.
const KINDS: usize = 64;

/// A line that is not written yet.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) meta: &'static Metadata<'static>,
    pub(super) fields: Map<String, Value>,
    pub(super) span: Map<String, Value>,
}

/// The kinds of such lines, and what is held back of each.
#[derive(Debug)]
pub(super) struct Often {
    kinds: Mutex<HashMap<(Identifier, u64), Kind>>,
    hash: RandomState,
    beat: Beat,
}

#[derive(Debug)]
struct Kind {
    /// When one was written last.
    told: Duration,
    /// The last one that was held back, and how many there were.
    held: Option<(Entry, u64)>,
}

/// Time that never goes back.
#[derive(Debug)]
pub(super) enum Beat {
    System(Instant),
    /// Milliseconds that a test moves.
    #[cfg(test)]
    Given(std::sync::Arc<std::sync::atomic::AtomicU64>),
}

impl Beat {
    fn now(&self) -> Duration {
        match self {
            Self::System(began) => began.elapsed(),
            #[cfg(test)]
            Self::Given(at) => Duration::from_millis(at.load(std::sync::atomic::Ordering::SeqCst)),
        }
    }
}

impl Often {
    pub(super) fn new(beat: Beat) -> Self {
        Self { kinds: Mutex::default(), hash: RandomState::new(), beat }
    }

    /// What is to be written now that `entry` comes, in this order.
    pub(super) fn pass(&self, mut entry: Entry) -> Vec<Entry> {
        let often = entry.fields.remove("often").is_some() | is_of_a_slow_statement(entry.meta);
        let now = self.beat.now();
        let last = entry.fields.remove("last").is_some();
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = Vec::new();
        for kind in
            kinds.values_mut().filter(|kind| kind.held.is_some() && (last || now >= kind.told + APART))
        {
            kind.told = now;
            lines.extend(kind.held.take().map(|(entry, times)| counted(entry, times)));
        }
        if !often {
            lines.push(entry);
            return lines;
        }
        let key = self.key(&entry, &mut kinds, now);
        match kinds.get_mut(&key) {
            Some(kind) if now < kind.told + APART => {
                let before = kind.held.take().map_or(0, |(_, times)| times);
                kind.held = Some((entry, before + 1));
            }
            _ => {
                kinds.insert(key, Kind { told: now, held: None });
                lines.push(entry);
            }
        }
        lines
    }

    fn key(
        &self,
        entry: &Entry,
        kinds: &mut HashMap<(Identifier, u64), Kind>,
        now: Duration,
    ) -> (Identifier, u64) {
        const TELLING: [&str; 6] = ["error", "why", "hook", "webhook", "provider", "verifier"];
        let said: Vec<_> =
            TELLING.iter().filter_map(|name| entry.fields.get(*name)).map(Value::to_string).collect();
        let place = entry.meta.callsite();
        let key = (place.clone(), self.hash.hash_one(said));
        if !kinds.contains_key(&key) && kinds.len() >= KINDS {
            kinds.retain(|_, kind| kind.held.is_some() || now < kind.told + APART);
        }
        if kinds.contains_key(&key) || kinds.len() < KINDS { key } else { (place, 0) }
    }
}

/// The database's driver tells of each statement that takes more than a second.
fn is_of_a_slow_statement(meta: &Metadata<'_>) -> bool {
    meta.target() == "sqlx::query" && *meta.level() <= Level::WARN
}

fn counted(mut entry: Entry, times: u64) -> Entry {
    entry.fields.insert("times".into(), times.into());
    entry
}
