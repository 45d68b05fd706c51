//! The stage of the demo: a PBX and a stranger, each on a real socket of the loopback interface.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use ringfence_testing::Node;
use tokio::net::UdpSocket;
use tokio::time::timeout_at;

/// Someone who takes part: what it does is decided without a socket or a clock; here it gets both.
#[derive(Debug)]
pub(super) struct Peer<N> {
    pub(super) node: N,
    socket: UdpSocket,
}

/// Binds a socket on loopback for someone to come.
pub(super) async fn seat(host: Ipv4Addr) -> io::Result<(UdpSocket, SocketAddr)> {
    let socket = UdpSocket::bind((IpAddr::V4(host), 0)).await?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

impl<N: Node> Peer<N> {
    pub(super) fn new(node: N, socket: UdpSocket) -> Self {
        Self { node, socket }
    }

    /// Lets it send, receive and wait until something holds, for at most `limit`. Returns whether it
    /// came to hold.
    pub(super) async fn play(&mut self, limit: Duration, is_over: impl Fn(&N) -> bool) -> io::Result<bool> {
        let latest = Instant::now() + limit;
        let mut datagram = vec![0; LARGEST];
        loop {
            while let Some((destination, bytes)) = self.node.poll_transmit() {
                self.socket.send_to(&bytes, destination).await?;
            }
            if is_over(&self.node) {
                return Ok(true);
            }
            let now = Instant::now();
            if now >= latest {
                return Ok(false);
            }
            let until = self.node.poll_timeout().map_or(latest, |due| due.min(latest));
            match timeout_at(until.into(), self.socket.recv_from(&mut datagram)).await {
                Ok(Ok((length, source))) => {
                    self.node.handle_datagram(Instant::now(), source, &datagram[..length]);
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => self.node.handle_timeout(Instant::now()),
            }
        }
    }
}

/// A UDP datagram is no longer.
const LARGEST: usize = 65_535;
