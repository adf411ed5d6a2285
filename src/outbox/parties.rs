//! The parties that messages go to: a domain of mail, a block of numbers. Whoever signs up chooses them, so one that is
//! slow must not take all places of a lane (F9).
//!
//! One that answered within a second the last time may have every place; one that did not, or that nobody knows, has
//! half of them, and its other messages wait outside.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::prefix;
use crate::messages::{Channel, Message};

/// How many messages to a party that is not quick are under way at once in a lane.
const HALF: usize = 4;
/// How long an answer about a message to a quick party takes.
const QUICK: Duration = Duration::from_secs(1);
/// How many quick parties are remembered.
const REMEMBERED: usize = 4_096;

/// Whom a message goes to, with others.
pub(super) fn party(message: &Message) -> &str {
    match message.channel {
        Channel::Email => message.to.rsplit('@').next().unwrap_or_default(),
        _ => prefix(&message.to),
    }
}

/// The parties of one process.
#[derive(Clone, Debug, Default)]
pub struct Parties(Arc<Mutex<Known>>);

/// A lane, and a party in it.
type Key = (String, String);

#[derive(Debug, Default)]
struct Known {
    /// How many messages are under way.
    under_way: HashMap<Key, usize>,
    quick: HashSet<Key>,
}

/// A message that is under way to a party, until it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    parties: Parties,
    key: Key,
    since: Instant,
}

impl Parties {
    /// A message to `party` sets out from `lane`; nothing where it has to wait for others.
    pub(super) fn set_out(&self, lane: &str, party: &str) -> Option<UnderWay> {
        let key = (lane.to_owned(), party.to_owned());
        let mut known = self.known();
        let bound = if known.quick.contains(&key) { usize::MAX } else { HALF };
        let under_way = known.under_way.entry(key.clone()).or_default();
        if *under_way >= bound {
            return None;
        }
        *under_way += 1;
        drop(known);
        Some(UnderWay { parties: self.clone(), key, since: Instant::now() })
    }

    fn arrived(&self, key: &Key, took: Duration) {
        let mut known = self.known();
        if let Some(under_way) = known.under_way.get_mut(key) {
            *under_way -= 1;
            if *under_way == 0 {
                known.under_way.remove(key);
            }
        }
        if took > QUICK {
            known.quick.remove(key);
        } else if known.quick.len() < REMEMBERED || known.quick.contains(key) {
            known.quick.insert(key.clone());
        } else {
            // Nobody is owed a place here: those that are quick are back with their next message.
            known.quick.clear();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.parties.arrived(&self.key, self.since.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many as may set out at once, of ten.
    fn places(parties: &Parties, lane: &str, party: &str) -> Vec<UnderWay> {
        (0..10).map_while(|_| parties.set_out(lane, party)).collect()
    }

    /// A message that set out `ago`.
    fn aged(mut under_way: UnderWay, ago: Duration) -> UnderWay {
        under_way.since -= ago;
        under_way
    }

    #[test]
    fn a_party_that_is_slow_or_not_known_has_half_of_the_places() {
        let parties = Parties::default();
        let mut held = places(&parties, "smtp", "slow.example");
        assert_eq!(held.len(), HALF);
        assert_eq!(places(&parties, "smtp", "other.example").len(), HALF, "another has places of its own");
        assert_eq!(places(&parties, "ses", "slow.example").len(), HALF, "and so has another lane");
        drop(aged(held.pop().unwrap(), 2 * QUICK));
        assert_eq!(places(&parties, "smtp", "slow.example").len(), 1);
    }

    #[test]
    fn a_quick_party_has_every_place_until_it_is_slow() {
        let parties = Parties::default();
        drop(parties.set_out("smtp", "quick.example").unwrap());
        let mut held = places(&parties, "smtp", "quick.example");
        assert_eq!(held.len(), 10);
        drop(aged(held.pop().unwrap(), 2 * QUICK));
        assert!(parties.set_out("smtp", "quick.example").is_none());
        assert!(parties.known().under_way.len() == 1 && !held.is_empty());
        held.clear();
        assert!(parties.known().under_way.is_empty(), "nothing is kept of what is over");
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let parties = Parties::default();
        for n in 0..2 * REMEMBERED {
            drop(parties.set_out("smtp", &n.to_string()));
        }
        assert!(parties.known().quick.len() <= REMEMBERED);
    }
}
