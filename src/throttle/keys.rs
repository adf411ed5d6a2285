//! What a rate counts by, and the values of one call.

use std::net::IpAddr;

use super::nets::Net;
use crate::base::net;

/// What a rate counts by. There is no pair of address and user on purpose: such a window is a fresh one for
/// every combination, and so holds nobody who has many of either (R40).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// `ip`: the client's address, an IPv4 address or the /64 of an IPv6 one.
    Ip,
    /// `net`: the client's network, the /24 or the /48.
    Net,
    /// `identifier`: what somebody signs in by, whether it exists or not (R18).
    Identifier,
    /// `account`: a known user.
    Account,
    /// `address`: where a message goes.
    Address,
    /// `block`: a phone number without its last four digits (R45).
    Block,
    /// `key`: the API key of the caller.
    Key,
    /// `all`: the whole installation.
    All,
}

impl By {
    /// Every key, in the order people are told them.
    pub const ALL: [Self; 8] = [
        Self::Ip,
        Self::Net,
        Self::Identifier,
        Self::Account,
        Self::Address,
        Self::Block,
        Self::Key,
        Self::All,
    ];

    /// The word for it in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Net => "net",
            Self::Identifier => "identifier",
            Self::Account => "account",
            Self::Address => "address",
            Self::Block => "block",
            Self::Key => "key",
            Self::All => "all",
        }
    }

    /// The words of `keys`, for people.
    pub(super) fn names(keys: &[Self]) -> String {
        keys.iter().map(|by| by.name()).collect::<Vec<_>>().join(", ")
    }
}

/// Whom one call counts for; what is absent is not counted.
///
/// Identifier, address and block come as keyed hashes of their canonical form
/// (`Sealer::mac_text` for `Purpose::Subject`): they name windows, which may stand in Redis.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keys<'a> {
    /// The client's address; both `ip` and `net` come of it.
    pub ip: Option<IpAddr>,
    /// The client's address where `ip` is left out, because `ip` and `net` are not to count this call. Nothing is
    /// counted by it; it says whose network the windows are of that the call opens.
    pub from: Option<IpAddr>,
    /// The id of the known device of the account named, where the client is one: `ip`, `identifier` and `account`
    /// are then counted by that device, and `net` is not, so that nobody else slows it (R35). It is `apart`.
    pub known: Option<&'a str>,
    /// Whether whoever asks has proven a secret in this attempt, or is a known device of the account. Such calls are
    /// counted apart from those of strangers, in windows that no stranger fills.
    pub apart: bool,
    /// Whether this is the same call as one that was counted a moment ago, by other keys: `all` counts it once.
    pub again: bool,
    /// The keyed hash of the canonical identifier.
    pub identifier: Option<&'a str>,
    /// The id of the user.
    pub account: Option<&'a str>,
    /// The keyed hash of the canonical address that a message goes to.
    pub address: Option<&'a str>,
    /// The keyed hash of the number's [`block`].
    pub block: Option<&'a str>,
    /// The id of the API key.
    pub key: Option<&'a str>,
}

impl Keys<'_> {
    /// The value that a rate by `by` counts under; `None` where this call has none.
    pub(super) fn value(&self, by: By) -> Option<String> {
        if let Some(device) = self.known {
            let counted = match by {
                By::Ip => self.ip.is_some(),
                By::Identifier => self.identifier.is_some(),
                By::Account => self.account.is_some(),
                By::Net => return None,
                By::Address | By::Block | By::Key | By::All => return self.own_value(by),
            };
            return counted.then(|| format!("device/{device}"));
        }
        self.own_value(by)
    }

    /// Whether the call is counted apart from those of strangers.
    pub(super) fn is_apart(&self) -> bool {
        self.apart || self.known.is_some()
    }

    /// The network that a window by `by` is of, where this call opens it. What belongs to the installation or to an
    /// API key is nobody's network's.
    pub(super) fn network(&self, by: By) -> Option<Net> {
        let ip = self.ip.or(self.from);
        ip.filter(|_| !matches!(by, By::Key | By::All)).map(Net::of)
    }

    fn own_value(&self, by: By) -> Option<String> {
        match by {
            By::Ip => self.ip.map(net::host),
            By::Net => self.ip.map(net::network),
            By::Identifier => self.identifier.map(str::to_owned),
            By::Account => self.account.map(str::to_owned),
            By::Address => self.address.map(str::to_owned),
            By::Block => self.block.map(str::to_owned),
            By::Key => self.key.map(str::to_owned),
            By::All => (!self.again).then(String::new),
        }
    }
}

/// The block of a phone number in E.164: the number without its last four digits. Traffic pumping shows as
/// blocks of adjacent numbers (R45).
pub fn block(e164: &str) -> &str {
    let end = e164.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    &e164[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_numbers_share_a_block() {
        assert_eq!(block("+48601002003"), "+4860100");
        assert_eq!(block("+48601009999"), "+4860100");
        assert_eq!(block("112"), "");
    }

    #[test]
    fn one_client_has_an_address_and_a_network() {
        let keys = Keys { ip: Some("2001:db8:1:2::3".parse().unwrap()), ..Keys::default() };
        assert_eq!(keys.value(By::Ip).unwrap(), "2001:db8:1:2::/64");
        assert_eq!(keys.value(By::Net).unwrap(), "2001:db8:1::/48");
        assert_eq!(keys.value(By::Account), None);
        assert_eq!(keys.value(By::All).as_deref(), Some(""));
    }

    #[test]
    fn a_known_device_is_counted_in_place_of_whatever_others_share() {
        let whole = Keys {
            ip: Some("192.0.2.7".parse().unwrap()),
            identifier: Some("i"),
            account: Some("a"),
            address: Some("m"),
            block: Some("b"),
            key: Some("k"),
            ..Keys::default()
        };
        let known = Keys { known: Some("d"), ..whole };
        assert!(known.is_apart() && !whole.is_apart());
        for by in By::ALL {
            let expected = match by {
                By::Ip | By::Identifier | By::Account => Some("device/d".to_owned()),
                By::Net => None,
                By::Address | By::Block | By::Key | By::All => whole.value(by),
            };
            assert_eq!(known.value(by), expected, "{by:?}");
        }
        let bare = Keys { known: Some("d"), ..Keys::default() };
        assert!([By::Ip, By::Identifier, By::Account].iter().all(|by| bare.value(*by).is_none()));
    }
}
