//! Networks that are counted together when there is no room for everybody, and what each of them holds.

use std::collections::HashMap;
use std::net::IpAddr;

/// A network: the /24 of an IPv4 address, the /48 of an IPv6 one, and the /32 around that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Net {
    /// A /24.
    V4(u32),
    /// A /48.
    V6(u64),
    /// A /32 of IPv6: whoever is given one has 65,536 networks of the size that others have one of.
    Wide(u32),
}

impl Net {
    /// The network of an address.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip.to_bits() >> 8),
            IpAddr::V6(ip) => Self::V6(u64::try_from(ip.to_bits() >> 80).unwrap_or(0)),
        }
    }

    /// The network around it, of those that are counted.
    fn around(self) -> Option<Self> {
        match self {
            Self::V6(net) => Some(Self::Wide(u32::try_from(net >> 16).unwrap_or(0))),
            Self::V4(_) | Self::Wide(_) => None,
        }
    }

    /// Itself and the network around it.
    pub fn all(self) -> impl Iterator<Item = Self> {
        std::iter::once(self).chain(self.around())
    }

    /// Whether `other` lies in it.
    pub fn holds(self, other: Self) -> bool {
        other.all().any(|net| net == self)
    }

    /// The narrowest network that holds both; `None` where none of those that are counted does.
    pub fn with(self, other: Self) -> Option<Self> {
        self.all().find(|net| net.holds(other))
    }
}

/// How many windows each network holds. It has no more entries than twice the windows that are counted.
#[derive(Debug, Default)]
pub(super) struct Holdings(HashMap<Net, usize>);

impl Holdings {
    /// Counts a window of that network.
    pub fn add(&mut self, net: Net) {
        net.all().for_each(|net| *self.0.entry(net).or_default() += 1);
    }

    /// Counts one less.
    pub fn remove(&mut self, net: Net) {
        for net in net.all() {
            if let Some(held) = self.0.get_mut(&net) {
                *held = held.saturating_sub(1);
                if *held == 0 {
                    self.0.remove(&net);
                }
            }
        }
    }

    /// Counts nothing any more.
    pub fn clear(&mut self) {
        self.0 = HashMap::new();
    }

    /// The network that holds most, and how many; a /48 where it holds half of its /32 alone, so that its neighbours
    /// are left in peace.
    pub fn most(&self) -> Option<(Net, usize)> {
        let found = |wanted: &dyn Fn(Net) -> bool| {
            let nets = self.0.iter().filter(|(net, _)| wanted(**net));
            nets.max_by_key(|(_, held)| **held).map(|(net, held)| (*net, *held))
        };
        let (widest, all) = found(&|net| net.around().is_none())?;
        let inside = found(&|net| net.around() == Some(widest));
        Some(inside.filter(|(_, held)| 2 * held >= all).unwrap_or((widest, all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Net {
        Net::of(text.parse().unwrap())
    }

    #[test]
    fn neighbours_share_a_network() {
        assert_eq!(net("192.0.2.7"), net("::ffff:192.0.2.200"));
        assert_ne!(net("192.0.2.7"), net("192.0.3.7"));
        assert_eq!(net("2001:db8:1:2::3"), net("2001:db8:1:ffff::"));
        assert_eq!(net("2001:db8:1::").around(), net("2001:db8:2::").around());
        assert_ne!(net("2001:db8:1::").around(), net("2001:db9:1::").around());
        // Not one number for two: 0.0.2.1 is the /24 2, and 0:0:2::/48 has the number 2 too.
        assert_ne!(net("0.0.2.1"), net("0:0:2::1"));
    }

    #[test]
    fn what_two_use_is_of_the_network_around_both_or_of_none() {
        let (one, two) = (net("2001:db8:1::"), net("2001:db8:2::"));
        assert_eq!(one.with(one), Some(one));
        assert_eq!(one.with(two), one.around());
        assert_eq!(one.around().unwrap().with(two), one.around());
        assert_eq!(two.with(one.around().unwrap()), one.around());
        assert_eq!(one.with(net("192.0.2.7")), None);
        assert_eq!(net("192.0.2.7").with(net("192.0.3.7")), None);
    }

    #[test]
    fn the_narrowest_network_is_named_that_explains_most() {
        let mut held = Holdings::default();
        (0..5).for_each(|_| held.add(net("192.0.2.1")));
        (0..4).for_each(|_| held.add(net("2001:db8:1::")));
        assert_eq!(held.most(), Some((net("192.0.2.1"), 5)));
        (2..5).for_each(|n| held.add(net(&format!("2001:db8:{n}::"))));
        assert_eq!(held.most(), Some((net("2001:db8:1::"), 4)));
        (5..9).for_each(|n| held.add(net(&format!("2001:db8:{n}::"))));
        assert_eq!(held.most(), Some((net("2001:db8:1::").around().unwrap(), 11)));
        (0..4).for_each(|_| held.remove(net("2001:db8:1::")));
        (2..9).for_each(|n| held.remove(net(&format!("2001:db8:{n}::"))));
        (0..5).for_each(|_| held.remove(net("192.0.2.1")));
        assert!(held.0.is_empty());
    }
}
