//! The trail as it grows.

use std::collections::HashMap;

use crate::base::Millis;
use crate::base::clock::SECOND;
use crate::store::events::Row;
use crate::store::trail::{self, Wanted};
use crate::store::{Db, Result};

/// How far behind the last event another one may still appear: a transaction may take a moment, and the clocks of
/// instances differ.
pub const OVERLAP: Millis = 30 * SECOND;
/// How many events are read at a time.
const AT_ONCE: usize = 1_000;

/// Reads new events as they come, each once.
///
/// Positions come from clocks, and transactions end in another order than they began: what is new may stand before
/// what was read already. So the last [`OVERLAP`] is read again and again, and what was given already is left out.
pub struct Follower {
    wanted: Wanted,
    /// The position of the last event that was read.
    last: i64,
    /// Ids and positions of what was given, as far back as is read again.
    given: HashMap<String, i64>,
}

impl Follower {
    /// Follows from `now` on.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn new(db: &mut impl Db, wanted: Wanted, now: Millis) -> Result<Self> {
        let mut new = Self { wanted, last: now.saturating_mul(1_000), given: HashMap::new() };
        // What is there already is not new.
        new.poll(db, now).await?;
        Ok(new)
    }

    /// What is new, in its order.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn poll(&mut self, db: &mut impl Db, now: Millis) -> Result<Vec<Row>> {
        let from = self.last.min(now.saturating_mul(1_000)).saturating_sub(OVERLAP * 1_000);
        self.given.retain(|_, position| *position > from);
        let (mut place, mut new) = ((from, String::new()), Vec::new());
        loop {
            let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
            let page = trail::after(db, &self.wanted, (place.0, &place.1), limit).await?;
            let full = page.len() == AT_ONCE;
            for row in page {
                place = (row.position, row.id.clone());
                self.last = self.last.max(row.position);
                if self.given.insert(row.id.clone(), row.position).is_none() {
                    new.push(row);
                }
            }
            if !full {
                return Ok(new);
            }
        }
    }
}
