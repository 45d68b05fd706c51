//! A connection, and what each end of it has.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use ringfence_ua::Transport;

use crate::digest::Digest;

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) transport: Transport,
    pub(super) client: Side,
    pub(super) server: Side,
    /// Whether nothing arrives any more in either direction, and no end is told.
    pub(super) is_silent: bool,
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) host: usize,
    /// As the other end sees it.
    pub(super) address: SocketAddr,
    pub(super) is_open: bool,
    /// What it has written and the other has not received.
    pub(super) waiting: VecDeque<Vec<u8>>,
    /// Since when the first of these is on its way, and how often it was sent.
    pub(super) trying: Option<(Instant, u32)>,
    /// Checksums of the requests that it has written.
    pub(super) asked: BTreeSet<u64>,
}

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::network) enum End {
    Client,
    Server,
}

/// How many requests of one connection are remembered: repetitions follow within half a minute.
const MOST_ASKED: usize = 4_096;

impl Connection {
    /// Returns an end and the other one.
    pub(super) fn ends(&mut self, end: End) -> (&mut Side, &mut Side) {
        match end {
            End::Client => (&mut self.client, &mut self.server),
            End::Server => (&mut self.server, &mut self.client),
        }
    }
}

impl Side {
    /// Returns whether a host that knows datagrams only repeats a request, which over a connection nobody does.
    pub(super) fn repeats(&mut self, message: &[u8]) -> bool {
        if message.starts_with(b"SIP/2.0 ") || message.starts_with(b"\r\n") {
            return false;
        }
        if self.asked.len() >= MOST_ASKED {
            self.asked.clear();
        }
        let mut digest = Digest::new();
        digest.add(message);
        !self.asked.insert(digest.value())
    }
}

impl End {
    /// Returns the other end.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
