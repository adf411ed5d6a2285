//! How often something may be done: rates as text, one line an action, counted in memory or in Redis.
//!
//! An operator writes `signin = "20/m/ip, 10/10m/identifier"`: twenty a minute for an address and ten in ten
//! minutes for an identifier, each counted on its own and never as a pair (R40).
//! [`rate`] reads that text, [`actions`] lists what can be limited, [`keys`] says by what,
//! [`window`] counts, [`Windows`] keeps the counts, and [`Throttle`] puts them together. In memory there is room for
//! so many windows: `memory` and `shard` say who shares when it is full.
//!
//! To limit something new: add a line to [`ACTIONS`] and call [`Throttle::check`] with its name.
//!
//! What stands here is coarse and may be forgotten on a restart; how many guesses an account or a
//! code has left is kept in the database.

use std::collections::BTreeMap;

pub mod actions;
mod even;
pub mod keys;
mod memory;
mod nets;
pub mod rate;
mod redis;
mod shard;
mod sliding;
pub mod window;
mod windows;

pub use actions::{ACTIONS, Action, DEVELOPMENT, rates};
pub use keys::{By, Keys, block};
pub use rate::{Rate, Rates, parse};
pub use redis::{Server, Time, Trouble, prove};
pub use windows::{BadUrl, Windows};

use self::nets::Net;
use crate::base::Millis;
use crate::base::clock::{SECOND, coarse, seconds_until};
use crate::telemetry::metrics;

/// What a wait is rounded up to, so that it does not tell which window was full (R19).
const COARSE: Millis = 30 * SECOND;

/// Too many. It names the action and never the window that was full (R19).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many of {action}; again in {retry_after} s")]
pub struct Limited {
    /// Seconds to wait, rounded up to a multiple of 30: what a client may be told (`Retry-After`).
    pub retry_after: u64,
    /// The wait itself, for logs and tests: after it the same call passes, unless others came between.
    pub exact: Millis,
    /// The action that was refused.
    pub action: &'static str,
}

impl Limited {
    fn new(action: &'static str, exact: Millis) -> Self {
        let retry_after = coarse(seconds_until(0, exact));
        Self { retry_after, exact, action }
    }
}

/// One window that a call is counted in.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// The window's name: action, rate, and whose it is.
    name: String,
    action: &'static str,
    rate: Rate,
    /// The network that the window is of, if this call opens it.
    net: Option<Net>,
    /// Whether it is counted apart from what strangers do.
    apart: bool,
}

/// The limits of one instance.
#[derive(Debug)]
pub struct Throttle {
    rates: BTreeMap<&'static str, Rates>,
    windows: Windows,
}

impl Throttle {
    /// Limits by `rates` (as [`rates`] gives them), counted in `windows`. An action that `rates` leaves out
    /// has its default.
    pub fn new(mut rates: BTreeMap<&'static str, Rates>, windows: Windows) -> Self {
        for action in ACTIONS {
            rates.entry(action.name).or_insert_with(|| action.rates());
        }
        Self { rates, windows }
    }

    /// Counts one `action` in every window it has, or in none when one of them is full: a refused call
    /// never makes the wait longer. A rate whose key is absent from `keys` is skipped.
    ///
    /// # Errors
    /// [`Limited`] when a window is full, with the wait after which all of them have room. An action that
    /// is not in [`ACTIONS`] is refused too.
    pub async fn check(&self, action: &str, now: Millis, keys: &Keys<'_>) -> Result<(), Limited> {
        self.ask(action, now, keys, true).await
    }

    /// Says what [`Throttle::check`] would say, and counts nothing. With it an action can count failures
    /// only: look before the work, count after a failure; a success clears nothing (R41).
    ///
    /// # Errors
    /// As [`Throttle::check`].
    pub async fn peek(&self, action: &str, now: Millis, keys: &Keys<'_>) -> Result<(), Limited> {
        self.ask(action, now, keys, false).await
    }

    /// Gives back the memory of windows that count nothing any more; to be called once a minute or so.
    pub fn sweep(&self, now: Millis) {
        self.windows.sweep(now);
    }

    async fn ask(&self, action: &str, now: Millis, keys: &Keys<'_>, take: bool) -> Result<(), Limited> {
        let Some((&action, rates)) = self.rates.get_key_value(action) else {
            tracing::error!(action, "refused: no such action is registered");
            return Err(Limited::new("unknown", COARSE));
        };
        let claims = claims(action, rates, keys);
        match self.windows.settle(&claims, now, take).await {
            0 => Ok(()),
            wait => {
                metrics::throttled(action);
                Err(Limited::new(action, wait))
            }
        }
    }
}

fn claims(action: &'static str, rates: &Rates, keys: &Keys<'_>) -> Vec<Claim> {
    let claim = |rate: &Rate| {
        let whose = keys.value(rate.by)?;
        let apart = keys.is_apart();
        let name = format!("{}{action}:{rate}:{whose}", if apart { "apart:" } else { "" });
        Some(Claim { name, action, rate: *rate, net: keys.network(rate.by), apart })
    };
    rates.iter().filter_map(claim).collect()
}

#[cfg(test)]
mod tests;
