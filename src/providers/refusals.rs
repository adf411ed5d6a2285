//! Messages that a provider refuses one after the other. Each may be its recipient's fault; all of them together are
//! hardly, and then the operator has to hear of it, though nothing is held up (F11).

use std::sync::atomic::{AtomicU32, Ordering};

/// How many in a row are told first; then twice as many, and so on.
const FIRST: u32 = 10;

/// How many messages were refused since one was taken; one a provider and process.
#[derive(Debug, Default)]
pub struct Refusals(AtomicU32);

impl Refusals {
    /// A message was taken.
    pub fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// A message was refused that was not refused here before; gives how many that are in a row now.
    pub fn add(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// Whether that many in a row are to be told.
    pub const fn are_many(count: u32) -> bool {
        count.is_multiple_of(FIRST) && (count / FIRST).is_power_of_two()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ever_fewer_are_told_and_one_that_is_taken_ends_it() {
        let refusals = Refusals::default();
        let told = |many: u32| -> Vec<u32> {
            (0..many).map(|_| refusals.add()).filter(|count| Refusals::are_many(*count)).collect()
        };
        assert_eq!(told(100), [10, 20, 40, 80]);
        refusals.end();
        assert_eq!((told(9), told(1)), (vec![], vec![10]));
    }
}
