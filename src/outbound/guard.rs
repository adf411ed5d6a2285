//! Where calls may go: addresses of the public internet, and networks that the operator names (R135). Names are
//! resolved here, and the very addresses that passed are connected to, so that a name that leads elsewhere a moment
//! later (DNS rebinding) gains nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::settings::{Mode, Settings};

/// What is not the public internet (IANA's special-purpose registries).
const PRIVATE_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
];

/// Which addresses may be called.
#[derive(Clone)]
pub struct Guard {
    networks: Arc<[IpNet]>,
    /// Who looks names up; what it says is looked at every time.
    names: Arc<dyn Resolve>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({:?})", self.networks)
    }
}

impl Guard {
    /// The networks of `outbound.networks`; in development this machine too.
    pub fn of(settings: &Settings) -> Self {
        let own = settings.outbound.networks.iter().copied();
        let here = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].map(IpNet::from);
        let here = here.into_iter().filter(|_| settings.mode == Mode::Development);
        Self { networks: own.chain(here).collect(), names: Arc::new(System) }
    }

    /// Whether `ip` may be called.
    pub fn admits(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        is_public(ip) || self.networks.iter().any(|net| net.contains(&ip))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = guard.names.resolve(name).await?;
            let admitted: Vec<SocketAddr> = found.filter(|at| guard.admits(at.ip())).collect();
            if admitted.is_empty() {
                return Err("the name leads to no address that may be called (outbound.networks)".into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

/// The resolver of the system.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let within =
        |(net, bits): (Ipv4Addr, u8)| ipnet::Ipv4Net::new(net, bits).is_ok_and(|net| net.contains(&ip));
    !PRIVATE_V4.into_iter().any(within)
}

/// Only global unicast (2000::/3), without what is documentation or carries an IPv4 address that may be private.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let embedded = match parts {
        // 6to4
        [0x2002, high, low, ..] => Some((high, low)),
        // NAT64
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some((high, low)),
        _ => None,
    };
    if let Some((high, low)) = embedded {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    let special = parts[0] == 0x2001 && (parts[1] < 0x200 || parts[1] == 0xdb8) || parts[0] == 0x3fff;
    parts[0] & 0xe000 == 0x2000 && !special
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use jiff::SignedDuration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::outbound::Http;

    fn guard(networks: &[&str], mode: Mode) -> Guard {
        let mut settings = Settings::built_in();
        settings.outbound.networks = networks.iter().map(|net| net.parse().unwrap()).collect();
        settings.mode = mode;
        Guard::of(&settings)
    }

    #[test]
    fn private_addresses_are_refused() {
        let private = [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2002:a00:1::",
            "2001:db8::1",
            "2001:0:1::1",
            "::7f00:1",
            "100::1",
            "3fff::1",
        ];
        let guard = guard(&[], Mode::Production);
        for ip in private {
            assert!(!guard.admits(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808", "2a00:1450::5"]
        {
            assert!(guard.admits(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn the_operator_names_networks_and_development_admits_this_machine() {
        let named = guard(&["10.0.0.0/8"], Mode::Production);
        assert!(
            named.admits("10.9.9.9".parse().unwrap()) && named.admits("::ffff:10.9.9.9".parse().unwrap())
        );
        assert!(!named.admits("127.0.0.1".parse().unwrap()));
        assert!(guard(&[], Mode::Development).admits("127.0.0.1".parse().unwrap()));
        assert!(!guard(&[], Mode::Development).admits("10.0.0.1".parse().unwrap()));
    }

    /// A name server that answers with the one address first and with the other from then on.
    struct Rebinding(Mutex<Vec<IpAddr>>);

    impl Resolve for Rebinding {
        fn resolve(&self, _: Name) -> Resolving {
            let mut answers = self.0.lock().unwrap();
            let ip = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
            Box::pin(async move { Ok(Box::new(std::iter::once(SocketAddr::new(ip, 0))) as Addrs) })
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_elsewhere_a_moment_later_gains_nothing() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let good = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let port = good.local_addr().unwrap().port();
        let bad = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = good.accept().await.unwrap();
            let mut read = [0; 4_096];
            let _ = stream.read(&mut read).await.unwrap();
            let answer = b"HTTP/1.1 204 -\r\nconnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        });
        let answers = ["127.0.0.2", "127.0.0.1"].map(|ip| ip.parse().unwrap()).to_vec();
        let names = Arc::new(Rebinding(Mutex::new(answers)));
        let guard = Guard { names, ..guard(&["127.0.0.2/32"], Mode::Production) };
        let http = Http::guarded(SignedDuration::from_secs(5), guard).unwrap();
        let post = || http.call(http.client().post(format!("http://rebinding.test:{port}/")));
        assert_eq!(post().await.unwrap().status, 204, "what the operator named is called");
        serving.await.unwrap();
        assert!(post().await.is_err(), "the name leads to this machine now");
        let knocked = tokio::time::timeout(std::time::Duration::from_millis(200), bad.accept()).await;
        assert!(knocked.is_err(), "nobody connected");
    }
}
