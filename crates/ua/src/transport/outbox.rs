//! What waits to be sent: datagrams side by side in one buffer that is used again and again, and what goes over
//! connections in another.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::flow::{ConnectionId, Flow};
use super::keepalive::{PING, PONG};
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

/// All datagrams that wait to be sent, in order.
///
/// ```no_run
/// # fn send(endpoint: &mut ringfence_ua::Endpoint, socket: &std::net::UdpSocket) -> std::io::Result<()> {
/// for transmit in endpoint.transmits().iter() {
///     socket.send_to(transmit.payload, transmit.destination)?;
/// }
/// endpoint.clear_transmits();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Transmits<'a> {
    bytes: &'a [u8],
    waiting: &'a [Waiting],
}

impl<'a> Transmits<'a> {
    /// Returns how many there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.waiting.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns one of them, the oldest at 0.
    #[must_use]
    pub fn get(self, index: usize) -> Option<Transmit<'a>> {
        let &Waiting { destination, start, end } = self.waiting.get(index)?;
        Some(Transmit { destination, payload: &self.bytes[start..end] })
    }

    /// Iterates over them, the oldest first.
    pub fn iter(self) -> impl Iterator<Item = Transmit<'a>> {
        self.waiting.iter().map(move |&Waiting { destination, start, end }| Transmit {
            destination,
            payload: &self.bytes[start..end],
        })
    }
}

/// What waits to be sent over a connection.
///
/// ```no_run
/// # fn send(endpoint: &mut ringfence_ua::Endpoint, connection: &mut std::net::TcpStream) -> std::io::Result<()> {
/// use std::io::Write as _;
///
/// while let Some(written) = endpoint.poll_write() {
///     connection.write_all(&written.payload)?; // the one that `written.connection` names
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The connection that it goes over.
    pub connection: ConnectionId,
    /// One message or several, whole.
    pub payload: Vec<u8>,
    /// How many of them are final responses: a peer that will say no more may wait for them.
    pub final_responses: usize,
    /// How many of them are requests: what the peer may answer.
    pub requests: usize,
    /// How many of its bytes the peer has asked for, by requests and pings: one that does not take them need not be heard
    /// further.
    pub answers: usize,
}

impl Write {
    /// Adds a message.
    fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.payload.len();
        write(&mut self.payload);
        let message = &self.payload[start..];
        self.final_responses += usize::from(is_final(message));
        if is_answer(message) {
            self.answers += message.len();
        } else {
            self.requests += usize::from(message != PING);
        }
    }
}

/// Returns whether the peer has asked for a message of ours: a response, or a pong.
fn is_answer(message: &[u8]) -> bool {
    message.starts_with(VERSION) || message == PONG
}

/// Returns whether a message of ours is a final response.
fn is_final(message: &[u8]) -> bool {
    let class = message.strip_prefix(VERSION).and_then(|rest| rest.first());
    class.is_some_and(|class| (b'2'..=b'6').contains(class))
}

/// What waits to be sent, in order: the datagrams side by side in one buffer.
///
/// ```
/// use ringfence_ua::Outbox;
///
/// let mut outbox = Outbox::default();
/// outbox.push("192.0.2.1:5060".parse::<std::net::SocketAddr>()?, b"\r\n\r\n");
/// assert_eq!(outbox.all().len(), 1);
/// outbox.clear();
/// assert!(outbox.all().is_empty());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    waiting: Vec<Waiting>,
    /// How many of them were taken one by one.
    taken: usize,
    /// What goes over connections, the newest last.
    writes: VecDeque<Write>,
    /// Datagrams that no socket could send.
    pub(crate) too_long: u64,
}

#[derive(Debug)]
struct Waiting {
    destination: SocketAddr,
    start: usize,
    end: usize,
}

/// How every response begins.
const VERSION: &[u8] = b"SIP/2.0 ";
/// An outbox that grew beyond this in a burst gives its memory back when it is empty.
const KEPT_CAPACITY: usize = 256 * 1024;

impl Outbox {
    /// Adds a message. What is too long for a datagram (65,507 bytes) is left out.
    pub fn push(&mut self, destination: impl Into<Flow>, payload: &[u8]) {
        self.push_with(destination, |out| out.extend_from_slice(payload));
    }

