//! Addresses of clients, and the networks they are counted by.

use std::net::IpAddr;

use ipnet::IpNet;

/// The bits that stand before an address of IPv4 in one of IPv6 that maps it.
const MAPPED: u8 = 96;

/// The address that limits count by: an IPv4 address, or the /64 of an IPv6 one (R40).
pub fn host(ip: IpAddr) -> String {
    prefix(ip, 32, 64)
}

/// The wider network that limits count by: a /24, or the /48 of an IPv6 address (R40).
pub fn network(ip: IpAddr) -> String {
    prefix(ip, 24, 48)
}

/// The network of IPv4 that one of IPv6 maps (`::ffff:10.0.0.0/104` is `10.0.0.0/8`); any other as it is.
pub fn plain(net: IpNet) -> IpNet {
    let mapped = |bits: u8| IpNet::new(net.addr().to_canonical(), bits).ok();
    let bits = if is_mapped(&net) { net.prefix_len().checked_sub(MAPPED) } else { None };
    bits.and_then(mapped).unwrap_or(net)
}

/// Whether its address is one of IPv4 that is written as IPv6 (RFC 4291, 2.5.5.2).
pub fn is_mapped(net: &IpNet) -> bool {
    net.addr().is_ipv6() && net.addr().to_canonical().is_ipv4()
}

fn prefix(ip: IpAddr, v4: u8, v6: u8) -> String {
    let ip = ip.to_canonical();
    let length = if ip.is_ipv4() { v4 } else { v6 };
    IpNet::new(ip, length).map_or_else(|_| ip.to_string(), |net| net.trunc().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_network() {
        let ip = |s: &str| s.parse::<IpAddr>().unwrap();
        assert_eq!(host(ip("192.0.2.7")), "192.0.2.7/32");
        assert_eq!(network(ip("192.0.2.7")), "192.0.2.0/24");
        assert_eq!(host(ip("2001:db8::1")), host(ip("2001:db8::2")));
        assert_eq!(host(ip("::ffff:192.0.2.7")), "192.0.2.7/32");
    }
}
