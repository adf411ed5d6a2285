//! What is known of a request before anything else: its id, its client, when it began. One log line a
//! request, one count a route.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use ipnet::IpNet;
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Addr, Endpoint, Request, Response};

use super::paths;
use crate::app::App;
use crate::auth::input::Client;
use crate::base::net;
use crate::messages;
use crate::telemetry::metrics;

/// The outermost endpoint.
pub(super) struct Context<E> {
    pub(super) app: Arc<App>,
    pub(super) inner: E,
}

/// The longest user agent that is kept.
const AGENT: usize = 200;

impl<E: Endpoint<Output = Response>> Endpoint for Context<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let began = Instant::now();
        let id = self.app.random.uuid();
        let mut client = client(&self.app.settings.server.trusted_proxies, &request);
        client.request.clone_from(&id);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let network = net::network(client.ip);
        request.set_data(client);
        request.set_data(self.app.clone());
        let mut response = self.inner.get_response(request).await;
        let served = paths::find(&path);
        if let (StatusCode::METHOD_NOT_ALLOWED, Some(served)) = (response.status(), served) {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(served.methods));
        }
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", value);
        }
        // A path may hold a handle or a key: only its pattern is written.
        let route = served.map_or("other", |served| served.pattern);
        tell(&id, &method, route, &network, response.status(), began);
        Ok(response)
    }
}

/// The methods that the log names.
const KNOWN: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// One line and one count.
fn tell(id: &str, method: &Method, route: &'static str, network: &str, status: StatusCode, began: Instant) {
    let elapsed = began.elapsed();
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    // Any word may stand for a method; only those that are known are written.
    let method = KNOWN.iter().find(|known| *known == method).map_or("other", Method::as_str);
    tracing::info!(request = id, method, route, network, status = status.as_u16(), millis, "request");
    metrics::request(route, status.as_u16(), elapsed.as_secs_f64());
}

/// Who calls. Only an address that a trusted proxy vouches for is believed; the header of anybody else is
/// not even read (R42).
fn client(trusted: &[IpNet], request: &Request) -> Client {
    let peer = match request.remote_addr().0 {
        Addr::SocketAddr(address) => address.ip().to_canonical(),
        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let agent = request.headers().get("user-agent").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let languages = request.headers().get_all(header::ACCEPT_LANGUAGE).iter();
    Client {
        ip: behind(trusted, peer, request.headers()),
        agent: agent.chars().filter(|c| !c.is_control()).take(AGENT).collect(),
        known_device: None,
        languages: messages::accepted(languages.filter_map(|v| v.to_str().ok())),
        request: String::new(),
    }
}

/// The last address of `X-Forwarded-For` that no trusted proxy has; the peer where it is not trusted itself.
fn behind(trusted: &[IpNet], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    if !is_trusted(&peer) {
        return peer;
    }
    let all = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
    let chain: Vec<&str> = all.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut found = peer;
    for text in chain.iter().rev() {
        // Whatever stands before something that is no address was written by nobody we trust.
        let Ok(ip) = text.parse::<IpAddr>() else { break };
        found = ip.to_canonical();
        if !is_trusted(&found) {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn seen(trusted: &[&str], peer: &str, forwarded: &[&str]) -> IpAddr {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
        }
        behind(&trusted, ip(peer), &headers)
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
        assert_eq!(seen(&[""]), ip("10.1.1.1"));
        assert_eq!(seen(&["203.0.113.9:4711"]), ip("10.1.1.1"));
    }
}
