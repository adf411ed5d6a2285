//! What only the values together, or their meaning, can show to be wrong.

use std::fmt::Display;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use crate::base::{Mistake, net};

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

    /// IPv4 written as IPv6 with fewer bits than stand before it holds more than IPv4, and nothing that was meant.
    pub fn networks(&mut self, path: &str, networks: &[IpNet]) {
        for (n, network) in networks.iter().enumerate().filter(|(_, network)| net::is_mapped(network)) {
            let (ip, bits) = (network.addr().to_canonical(), network.prefix_len().min(32));
            let message = format!(
                "is IPv4 written as IPv6, and too wide for it: write \"{ip}/{bits}\" if that is meant"
            );
            self.wrong(format!("{path}[{n}]"), message);
        }
    }
}
