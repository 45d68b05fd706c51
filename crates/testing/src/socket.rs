//! A node's datagrams: those to send, and a record of all that went in and out.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use ringfence_ua::Transport;
use ringfence_wire::sip::Message;

/// One message that a node sent or received.
///
/// ```
/// use std::time::Instant;
/// use ringfence_testing::{Direction, Record};
///
/// let record = Record {
///     at: Instant::now(),
///     direction: Direction::Sent,
///     peer: "192.0.2.7:5060".parse().unwrap(),
///     message: b"SIP/2.0 486 Busy Here\r\n\r\n".to_vec(),
/// };
/// assert_eq!(record.first_line(), "SIP/2.0 486 Busy Here");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Instant,
    /// Which way.
    pub direction: Direction,
    /// To or from whom.
    pub peer: SocketAddr,
    /// What.
    pub message: Vec<u8>,
}

/// Which way a recorded message went.
///
/// ```
/// use ringfence_testing::Direction;
///
/// assert_ne!(Direction::Sent, Direction::Received);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The node sent it.
    Sent,
    /// The node received it.
    Received,
}

impl Record {
    /// Returns the request line or status line.
    #[must_use]
    pub fn first_line(&self) -> String {
        let line = self.message.split(|byte| matches!(byte, b'\r' | b'\n')).next();
        String::from_utf8_lossy(line.unwrap_or_default()).into_owned()
    }

    /// Returns by what the message went, as its topmost Via says; UDP where that says nothing.
    #[must_use]
    pub fn transport(&self) -> Transport {
        transport_of(&self.message)
    }
}

fn transport_of(message: &[u8]) -> Transport {
    let message = Message::parse(message).ok();
    let via = message.as_ref().and_then(|message| message.via().ok());
    let named = via.map(|via| via.transport().to_ascii_uppercase());
    match named.as_deref() {
        Some("TCP") => Transport::Tcp,
        Some("TLS") => Transport::Tls,
        Some("WS") => Transport::Ws,
        Some("WSS") => Transport::Wss,
        Some(_) | None => Transport::Udp,
    }
}

/// Where a node's datagrams go through.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) address: SocketAddr,
    outbox: VecDeque<(SocketAddr, Vec<u8>)>,
    records: VecDeque<Record>,
    /// How many records there were before these.
    forgotten: u64,
}

impl Socket {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, outbox: VecDeque::new(), records: VecDeque::new(), forgotten: 0 }
    }

    pub(crate) fn send(&mut self, now: Instant, destination: SocketAddr, message: Vec<u8>) {
        self.record(now, Direction::Sent, destination, &message);
        self.outbox.push_back((destination, message));
    }

    pub(crate) fn receive(&mut self, now: Instant, source: SocketAddr, message: &[u8]) {
        self.record(now, Direction::Received, source, message);
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.outbox.pop_front()
    }

    /// The records, the oldest first.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    /// How many records there were before those that are kept.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn record(&mut self, at: Instant, direction: Direction, peer: SocketAddr, message: &[u8]) {
        if self.records.len() == MOST_RECORDS {
            self.records.pop_front();
            self.forgotten += 1;
        }
        self.records.push_back(Record { at, direction, peer, message: message.to_vec() });
    }
}

/// Enough for every message of a test; a load test forgets the oldest.
const MOST_RECORDS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_is_counted() {
        let mut socket = Socket::new("192.0.2.1:5060".parse().unwrap());
        for _ in 0..MOST_RECORDS + 3 {
            socket.receive(Instant::now(), "192.0.2.2:5060".parse().unwrap(), b"hello");
        }
        assert_eq!((socket.records().count(), socket.forgotten()), (MOST_RECORDS, 3));
    }

    #[test]
    fn a_transport_is_read_whatever_its_case() {
        let via = |name| format!("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/{name} c;branch=z9hG4bK1\r\n\r\n");
        assert_eq!(transport_of(via("tcp").as_bytes()), Transport::Tcp);
        assert_eq!(transport_of(via("Wss").as_bytes()), Transport::Wss);
        assert_eq!(transport_of(b"hello"), Transport::Udp);
    }
}
