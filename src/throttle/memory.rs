//! Windows in the memory of one instance.
//!
//! Sharded by a keyed hash of the window's name, so that requests seldom wait for each other and nobody can
//! choose names that fall together. [`super::shard`] keeps the windows, and says what happens where there are too
//! many. Those who have proven something and known devices have shards of their own: however many strangers call,
//! these are as they were.
//!
//! Memory is bounded: 131,072 windows of strangers and as many apart, some 25 MiB each where a window has counted once
//! or twice, 100 MiB each at the very most.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Claim;
use super::shard::Shard;
use crate::base::Millis;

const SHARDS: usize = 16;
/// Windows a shard.
const ROOM: usize = 8_192;

/// The windows of one instance.
#[derive(Debug)]
pub(super) struct Memory {
    strangers: Vec<Mutex<Shard>>,
    apart: Vec<Mutex<Shard>>,
    hasher: RandomState,
}

impl Default for Memory {
    fn default() -> Self {
        Self::with_room(ROOM)
    }
}

impl Memory {
    fn with_room(room: usize) -> Self {
        let shards = || (0..SHARDS).map(|_| Mutex::new(Shard::with_room(room))).collect();
        Self { strangers: shards(), apart: shards(), hasher: RandomState::new() }
    }

    /// Takes one of every claim if all have room (and `take` is set), else of none. Returns the wait until
    /// all have room; 0 when they have. The claims are those of one call.
    pub fn settle(&self, claims: &[Claim], now: Millis, take: bool) -> Millis {
        let apart = claims.iter().any(|claim| claim.apart);
        let ids: Vec<u64> = claims.iter().map(|claim| self.hasher.hash_one(&claim.name)).collect();
        let mut held = hold(if apart { &self.apart } else { &self.strangers }, &ids);
        let mut settled = Vec::with_capacity(claims.len());
        for (claim, id) in claims.iter().zip(ids) {
            let shard = held.iter().position(|(index, _)| *index == index_of(id)).unwrap_or(0);
            // Before any of them is looked at: where room is made, windows move.
            held[shard].1.make_room(id, claim, now);
            settled.push((claim, id, shard));
        }
        let waits = settled.iter().map(|(claim, id, shard)| held[*shard].1.wait(*id, claim, now));
        let wait = waits.max().unwrap_or(0);
        if take && wait == 0 {
            for (claim, id, shard) in settled {
                held[shard].1.take(id, claim, now);
            }
        }
        wait
    }

    /// Forgets the windows that count nothing any more.
    pub fn sweep(&self, now: Millis) {
        for shard in self.strangers.iter().chain(&self.apart) {
            lock(shard).search(now);
        }
    }
}

/// The shards of `ids`, locked in the order of their index so that two calls cannot hold each other up.
fn hold<'s>(shards: &'s [Mutex<Shard>], ids: &[u64]) -> Vec<(usize, MutexGuard<'s, Shard>)> {
    let mut wanted: Vec<usize> = ids.iter().map(|id| index_of(*id)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted.into_iter().map(|index| (index, lock(&shards[index]))).collect()
}

fn index_of(id: u64) -> usize {
    usize::try_from(id % SHARDS as u64).unwrap_or(0)
}

/// A panic elsewhere leaves counts that are at worst one short.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