    /// Adds a message that is written in place. What is too long for a datagram is counted and left out.
    pub(crate) fn push_with(&mut self, destination: impl Into<Flow>, write: impl FnOnce(&mut Vec<u8>)) {
        let flow = destination.into();
        match flow.connection_id() {
            Some(connection) => self.write(connection, write),
            None => self.push_datagram(flow.remote(), write),
        }
    }

    /// Takes what goes over one of the connections.
    pub(crate) fn pop_write(&mut self) -> Option<Write> {
        self.writes.pop_front()
    }

    /// Adds what goes over a connection to what else goes over it, where that is the newest there is.
    fn write(&mut self, connection: ConnectionId, write: impl FnOnce(&mut Vec<u8>)) {
        if let Some(last) = self.writes.back_mut().filter(|last| last.connection == connection) {
            return last.add(write);
        }
        let mut first = Write {
            connection,
            payload: Vec::with_capacity(1024),
            final_responses: 0,
            requests: 0,
            answers: 0,
        };
        first.add(write);
        self.writes.push_back(first);
    }

    fn push_datagram(&mut self, destination: SocketAddr, write: impl FnOnce(&mut Vec<u8>)) {
        if self.taken == self.waiting.len() {
            self.clear();
        }
        let start = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() - start > LONGEST_DATAGRAM {
            self.bytes.truncate(start);
            self.too_long += 1;
            return;
        }
        self.waiting.push(Waiting { destination, start, end: self.bytes.len() });
    }

    /// Takes the oldest datagram.
    pub(crate) fn pop(&mut self) -> Option<Transmit<'_>> {
        let &Waiting { destination, start, end } = self.waiting.get(self.taken)?;
        self.taken += 1;
        Some(Transmit { destination, payload: &self.bytes[start..end] })
    }

    /// Returns all datagrams that wait.
    #[must_use]
    pub fn all(&self) -> Transmits<'_> {
        Transmits { bytes: &self.bytes, waiting: self.waiting.get(self.taken..).unwrap_or_default() }
    }

    /// Takes all datagrams; what goes over connections stays.
    pub fn clear(&mut self) {
        self.taken = 0;
        self.waiting.clear();
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_CAPACITY {
            self.bytes.shrink_to(KEPT_CAPACITY);
            self.waiting.shrink_to(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Transport;

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

    #[test]
    fn what_goes_over_one_connection_goes_together_and_no_datagram_takes_it_along() {
        let remote = "192.0.2.1:5060".parse().unwrap();
        let flow = |id| Flow::connection(ConnectionId::new(id), Transport::Tcp, remote);
        let mut outbox = Outbox::default();
        outbox.push(flow(1), b"one");
        outbox.push(remote, b"datagram");
        outbox.push(flow(1), b"two");
        outbox.push(flow(2), b"three");
        outbox.clear();
        let written = |id, payload: &[u8], messages| Write {
            connection: ConnectionId::new(id),
            payload: payload.to_vec(),
            final_responses: 0,
            requests: messages,
            answers: 0,
        };
        assert_eq!(outbox.pop_write(), Some(written(1, b"onetwo", 2)));
        assert_eq!(outbox.pop_write(), Some(written(2, b"three", 1)));
        assert_eq!(outbox.pop_write(), None);
    }

    #[test]
    fn what_a_peer_has_asked_for_is_counted_its_final_responses_and_what_it_is_asked() {
        let remote = "192.0.2.1:5060".parse().unwrap();
        let flow = Flow::connection(ConnectionId::new(1), Transport::Tcp, remote);
        let mut outbox = Outbox::default();
        let (asked, ours) =
            (["SIP/2.0 100 Trying", "SIP/2.0 200 OK", "", "SIP/2.0 603 No"], ["OPTIONS sip:a SIP/2.0"]);
        for first in asked.iter().chain(&ours) {
            outbox.push(flow, format!("{first}\r\n").as_bytes());
        }
        outbox.push(flow, b"\r\n\r\n");
        let write = outbox.pop_write().unwrap();
        assert_eq!((write.final_responses, write.requests), (2, 1));
        assert_eq!(write.answers, asked.iter().map(|first| first.len() + 2).sum::<usize>());
    }
}
