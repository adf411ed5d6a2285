//! Windows in the memory of one instance.
//!
//! Sharded by a keyed hash of the window's name, so that requests seldom wait for each other and nobody can
//! choose names that fall together. A window is forgotten when it counts nothing any more and never sooner.
//! Memory is bounded all the same: when a shard is full of windows that still count (a flood of distinct
//! keys), the keys that come new share one window a rate in that shard. Newcomers then have to share what one
//! of them would have had; those already counted keep their windows, and nothing is ever let through uncounted.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Claim;
use super::rate::Rate;
use super::window::Window;
use crate::base::Millis;
use crate::base::clock::SECOND;
use crate::telemetry::metrics;

const SHARDS: usize = 16;
/// Windows a shard; all shards together hold 131,072, some 20 MiB under a flood.
const ROOM: usize = 8_192;
/// A full shard is searched for dead windows at most this often, or a flood would search at every call.
const PAUSE: Millis = SECOND;

/// The windows of one instance.
#[derive(Debug)]
pub(super) struct Memory {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    room: usize,
}

#[derive(Debug, Default)]
struct Shard {
    own: HashMap<u64, Window>,
    /// What newcomers share when there is no room for a window of their own; one a rate, so few.
    shared: HashMap<String, Window>,
    /// How many windows there may be before the next search for dead ones.
    search_at: usize,
    searched: Millis,
}

/// Where one claim is counted.
struct Place {
    shard: usize,
    id: u64,
    crowded: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self::with_room(ROOM)
    }
}

impl Memory {
    fn with_room(room: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, hasher: RandomState::new(), room }
    }

    /// Takes one of every claim if all have room (and `take` is set), else of none. Returns the wait until
    /// all have room; 0 when they have.
    pub fn settle(&self, claims: &[Claim], now: Millis, take: bool) -> Millis {
        let ids: Vec<u64> = claims.iter().map(|claim| self.hasher.hash_one(&claim.name)).collect();
        let mut held = self.hold(&ids);
        let mut wait = 0;
        let mut places = Vec::with_capacity(claims.len());
        for (claim, id) in claims.iter().zip(ids) {
            let shard = held.iter().position(|(index, _)| *index == index_of(id)).unwrap_or(0);
            let crowded = held[shard].1.crowded(id, self.room, now);
            let place = Place { shard, id, crowded };
            wait = wait.max(held[shard].1.wait(claim, &place, now));
            places.push(place);
        }
        if take && wait == 0 {
            for (claim, place) in claims.iter().zip(places) {
                held[place.shard].1.window(claim, &place).take(now);
            }
        }
        wait
    }

    /// Forgets the windows that count nothing any more.
    pub fn sweep(&self, now: Millis) {
        for shard in &self.shards {
            lock(shard).search(now);
        }
    }

    /// The shards of `ids`, locked in the order of their index so that two calls cannot hold each other up.
    fn hold(&self, ids: &[u64]) -> Vec<(usize, MutexGuard<'_, Shard>)> {
        let mut wanted: Vec<usize> = ids.iter().map(|id| index_of(*id)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.into_iter().map(|index| (index, lock(&self.shards[index]))).collect()
    }
}

fn index_of(id: u64) -> usize {
    usize::try_from(id % SHARDS as u64).unwrap_or(0)
}

/// A panic elsewhere leaves counts that are at worst one short.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What newcomers share: the action and the rate, without whose window it is.
fn rate_of(claim: &Claim) -> String {
    let action = claim.name.split(':').next().unwrap_or_default();
    format!("{action}:{}", claim.rate)
}

impl Shard {
    /// Whether `id` is new here and there is no room for it.
    fn crowded(&mut self, id: u64, room: usize, now: Millis) -> bool {
        if self.own.contains_key(&id) {
            return false;
        }
        let full = self.own.len() >= room;
        let due =
            if full { now.abs_diff(self.searched) >= PAUSE as u64 } else { self.own.len() >= self.search_at };
        if due {
            self.search(now);
        }
        if full && due && self.own.len() >= room {
            metrics::throttle_full();
            tracing::warn!("no room for more throttle windows: new clients share theirs");
        }
        self.own.len() >= room
    }

