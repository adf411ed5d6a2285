//! Where windows are kept: in memory, or in Redis with memory behind it.

use super::memory::Memory;
use super::redis::{self, Redis, Server};
use super::{Claim, Rate};
use crate::base::Millis;

/// Where windows are kept.
#[derive(Debug)]
pub struct Windows {
    memory: Memory,
    redis: Option<(Redis, u32)>,
}

/// The URL of the Redis server cannot be used: why, with nothing of the URL in it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadUrl(String);

impl Windows {
    /// In the memory of this instance alone.
    pub fn memory() -> Self {
        Self { memory: Memory::default(), redis: None }
    }

    /// In Redis, where several instances share them. While Redis is gone or refuses, and when it is not there yet,
    /// calls are counted in memory at once and never let through uncounted (R49).
    ///
    /// # Errors
    /// [`BadUrl`] when the URL cannot be understood; a server that does not answer is no error.
    pub async fn redis(server: &Server) -> Result<Self, BadUrl> {
        let redis = Redis::start(server).await.map_err(BadUrl)?;
        Ok(Self { memory: Memory::default(), redis: Some((redis, server.instances.max(1))) })
    }

    /// Looks at the URL of a Redis server, and connects to nothing.
    ///
    /// # Errors
    /// [`BadUrl`], which has nothing of the URL in it.
    pub fn check_url(url: &str) -> Result<(), BadUrl> {
        redis::check_url(url).map_err(BadUrl)
    }

    pub(super) fn sweep(&self, now: Millis) {
        self.memory.sweep(now);
    }

    /// Takes one of every claim if all have room (and `take` is set), else of none. Returns the wait until
    /// all have room; 0 when they have.
    pub(super) async fn settle(&self, claims: &[Claim], now: Millis, take: bool) -> Millis {
        if claims.is_empty() {
            return 0;
        }
        let Some((redis, instances)) = &self.redis else {
            return self.memory.settle(claims, now, take);
        };
        match redis.settle(claims, now, take).await {
            Some(wait) => wait,
            None => self.memory.settle(&shares(claims, *instances), now, take),
        }
    }
}

/// What one of `instances` may let through of each claim; never less than one.
fn shares(claims: &[Claim], instances: u32) -> Vec<Claim> {
    let share = |claim: &Claim| {
        let rate = Rate { count: (claim.rate.count / instances).max(1), ..claim.rate };
        Claim { rate, ..claim.clone() }
    };
    claims.iter().map(share).collect()
}
