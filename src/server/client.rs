//! Who calls. Only an address that a trusted proxy vouches for is believed; the header of anybody else is not even read
//! (R42).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use ipnet::IpNet;
use poem::http::{HeaderMap, header};
use poem::{Addr, Request};

use crate::auth::input::Client;
use crate::base::net;
use crate::messages;

/// The longest user agent that is kept.
const AGENT: usize = 200;

/// The proxies that are trusted.
pub(super) struct Proxies {
    trusted: Vec<IpNet>,
    /// Whether the operator was told that one of them cannot be understood.
    told: AtomicBool,
}

impl Proxies {
    pub(super) fn new(trusted: &[IpNet]) -> Self {
        Self { trusted: trusted.to_vec(), told: AtomicBool::new(false) }
    }

    /// The client of a request, which came through these proxies or not.
    pub(super) fn client(&self, request: &Request) -> Client {
        let peer = match request.remote_addr().0 {
            Addr::SocketAddr(address) => address.ip().to_canonical(),
            _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let found = behind(&self.trusted, peer, request.headers());
        if found.unread {
            self.tell(peer);
        }
        let agent = request.headers().get("user-agent").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let languages = request.headers().get_all(header::ACCEPT_LANGUAGE).iter();
        Client {
            ip: found.ip,
            agent: agent.chars().filter(|c| !c.is_control()).take(AGENT).collect(),
            known_device: None,
            languages: messages::accepted(languages.filter_map(|v| v.to_str().ok())),
            request: String::new(),
        }
    }

    /// Says once that all clients behind a proxy share its limits: a line for every request would tell nothing more.
    fn tell(&self, proxy: IpAddr) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let proxy = net::network(proxy);
            tracing::warn!(
                proxy,
                "the forwarding header of a trusted proxy names no address that can be read: everybody behind it has \
                 its address and shares its limits; this is told once"
            );
        }
    }
}

/// Who is behind the proxies.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    ip: IpAddr,
    /// Whether a trusted proxy named somebody in a way that cannot be read.
    unread: bool,
}

/// The last address of the chain that no trusted proxy has; the peer where it is not trusted itself.
fn behind(trusted: &[IpNet], peer: IpAddr, headers: &HeaderMap) -> Found {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    let mut found = Found { ip: peer, unread: false };
    if !is_trusted(&peer) {
        return found;
    }
    for named in chain(headers).iter().rev() {
        // Whatever stands before something that is no address was written by nobody we trust.
        let Some(ip) = address(named) else {
            found.unread = true;
            break;
        };
        found.ip = ip;
        if !is_trusted(&ip) {
            break;
        }
    }
    found
}

/// Whom the proxies name, the nearest last: by `X-Forwarded-For`, where that is absent by `Forwarded` (RFC 7239).
fn chain(headers: &HeaderMap) -> Vec<&str> {
    let values = |name: &str| -> Vec<&str> {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect()
    };
    let plain = values("x-forwarded-for");
    if !plain.is_empty() {
        return plain.into_iter().flat_map(|value| value.split(',')).map(str::trim).collect();
    }
    values("forwarded").into_iter().flat_map(|value| outside_quotes(value, ',')).map(forwarded_for).collect()
}

/// The node of `for=` in one element of `Forwarded`; empty where there is none.
fn forwarded_for(element: &str) -> &str {
    let pairs = outside_quotes(element, ';').into_iter().filter_map(|pair| pair.split_once('='));
    let mut named =
        pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for")).map(|(_, node)| node.trim());
    let node = named.next_back().unwrap_or_default();
    node.strip_prefix('"').and_then(|node| node.strip_suffix('"')).unwrap_or(node)
}

/// The parts of a text between separators that stand in no quotes.
fn outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|c| {
        if escaped {
            escaped = false;
        } else {
            match c {
                '"' => quoted = !quoted,
                '\\' => escaped = quoted,
                _ => return c == separator && !quoted,
            }
        }
        false
    })
    .collect()
}

