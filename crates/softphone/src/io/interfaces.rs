//! Which of our addresses a peer sees.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Returns the local address that datagrams to `remote` leave from, given where we listen. Nothing is sent.
pub(crate) fn local_address_towards(remote: SocketAddr, listening: SocketAddr) -> io::Result<SocketAddr> {
    if !listening.ip().is_unspecified() {
        // A zone is of this machine only, and nothing that a peer is to be told.
        return Ok(SocketAddr::new(listening.ip(), listening.port()));
    }
    let any: IpAddr = match remote {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connecting a UDP socket asks the routing table, not the network.
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(remote)?;
    Ok(SocketAddr::new(socket.local_addr()?.ip(), listening.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_becomes_the_address_of_the_route() {
        let towards = |remote: &str, listening: &str| {
            local_address_towards(remote.parse().unwrap(), listening.parse().unwrap()).unwrap().to_string()
        };
        assert_eq!(towards("127.0.0.5:5060", "0.0.0.0:5070"), "127.0.0.1:5070");
        assert_eq!(towards("127.0.0.5:5060", "127.0.0.2:5070"), "127.0.0.2:5070");
        assert_eq!(towards("[fe80::2%2]:5060", "[fe80::1%2]:5070"), "[fe80::1]:5070");
    }
}
