//! What takes part in a simulated network.

use std::any::Any;
use std::net::SocketAddr;
use std::time::Instant;

use ringfence_ua::{ConnectionId, Transport};

/// One host with one UDP socket, written sans-IO: bytes and time go in, bytes and deadlines come out.
///
/// The methods about connections are for hosts that open some; without them a host has datagrams only. One that others
/// connect to ([`Network::listen`](crate::Network::listen)) needs none of them: what comes over a connection is given to it
/// as a datagram of the peer's, and what it sends to that address goes back over it.
///
/// ```
/// use std::{net::SocketAddr, time::Instant};
/// use ringfence_testing::Node;
///
/// /// Sends back what it gets.
/// #[derive(Default)]
/// struct Echo(Vec<(SocketAddr, Vec<u8>)>);
///
/// impl Node for Echo {
///     fn handle_datagram(&mut self, _now: Instant, source: SocketAddr, datagram: &[u8]) {
///         self.0.push((source, datagram.to_vec()));
///     }
///     fn handle_timeout(&mut self, _now: Instant) {}
///     fn poll_timeout(&self) -> Option<Instant> {
///         None
///     }
///     fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
///         self.0.pop()
///     }
/// }
/// ```
pub trait Node: Any {
    /// Takes a datagram that has arrived.
    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]);

    /// Does what is due at `now`.
    fn handle_timeout(&mut self, now: Instant);

    /// Returns when [`Node::handle_timeout`] is to be called next.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Returns the next datagram to send and its destination.
    fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)>;

    /// Returns the next server that it wants to connect to, and by what; the answer is [`Node::handle_connected`].
    fn poll_connect(&mut self) -> Option<(SocketAddr, Transport)> {
        None
    }

    /// Takes a connection that it wanted, with its own address there, or why there is none.
    fn handle_connected(
        &mut self,
        _now: Instant,
        _server: (SocketAddr, Transport),
        _connected: Result<(ConnectionId, SocketAddr), &'static str>,
    ) {
    }

    /// Takes a whole message that has come over a connection which it has opened, or a keep-alive.
    fn handle_stream_message(&mut self, _now: Instant, _connection: ConnectionId, _message: &[u8]) {}

    /// Takes that a connection is no more.
    fn handle_disconnected(&mut self, _now: Instant, _connection: ConnectionId, _why: &'static str) {}

    /// Returns what it wants to write next over a connection: whole messages.
    fn poll_write(&mut self) -> Option<(ConnectionId, Vec<u8>)> {
        None
    }

    /// Returns the next connection that it closes.
    fn poll_close(&mut self) -> Option<ConnectionId> {
        None
    }

    /// Returns the Call-ID of the next call that it has decided to answer nothing, so that nobody waits for an answer.
    fn poll_ignored(&mut self) -> Option<String> {
        None
    }

    /// Returns whether all that it sends is to be right: a [`Network`](crate::Network) that is dropped panics where it was
    /// not, as an [`Auditor`](crate::Auditor) judges it.
    fn is_audited(&self) -> bool {
        false
    }
}