/// An address as proxies write it: alone, with a port, in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    bare().or_else(with_port).or_else(bracketed).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn found(trusted: &[&str], peer: &str, sent: &[(&'static str, &str)]) -> Found {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        behind(&trusted, ip(peer), &headers)
    }

    fn seen(trusted: &[&str], peer: &str, forwarded: &[&str]) -> IpAddr {
        let sent: Vec<_> = forwarded.iter().map(|value| ("x-forwarded-for", *value)).collect();
        found(trusted, peer, &sent).ip
    }

    #[test]
    fn a_header_counts_only_from_a_trusted_proxy() {
        assert_eq!(seen(&[], "192.0.2.1", &["203.0.113.9"]), ip("192.0.2.1"));
        assert_eq!(seen(&["10.0.0.0/8"], "10.1.1.1", &["203.0.113.9"]), ip("203.0.113.9"));
        assert_eq!(seen(&["10.0.0.0/8"], "192.0.2.1", &["203.0.113.9"]), ip("192.0.2.1"));
    }

    #[test]
    fn what_a_client_writes_before_the_proxy_is_not_believed() {
        let seen = |forwarded: &[&str]| seen(&["10.0.0.0/8"], "10.1.1.1", forwarded);
        assert_eq!(seen(&["127.0.0.1, 203.0.113.9"]), ip("203.0.113.9"));
        assert_eq!(seen(&["198.51.100.1", "203.0.113.9, 10.2.2.2"]), ip("203.0.113.9"));
        assert_eq!(seen(&["203.0.113.9, junk"]), ip("10.1.1.1"));
        assert_eq!(seen(&["203.0.113.9, junk, 10.2.2.2:80"]), ip("10.2.2.2"));
        assert_eq!(seen(&[""]), ip("10.1.1.1"));
    }

    #[test]
    fn an_address_is_read_as_proxies_write_it() {
        let (v4, v6) = (ip("203.0.113.9"), ip("2001:db8::9"));
        let written = [
            ("203.0.113.9", v4),
            ("203.0.113.9:4711", v4),
            ("::ffff:203.0.113.9", v4),
            ("[::ffff:203.0.113.9]:1", v4),
            ("2001:db8::9", v6),
            ("[2001:db8::9]", v6),
            ("[2001:db8::9]:4711", v6),
        ];
        for (text, expected) in written {
            assert_eq!(
                seen(&["10.0.0.0/8"], "10.1.1.1", &[&format!("192.0.2.1, {text}")]),
                expected,
                "{text}"
            );
            for element in [format!("for=\"{text}\""), format!("by=10.0.0.1;For=\"{text}\";proto=https")] {
                let sent = [("forwarded", format!("for=192.0.2.1;x=\"a,b;for=10.9.9.9\", {element}"))];
                let sent: Vec<_> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
                assert_eq!(found(&["10.0.0.0/8"], "10.1.1.1", &sent).ip, expected, "{element}");
            }
        }
        for text in [
            "unknown",
            "_hidden",
            "203.0.113.9:",
            "203.0.113.9:x",
            "[203.0.113.9]",
            "[2001:db8::9",
            "203.0.113",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_read_is_noticed_and_none_at_all_is_not() {
        let unread = |sent: &[(&'static str, &str)]| found(&["10.0.0.0/8"], "10.1.1.1", sent).unread;
        for text in ["unknown", "203.0.113.9, junk", "", "caf\u{e9}"] {
            assert!(unread(&[("x-forwarded-for", text)]), "{text}");
        }
        assert!(unread(&[("forwarded", "for=unknown")]) && unread(&[("forwarded", "proto=https")]));
        assert!(!unread(&[]) && !unread(&[("x-forwarded-for", "junk, 203.0.113.9")]));
        assert!(
            !found(&[], "10.1.1.1", &[("x-forwarded-for", "junk")]).unread,
            "a stranger's word is nothing"
        );
        let both = [("forwarded", "for=192.0.2.7"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(found(&["10.0.0.0/8"], "10.1.1.1", &both).ip, ip("203.0.113.9"));
    }
}
