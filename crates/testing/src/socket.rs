//! A node's datagrams: those to send, and a record of all that went in and out.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

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
}

/// Where a node's datagrams go through.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) address: SocketAddr,
    outbox: VecDeque<(SocketAddr, Vec<u8>)>,
    records: VecDeque<Record>,
}

impl Socket {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, outbox: VecDeque::new(), records: VecDeque::new() }
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

    fn record(&mut self, at: Instant, direction: Direction, peer: SocketAddr, message: &[u8]) {
        if self.records.len() == MOST_RECORDS {
            self.records.pop_front();
        }
        self.records.push_back(Record { at, direction, peer, message: message.to_vec() });
    }
}

/// Enough for every message of a test; a load test forgets the oldest.
const MOST_RECORDS: usize = 10_000;
