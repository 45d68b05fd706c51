//! What waits to be sent: datagrams side by side in one buffer that is used again and again.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::limits::LONGEST_DATAGRAM;

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
    /// Datagrams that no socket could send.
    pub(crate) too_long: u64,
}

/// An outbox that grew beyond this in a burst gives its memory back when it is empty.
const KEPT_CAPACITY: usize = 256 * 1024;

impl Outbox {
    /// Adds a datagram.
    pub(crate) fn push(&mut self, destination: SocketAddr, payload: &[u8]) {
        self.push_with(destination, |out| out.extend_from_slice(payload));
    }

    /// Adds a datagram that is written in place. What is too long for one is counted and left out.
    pub(crate) fn push_with(&mut self, destination: SocketAddr, write: impl FnOnce(&mut Vec<u8>)) {
        if self.waiting.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_CAPACITY);
        }
        let start = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() - start > LONGEST_DATAGRAM {
            self.bytes.truncate(start);
            self.too_long += 1;
            return;
        }
        self.waiting.push_back((destination, start, self.bytes.len()));
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

    #[test]
    fn what_no_datagram_can_hold_is_counted_and_left_out() {
        let one = "192.0.2.1:5060".parse().unwrap();
        let mut outbox = Outbox::default();
        outbox.push(one, &vec![b'x'; LONGEST_DATAGRAM + 1]);
        outbox.push(one, b"next");
        assert_eq!(outbox.pop(), Some(Transmit { destination: one, payload: b"next" }));
        assert_eq!(outbox.pop(), None);
        assert_eq!(outbox.too_long, 1);
    }
}
