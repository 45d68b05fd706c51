//! What takes part in a simulated network.

use std::any::Any;
use std::net::SocketAddr;
use std::time::Instant;

/// One host with one UDP socket, written sans-IO: bytes and time go in, bytes and deadlines come out.
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

    /// Returns whether all that it sends is to be right: a [`Network`](crate::Network) that is dropped panics where it was
    /// not, as an [`Auditor`](crate::Auditor) judges it.
    fn is_audited(&self) -> bool {
        false
    }
}
