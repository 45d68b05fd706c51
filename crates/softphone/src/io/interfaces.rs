//! Which of our addresses a peer sees.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Returns the local address that datagrams to `remote` leave from, given where we listen. Nothing is sent.
pub(crate) fn local_address_towards(remote: SocketAddr, listening: SocketAddr) -> io::Result<SocketAddr> {
    if !listening.ip().is_unspecified() {
        if listening.ip().is_loopback() && !remote.ip().is_loopback() {
            reach_from_loopback(remote, listening.ip())?;
        }
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

/// From the loopback interface this machine alone is reached, by each of its addresses. Nothing is sent here either.
fn reach_from_loopback(remote: SocketAddr, loopback: IpAddr) -> io::Result<()> {
    let reached = UdpSocket::bind((loopback, 0)).and_then(|socket| socket.connect(remote));
    reached
        .map_err(|_| io::Error::other(format!("from {loopback}, where it listens, no other host is reached")))
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

    #[test]
    fn no_other_host_is_reached_from_the_loopback_interface() {
        let towards =
            |remote: &str| local_address_towards(remote.parse().unwrap(), "127.0.0.1:5070".parse().unwrap());
        let told = towards("192.0.2.1:5060").unwrap_err().to_string();
        assert_eq!(told, "from 127.0.0.1, where it listens, no other host is reached");
        assert_eq!(towards("127.0.0.2:5060").unwrap().to_string(), "127.0.0.1:5070");
    }
}
