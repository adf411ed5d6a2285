//! Whether a service can be reached, asked without telling it anything.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Host;

use super::Service;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);

impl Service {
    /// Where it is called, without path and query: they may hold what only the service should know.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Looks its name up and opens a connection, which is closed at once: nothing is sent.
    ///
    /// # Errors
    /// In plain words: the name is not known, leads to addresses that may not be called, or nobody listens there.
    pub async fn reach(&self) -> Result<(), String> {
        let port = self.url.port_or_known_default().unwrap_or(443);
        let at = |ip: IpAddr| vec![SocketAddr::new(ip, port)];
        let found: Vec<SocketAddr> = match self.url.host() {
            Some(Host::Ipv4(ip)) => at(ip.into()),
            Some(Host::Ipv6(ip)) => at(ip.into()),
            Some(Host::Domain(name)) => tokio::net::lookup_host((name, port))
                .await
                .map_err(|error| format!("{name} is not known: {error}"))?
                .collect(),
            None => return Err("the URL has no host".into()),
        };
        let admitted = found.iter().filter(|at| self.guard.admits(at.ip()));
        let mut last = None;
        for at in admitted {
            match timeout(CONNECT, TcpStream::connect(at)).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => last = Some(format!("{at} cannot be reached: {error}")),
                Err(_) => {
                    last = Some(format!("{at} cannot be reached: no answer in {} s", CONNECT.as_secs()));
                }
            }
        }
        Err(last.unwrap_or_else(|| {
            let all: Vec<String> = found.iter().map(|at| at.ip().to_string()).collect();
            let all = all.join(", ");
            format!("leads to {all}, which may not be called; name the network in outbound.networks if it is meant")
        }))
    }
}
