//! One transaction in the table: its machine, and what the table knows of it.

use std::time::Instant;

use super::key::{Key, MergeKey};
use super::timers::Timers;
use super::{Client, EndedBy, InviteServer, Server};
use crate::transport::{Flow, Outbox};

/// One transaction.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) merge: Option<MergeKey>,
    pub(super) flow: Flow,
    /// What the transaction user knows it by.
    pub(super) user: u64,
    /// The newest status that was given, 0 before the first.
    pub(super) status: u16,
    /// Why its final response was given.
    pub(super) by: EndedBy,
    pub(super) machine: Machine,
}

/// Its machine. An INVITE of ours has none yet.
#[derive(Debug)]
pub(super) enum Machine {
    InviteServer(InviteServer),
    Server(Server),
    Client(Client),
}

impl Entry {
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.machine {
            Machine::InviteServer(transaction) => transaction.poll_timeout(),
            Machine::Server(transaction) => transaction.poll_timeout(),
            Machine::Client(transaction) => transaction.poll_timeout(),
        }
    }

    /// Sends what there is to send and waits for what there is to wait for, if that changed.
    pub(super) fn settle(
        &mut self,
        now: Instant,
        before: Option<Instant>,
        timers: &mut Timers<Key>,
        out: &mut Outbox,
    ) {
        let bytes = match &mut self.machine {
            Machine::InviteServer(transaction) => transaction.poll_transmit(),
            Machine::Server(transaction) => transaction.poll_transmit(),
            Machine::Client(transaction) => transaction.poll_transmit(),
        };
        if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
            out.push(self.flow, bytes);
        }
        let due = self.poll_timeout();
        if let Some(due) = due.filter(|_| due != before) {
            timers.add(now, due, self.key);
        }
    }

    /// Returns whether what comes in on a flow can be the response to what went out: over a connection it comes back over
    /// the same one, or not at all, for the transaction ends with it. Datagrams may come from elsewhere than they went
    /// to, as from a registrar with several addresses, but as datagrams.
    pub(super) fn is_answered_over(&self, flow: Flow) -> bool {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
        //# Therefore, the client transport MUST be prepared to receive the response on the same
        //# connection used to send the request.
        self.flow.connection_id() == flow.connection_id()
    }
}
