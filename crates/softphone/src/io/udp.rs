//! The UDP socket of one shard.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

/// The receive buffer that is asked for: the default of most kernels holds about 90 INVITEs, and a PBX that
/// comes back sends more at once. The kernel gives as much as `net.core.rmem_max` allows.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
const SEND_BUFFER: usize = 1024 * 1024;

/// A UDP socket that speaks of IPv4 peers as IPv4, whatever family it has.
#[derive(Debug)]
pub(crate) struct Udp {
    socket: UdpSocket,
    local: SocketAddr,
}

impl Udp {
    /// Binds a socket; an IPv6 wildcard takes IPv4 too. Needs a runtime.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        // Some kernels clamp what they do not allow, some refuse it; either way the socket works.
        let sized = [socket.set_recv_buffer_size(RECEIVE_BUFFER), socket.set_send_buffer_size(SEND_BUFFER)];
        for error in sized.into_iter().filter_map(Result::err) {
            tracing::debug!(%error, "socket buffer");
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        Ok(Self { local: socket.local_addr()?, socket })
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Receives a datagram if one is there.
    pub(crate) fn try_receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (length, source) = self.socket.try_recv_from(buffer)?;
        let source = match source.ip().to_canonical() {
            ip @ IpAddr::V4(_) => SocketAddr::new(ip, source.port()),
            // Whole: a link-local address is reached through its scope only.
            IpAddr::V6(_) => source,
        };
        Ok((length, source))
    }

    /// Sends a datagram, waiting for room in the socket's buffer.
    pub(crate) async fn send(&self, payload: &[u8], destination: SocketAddr) -> io::Result<()> {
        let destination = self.in_our_family(destination);
        match self.socket.try_send_to(payload, destination) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.socket.send_to(payload, destination).await.map(drop)
            }
            sent => sent.map(drop),
        }
    }

    fn in_our_family(&self, address: SocketAddr) -> SocketAddr {
        match (self.local.is_ipv6(), address.ip()) {
            (true, IpAddr::V4(ip)) => SocketAddrV6::new(ip.to_ipv6_mapped(), address.port(), 0, 0).into(),
            (true, IpAddr::V6(_)) | (false, _) => address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_ipv6_wildcard_talks_to_ipv4_peers_as_such() {
        let dual = Udp::bind("[::]:0".parse().unwrap()).unwrap();
        let peer = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        peer.send(b"there", SocketAddr::new("127.0.0.1".parse().unwrap(), dual.local().port()))
            .await
            .unwrap();
        let mut buffer = [0; 16];
        dual.readable().await.unwrap();
        let (length, source) = dual.try_receive(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], source), (&b"there"[..], peer.local()));
        dual.send(b"back", source).await.unwrap();
        peer.readable().await.unwrap();
        assert_eq!(peer.try_receive(&mut buffer).unwrap().0, 4);
    }

    #[tokio::test]
    async fn an_address_can_be_listened_on_once() {
        let first = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_eq!(Udp::bind(first.local()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