    fn wait(&mut self, claim: &Claim, place: &Place, now: Millis) -> Millis {
        let window = match place.crowded {
            true => self.shared.get_mut(&rate_of(claim)),
            false => self.own.get_mut(&place.id),
        };
        window.map_or(0, |window| {
            window.settle(now);
            window.wait(now)
        })
    }

    fn window(&mut self, claim: &Claim, place: &Place) -> &mut Window {
        let fresh = || Window::new(Rate::clone(&claim.rate));
        match place.crowded {
            true => self.shared.entry(rate_of(claim)).or_insert_with(fresh),
            false => self.own.entry(place.id).or_insert_with(fresh),
        }
    }

    fn search(&mut self, now: Millis) {
        let alive = |window: &mut Window| {
            window.settle(now);
            !window.is_empty()
        };
        self.own.retain(|_, window| alive(window));
        self.shared.retain(|_, window| alive(window));
        if self.own.capacity() > 4 * self.own.len() + 64 {
            self.own.shrink_to(2 * self.own.len());
        }
        // Twice what is alive: the search then costs each new window a constant share.
        self.search_at = (2 * self.own.len()).max(64);
        self.searched = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::MINUTE;
    use crate::throttle::parse;

    fn claims(rates: &str, whose: &str) -> Vec<Claim> {
        let claim = |rate: Rate| Claim { name: format!("test:{rate}:{whose}"), rate };
        parse("", rates).unwrap().into_iter().map(claim).collect()
    }

    fn windows(memory: &Memory) -> usize {
        memory.shards.iter().map(|shard| lock(shard).own.len()).sum()
    }

    #[test]
    fn a_refused_call_takes_nothing_of_any_window() {
        let memory = Memory::default();
        let (one, both) = (claims("1/m/ip", "a"), claims("1/m/ip, 2/h/ip", "a"));
        assert_eq!(memory.settle(&both, 0, true), 0);
        (0..9).for_each(|_| assert_eq!(memory.settle(&both, 30_000, true), 30_000));
        assert_eq!(memory.settle(&one, MINUTE, false), 0);
        assert_eq!(memory.settle(&both, MINUTE, true), 0, "the hour's window was not eaten by refusals");
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_lets_nothing_through_uncounted() {
        let memory = Memory::with_room(4);
        assert_eq!(memory.settle(&claims("1/m/ip", "early"), 0, true), 0);
        let passed = (0..5_000).filter(|i| memory.settle(&claims("1/m/ip", &i.to_string()), 1, true) == 0);
        assert!(passed.count() <= SHARDS * 4 + SHARDS);
        assert!(windows(&memory) <= SHARDS * 4);
        assert!(memory.settle(&claims("1/m/ip", "early"), 2, true) > 0, "a flood must not evict anybody");
        assert_eq!(memory.settle(&claims("1/m/ip", "late"), 2 * MINUTE, true), 0, "it heals by itself");
    }

    #[test]
    fn a_sweep_forgets_only_what_is_past() {
        let memory = Memory::default();
        for i in 0..1_000 {
            memory.settle(&claims("1/m/ip", &i.to_string()), 0, true);
        }
        memory.sweep(MINUTE - 1);
        assert_eq!(windows(&memory), 1_000);
        memory.sweep(MINUTE);
        assert_eq!(windows(&memory), 0);
    }

    #[test]
    fn threads_together_get_no_more_than_the_count() {
        let memory = Memory::default();
        let both = claims("50/m/ip, 60/h/ip", "a");
        let one = || (0..40).filter(|_| memory.settle(&both, 5, true) == 0).count();
        let passed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 50);
    }
}
