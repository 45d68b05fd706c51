//! What waits to be sent: datagrams side by side in one buffer that is used again and again.

use std::collections::VecDeque;
use std::net::SocketAddr;

/// One datagram to send.
///
/// ```no_run
/// # fn send(endpoint: &mut ringfence_ua::Endpoint, socket: &std::net::UdpSocket) -> std::io::Result<()> {
/// while let Some(transmit) = endpoint.poll_transmit() {
///     socket.send_to(transmit.payload, transmit.destination)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmit<'a> {
    /// Where it goes.
    pub destination: SocketAddr,
    /// The datagram.
    pub payload: &'a [u8],
}

/// The datagrams that wait to be sent, in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    waiting: VecDeque<(SocketAddr, usize, usize)>,
}

/// An outbox that grew beyond this in a burst gives its memory back when it is empty.
const KEPT_CAPACITY: usize = 256 * 1024;

impl Outbox {
    /// Adds a datagram.
    pub(crate) fn push(&mut self, destination: SocketAddr, payload: &[u8]) {
        if self.waiting.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_CAPACITY);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        self.waiting.push_back((destination, start, self.bytes.len()));
    }

    /// Adds a datagram that is written in place.
    pub(crate) fn push_with(&mut self, destination: SocketAddr, write: impl FnOnce(&mut Vec<u8>)) {
        self.push(destination, &[]);
        write(&mut self.bytes);
        if let Some(last) = self.waiting.back_mut() {
            last.2 = self.bytes.len();
        }
    }

    /// Takes the oldest datagram.
    pub(crate) fn pop(&mut self) -> Option<Transmit<'_>> {
        let (destination, start, end) = self.waiting.pop_front()?;
        Some(Transmit { destination, payload: &self.bytes[start..end] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_leave_in_the_order_in_which_they_came() {
        let (one, two) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
        let mut outbox = Outbox::default();
        outbox.push(one, b"first");
        outbox.push_with(two, |out| out.extend_from_slice(b"second"));
        assert_eq!(outbox.pop(), Some(Transmit { destination: one, payload: b"first" }));
        assert_eq!(outbox.pop(), Some(Transmit { destination: two, payload: b"second" }));
        assert_eq!(outbox.pop(), None);
    }
}
