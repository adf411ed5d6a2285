//! What only the values together, or their meaning, can show to be wrong.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::base::Mistake;

/// Mistakes as they are found.
#[derive(Default)]
pub(super) struct Checks {
    pub found: Vec<Mistake>,
}

impl Checks {
    pub fn wrong(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.found.push(Mistake::new(path, message));
    }

    pub fn must(&mut self, right: bool, path: &str, message: impl Into<String>) {
        if !right {
            self.wrong(path, message);
        }
    }

    pub fn within<T: PartialOrd + Display>(&mut self, path: &str, value: T, range: RangeInclusive<T>) {
        let message = || format!("must be from {} to {}, and is {value}", range.start(), range.end());
        if !range.contains(&value) {
            self.wrong(path, message());
        }
    }
}
