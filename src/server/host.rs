//! Which host a request is for: exactly one (RFC 9112 section 3.2, RFC 9113 section 8.3.1).

use std::net::IpAddr;

use poem::Request;
use poem::http::uri::Authority;
use poem::http::{Version, header};

/// Whether the request names its host as its version has to.
pub(super) fn is_sound(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (None, _) => None,
        (Some(host), None) => match host.to_str().ok().and_then(authority) {
            Some(host) => Some(host),
            None => return false,
        },
        (Some(_), Some(_)) => return false,
    };
    match request.version() {
        Version::HTTP_09 | Version::HTTP_10 => true,
        Version::HTTP_11 => named.is_some(),
        // A proxy that reads the one and a server that reads the other would see two requests.
        _ => match (request.uri().authority().map(Authority::as_str), named) {
            (Some(target), Some(host)) => target.eq_ignore_ascii_case(host.as_str()),
            (Some(target), None) => authority(target).is_some(),
            (None, named) => named.is_some(),
        },
    }
}

/// Whether the request is for this machine by a name that only this machine has. A page from elsewhere whose name was
/// made to mean this machine is not (DNS rebinding).
pub(super) fn is_loopback(request: &Request) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| authority(host.to_str().ok()?));
    let Some(named) = request.uri().authority().cloned().filter(|_| host.is_none()).or(host) else {
        return false;
    };
    let name = named.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
}

/// A host, perhaps with a port, and nothing else.
fn authority(text: &str) -> Option<Authority> {
    let found: Authority = text.parse().ok()?;
    // What stands before the host is a user.
    let port = found.as_str().strip_prefix(found.host())?;
    let sound = matches!(port, "" | ":") || found.port_u16().is_some();
    // A comma may stand in a name, but means that somebody made one line of two.
    (sound && !found.host().is_empty() && !text.contains(',')).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, uri: &str, hosts: &[&str]) -> Request {
        let mut request = Request::builder().version(version).uri(uri.parse().unwrap()).finish();
        for host in hosts {
            request.headers_mut().append(header::HOST, host.parse().unwrap());
        }
        request
    }

    #[test]
    fn one_host_is_named_and_it_is_one() {
        let sound = |hosts: &[&str]| is_sound(&request(Version::HTTP_11, "/", hosts));
        for host in ["localhost", "a.example:8080", "127.0.0.1:1", "[::1]", "[2001:db8::1]:443", "a_b", "a:"]
        {
            assert!(sound(&[host]), "{host}");
        }
        for host in ["", "a b", "a/", "a b/", "u@a", "a,b", "a:x", "a:99999", ":80", "http://a", "a?x", "a#x"]
        {
            assert!(!sound(&[host]), "{host}");
        }
        assert!(!sound(&[]) && !sound(&["a", "b"]) && !sound(&["a", "a"]));
        assert!(is_sound(&request(Version::HTTP_10, "/", &[])));
        assert!(!is_sound(&request(Version::HTTP_10, "/", &["a", "b"])));
    }

    #[test]
    fn http_2_names_it_in_its_target() {
        let sound = |uri: &str, hosts: &[&str]| is_sound(&request(Version::HTTP_2, uri, hosts));
        assert!(sound("http://a.example/", &[]) && sound("http://a.example/", &["A.example"]));
        assert!(sound("/", &["a.example"]));
        assert!(
            !sound("/", &[]) && !sound("http://a.example/", &["b.example"]) && !sound("http://u@a/", &[])
        );
    }

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        let loopback = |host: &str| is_loopback(&request(Version::HTTP_11, "/", &[host]));
        for host in
            ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.8.8.8", "[::1]:8080", "[::ffff:127.0.0.1]"]
        {
            assert!(loopback(host), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0"]
        {
            assert!(!loopback(host), "{host}");
        }
        assert!(!is_loopback(&request(Version::HTTP_11, "http://localhost/", &["evil.example"])));
        assert!(is_loopback(&request(Version::HTTP_2, "http://localhost:8080/", &[])));
    }
}
