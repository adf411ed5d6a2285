use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::Deserialize;
use url::Url;

use crate::base::clock::{HOUR, MINUTE};
use crate::settings::check::Checks;
use crate::settings::{Span, form};

/// `[server]`: how the public listener serves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port of the public listener.
    #[serde(deserialize_with = "form::socket")]
    pub listen: SocketAddr,
    /// Networks whose forwarding headers are believed; empty: none, the peer is the client (R42).
    #[serde(deserialize_with = "form::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Serves `/docs`, where the API can be browsed, and `/openapi.json`; absent: in development alone (R118).
    #[serde(deserialize_with = "form::flag_or_none")]
    pub docs: Option<bool>,
    /// Serves `/metrics` on the public listener.
    pub metrics: bool,
    /// A listener of its own for `/metrics`.
    #[serde(deserialize_with = "form::socket_or_none")]
    pub metrics_listen: Option<SocketAddr>,
    /// Connections held open at the same time.
    pub connections: u32,
    /// For the head of a request to arrive.
    pub header_timeout: Span,
    /// For the body of a request to arrive. After a sixth of it, it has to have come at 1 KiB a second.
    pub body_timeout: Span,
    /// For a connection without a request, whatever else it says, and for one whose client does not take the answers.
    pub idle_timeout: Span,
    /// From the signal to stop until nothing new is taken; `/readyz` says no meanwhile.
    pub stop_delay: Span,
    /// For requests under way to end when the server stops.
    pub drain: Span,
    /// Largest body of a request, in bytes.
    pub body_limit: u32,
    /// Origins of pages that may call the API from a browser, such as `https://app.example.org`.
    pub cors_origins: Vec<String>,
}

impl Server {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.within("server.connections", self.connections, 1..=1_000_000);
        checks.within("server.body_limit", self.body_limit, 1_024..=16 * 1_024 * 1_024);
        let timeouts = [
            ("server.header_timeout", self.header_timeout),
            ("server.body_timeout", self.body_timeout),
            ("server.idle_timeout", self.idle_timeout),
        ];
        for (path, value) in timeouts {
            checks.within(path, value, Span(100)..=Span(HOUR));
        }
        checks.within("server.stop_delay", self.stop_delay, Span(0)..=Span(10 * MINUTE));
        checks.within("server.drain", self.drain, Span(0)..=Span(10 * MINUTE));
        checks.networks("server.trusted_proxies", &self.trusted_proxies);
        let apart = self.metrics_listen.is_none_or(|metrics| !clash(self.listen, metrics));
        checks.must(apart, "server.metrics_listen", "must be another address or port than server.listen");
        for (n, origin) in self.cors_origins.iter().enumerate() {
            let star = "has a star, and stars mean nothing here: name every origin, such as \"https://app.example.org\"";
            let message = "must be an origin such as \"https://app.example.org\": scheme, host and port, nothing behind";
            let message = if origin.contains('*') { star } else { message };
            checks.must(is_origin(origin), &format!("server.cors_origins[{n}]"), message);
        }
    }
}

/// Whether two listeners want one place. An address that stands for all of its family has every place of it, and the
/// one of IPv6 those of IPv4 too.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip().to_canonical(), other.ip().to_canonical());
    let holds = |a: IpAddr, b: IpAddr| a.is_unspecified() && (a.is_ipv6() || b.is_ipv4());
    // Port 0 is another one each time.
    one.port() == other.port() && one.port() != 0 && (a == b || holds(a, b) || holds(b, a))
}

/// Exactly what a browser sends as `Origin`.
fn is_origin(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let plain = matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text;
    // A host may have a star in it, and no browser is ever there.
    plain && !text.contains('*')
}
