//! All transactions of one endpoint, and the matching of messages to them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use hashbrown::HashTable;
use ringfence_wire::sip::Method;

use super::key::{Key, MergeKey};
use super::timers::Timers;
use super::{Client, InviteServer, InviteServerEnd, Server};
use crate::limits::{Limits, SPARE_BUFFER_SIZE, SPARE_BUFFERS, TIMERS_AT_ONCE};
use crate::transport::Outbox;

/// All transactions of one endpoint.
#[derive(Debug)]
pub(crate) struct Table {
    entries: HashTable<Entry>,
    merges: HashTable<(MergeKey, Key)>,
    timers: Timers<Key>,
    ended: VecDeque<Ended>,
    spare: Vec<Vec<u8>>,
    limits: Limits,
    clients: usize,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    merge: Option<MergeKey>,
    peer: SocketAddr,
    /// What the transaction user knows it by.
    user: u64,
    /// The newest status that was given, 0 before the first.
    status: u16,
    machine: Machine,
}

#[derive(Debug)]
enum Machine {
    InviteServer(InviteServer),
    Server(Server),
    Client(Client),
}

/// What a request that matched a transaction was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matched {
    /// A retransmission, absorbed; what there is to repeat has been repeated.
    Retransmission,
    /// The ACK of a 300 to 699 response, absorbed.
    Ack,
    /// The ACK of a 2xx response.
    AckOfSuccess,
}

/// What the transaction user is told without having asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// An INVITE server transaction has its ACK, or gave up waiting for it.
    Invite { user: u64, status: u16, end: InviteServerEnd },
    /// A client transaction ended without a final response.
    TimedOut { user: u64 },
}

/// The state of an INVITE server transaction that a CANCEL asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancellable {
    /// No final response was given yet.
    Undecided { user: u64 },
    /// Too late: a final response was given.
    Decided,
    /// Nothing was ever answered, and nothing is to be.
    Silent,
}

impl Table {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            entries: HashTable::new(),
            merges: HashTable::new(),
            timers: Timers::new(),
            ended: VecDeque::new(),
            spare: Vec::new(),
            limits,
            clients: 0,
        }
    }

    /// Gives a request to the server transaction that it matches.
    pub(crate) fn handle_request(
        &mut self,
        now: Instant,
        key: Key,
        method: Method<'_>,
        out: &mut Outbox,
    ) -> Option<Matched> {
        let Self { entries, timers, ended, .. } = self;
        let entry = entries.find_mut(hash(key), |entry| entry.key == key)?;
        let before = entry.poll_timeout();
        let matched = match &mut entry.machine {
            Machine::InviteServer(transaction) if method == Method::Ack => {
                let was_confirmed = transaction.is_confirmed();
                let is_absorbed = transaction.handle_ack(now);
                if transaction.is_confirmed() && !was_confirmed {
                    let (user, status) = (entry.user, entry.status);
                    ended.push_back(Ended::Invite { user, status, end: InviteServerEnd::Acknowledged });
                }
                if is_absorbed { Matched::Ack } else { Matched::AckOfSuccess }
            }
            Machine::InviteServer(transaction) => {
                transaction.handle_invite();
                Matched::Retransmission
            }
            Machine::Server(transaction) => {
                transaction.handle_request();
                Matched::Retransmission
            }
            Machine::Client(_) => return None,
        };
        entry.settle(now, before, timers, out);
        Some(matched)
    }

    /// Gives a response to the client transaction that it matches, and returns whose it is if it
    /// is news to the transaction user.
    pub(crate) fn handle_response(
        &mut self,
        now: Instant,
        key: Key,
        status: u16,
        out: &mut Outbox,
    ) -> Option<Heard> {
        let Self { entries, timers, .. } = self;
        let entry = entries.find_mut(hash(key), |entry| entry.key == key)?;
        let before = entry.poll_timeout();
        let Machine::Client(transaction) = &mut entry.machine else { return None };
        let is_news = transaction.handle_response(now, status);
        entry.settle(now, before, timers, out);
        Some(if is_news { Heard::News { user: entry.user } } else { Heard::Retransmission })
    }

    /// Starts an INVITE server transaction, unless the table is full.
    #[must_use]
    pub(crate) fn start_invite_server(
        &mut self,
        key: Key,
        merge: Option<MergeKey>,
        peer: SocketAddr,
        user: u64,
    ) -> bool {
        let machine = Machine::InviteServer(InviteServer::new(false));
        self.start_server_entry(Entry { key, merge, peer, user, status: 0, machine })
    }

    /// Starts a non-INVITE server transaction, unless the table is full.
    #[must_use]
    pub(crate) fn start_server(&mut self, key: Key, merge: Option<MergeKey>, peer: SocketAddr) -> bool {
        let machine = Machine::Server(Server::new(false));
        self.start_server_entry(Entry { key, merge, peer, user: 0, status: 0, machine })
    }

    /// Starts a non-INVITE client transaction and sends its request, unless the table is full.
    #[must_use]
    pub(crate) fn start_client(
        &mut self,
        now: Instant,
        key: Key,
        peer: SocketAddr,
        user: u64,
        request: Vec<u8>,
        out: &mut Outbox,
    ) -> bool {
        if self.clients >= self.limits.client_transactions {
            return false;
        }
        self.clients += 1;
        let machine = Machine::Client(Client::new(now, false, request));
        let mut entry = Entry { key, merge: None, peer, user, status: 0, machine };
        entry.settle(now, None, &mut self.timers, out);
        self.entries.insert_unique(hash(key), entry, |entry| hash(entry.key));
        true
    }

    /// Sends a response, and returns whether the transaction still took one.
    pub(crate) fn respond(
        &mut self,
        now: Instant,
        key: Key,
        status: u16,
        out: &mut Outbox,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let Self { entries, timers, spare, .. } = self;
        let Some(entry) = entries.find_mut(hash(key), |entry| entry.key == key) else { return false };
        let before = entry.poll_timeout();
        let mut response = spare.pop().unwrap_or_else(|| Vec::with_capacity(USUAL_RESPONSE));
        response.clear();
        write(&mut response);
        let is_taken = match &mut entry.machine {
            Machine::InviteServer(transaction) => transaction.respond(now, status, response),
            Machine::Server(transaction) => transaction.respond(now, status, response),
            Machine::Client(_) => false,
        };
        if is_taken {
            entry.status = status;
        }
        entry.settle(now, before, timers, out);
        is_taken
    }

    /// Leaves an INVITE unanswered for good.
    pub(crate) fn silence(&mut self, now: Instant, key: Key, out: &mut Outbox) {
        let Self { entries, timers, .. } = self;
        let Some(entry) = entries.find_mut(hash(key), |entry| entry.key == key) else { return };
        let before = entry.poll_timeout();
        if let Machine::InviteServer(transaction) = &mut entry.machine {
            transaction.silence(now);
        }
        entry.settle(now, before, timers, out);
    }

    /// Returns what a CANCEL would meet, or `None` where it matches nothing.
    pub(crate) fn cancellable(&self, invite: Key) -> Option<Cancellable> {
        let entry = self.entries.find(hash(invite), |entry| entry.key == invite)?;
        match &entry.machine {
            Machine::InviteServer(transaction) if transaction.is_undecided() => {
                Some(Cancellable::Undecided { user: entry.user })
            }
            Machine::InviteServer(transaction) if !transaction.has_answered() => Some(Cancellable::Silent),
            Machine::InviteServer(_) | Machine::Server(_) => Some(Cancellable::Decided),
            Machine::Client(_) => None,
        }
    }

    /// Returns whether the same request has come by another way and is still known.
    pub(crate) fn is_merged(&self, merge: MergeKey) -> bool {
        self.merges.find(merge_hash(merge), |(known, _)| *known == merge).is_some()
    }

    /// Fires what is due at `now`, up to a bound: ask [`Table::poll_timeout`] again.
    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        for _ in 0..TIMERS_AT_ONCE {
            let Some((_, key)) = self.timers.pop_due(now) else { return };
            self.fire(now, key, out);
        }
    }

    /// Returns when [`Table::handle_timeout`] is to be called next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Returns what the transaction user is to be told.
    pub(crate) fn poll_ended(&mut self) -> Option<Ended> {
        self.ended.pop_front()
    }

    /// Returns how many transactions there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn start_server_entry(&mut self, entry: Entry) -> bool {
        if self.entries.len() - self.clients >= self.limits.server_transactions {
            return false;
        }
        if let Some(merge) = entry.merge {
            self.merges.insert_unique(merge_hash(merge), (merge, entry.key), |(merge, _)| merge_hash(*merge));
        }
        self.entries.insert_unique(hash(entry.key), entry, |entry| hash(entry.key));
        true
    }

    fn fire(&mut self, now: Instant, key: Key, out: &mut Outbox) {
        let Ok(mut occupied) = self.entries.find_entry(hash(key), |entry| entry.key == key) else { return };
        let entry = occupied.get_mut();
        // Woken by a timer that was since replaced: the one that counts has its own place.
        if entry.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        match &mut entry.machine {
            Machine::InviteServer(transaction) => transaction.handle_timeout(now),
            Machine::Server(transaction) => transaction.handle_timeout(now),
            Machine::Client(transaction) => transaction.handle_timeout(now),
        }
        entry.settle(now, None, &mut self.timers, out);
        let (user, status) = (entry.user, entry.status);
        match &entry.machine {
            Machine::InviteServer(transaction) => match transaction.end() {
                None => return,
                // Told when the ACK came.
                Some(InviteServerEnd::Acknowledged) => {}
                Some(end) => self.ended.push_back(Ended::Invite { user, status, end }),
            },
            Machine::Server(transaction) if transaction.is_terminated() => {}
            Machine::Client(transaction) if transaction.is_terminated() => {
                self.clients -= 1;
                if transaction.has_timed_out() {
                    self.ended.push_back(Ended::TimedOut { user });
                }
            }
            Machine::Server(_) | Machine::Client(_) => return,
        }
        let (entry, _) = occupied.remove();
        self.forget(entry);
    }

    fn forget(&mut self, entry: Entry) {
        if let Some(merge) = entry.merge
            && let Ok(found) =
                self.merges.find_entry(merge_hash(merge), |(known, key)| *known == merge && *key == entry.key)
        {
            found.remove();
        }
        let buffer = match entry.machine {
            Machine::InviteServer(transaction) => transaction.into_buffer(),
            Machine::Server(transaction) => transaction.into_buffer(),
            Machine::Client(_) => Vec::new(),
        };
        let is_worth_keeping = (1..=SPARE_BUFFER_SIZE).contains(&buffer.capacity());
        if self.entries.is_empty() {
            // Spare buffers lie scattered: as long as one is left, the allocator cannot give its neighbourhood back.
            self.spare = Vec::new();
        } else if is_worth_keeping && self.spare.len() < SPARE_BUFFERS {
            self.spare.push(buffer);
        }
        // A table that a burst has blown up gives its memory back.
        if self.entries.capacity() > 4096 && self.entries.len() * 8 < self.entries.capacity() {
            self.entries.shrink_to(self.entries.len() * 2, |entry| hash(entry.key));
            self.merges.shrink_to(self.merges.len() * 2, |(merge, _)| merge_hash(*merge));
        }
    }
}

/// A response to an INVITE of one or two hops, as they come from a PBX.
const USUAL_RESPONSE: usize = 512;

/// What a response that matched a client transaction was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is for the transaction user.
    News { user: u64 },
    /// It was heard before.
    Retransmission,
}

impl Entry {
    fn poll_timeout(&self) -> Option<Instant> {
        match &self.machine {
            Machine::InviteServer(transaction) => transaction.poll_timeout(),
            Machine::Server(transaction) => transaction.poll_timeout(),
            Machine::Client(transaction) => transaction.poll_timeout(),
        }
    }

    /// Sends what there is to send and waits for what there is to wait for, if that changed.
    fn settle(&mut self, now: Instant, before: Option<Instant>, timers: &mut Timers<Key>, out: &mut Outbox) {
        let bytes = match &mut self.machine {
            Machine::InviteServer(transaction) => transaction.poll_transmit(),
            Machine::Server(transaction) => transaction.poll_transmit(),
            Machine::Client(transaction) => transaction.poll_transmit(),
        };
        if let Some(bytes) = bytes {
            out.push(self.peer, bytes);
        }
        let due = self.poll_timeout();
        if let Some(due) = due.filter(|_| due != before) {
            timers.add(now, due, self.key);
        }
    }
}

/// The key is a keyed hash already: any 64 of its bits will do.
#[expect(clippy::cast_possible_truncation, reason = "the low half is as good a hash as the whole")]
fn hash(key: Key) -> u64 {
    key.0 as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is as good a hash as the whole")]
fn merge_hash(key: MergeKey) -> u64 {
    key.0 as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::timers::{GIVE_UP, T4, epoch};
    use super::*;

    fn peer() -> SocketAddr {
        "192.0.2.1:5060".parse().unwrap()
    }

    fn drain(out: &mut Outbox) -> usize {
        std::iter::from_fn(|| out.pop().map(|_| ())).count()
    }

    #[test]
    fn ten_thousand_rejected_calls_leave_nothing_behind() {
        let (start, mut out, mut table) = (epoch(), Outbox::default(), Table::new(Limits::default()));
        for number in 0..10_000_u32 {
            let (key, now) =
                (Key(u128::from(number) << 50), start + Duration::from_micros(u64::from(number)));
            assert!(table.start_invite_server(key, Some(MergeKey(key.0)), peer(), u64::from(number)));
            assert!(table.respond(now, key, 486, &mut out, |out| out.extend_from_slice(b"486")));
            assert_eq!(table.handle_request(now, key, Method::Ack, &mut out), Some(Matched::Ack));
        }
        assert_eq!((drain(&mut out), table.len()), (10_000, 10_000));
        let end = start + T4 + Duration::from_secs(1);
        while table.poll_timeout().is_some_and(|due| due <= end) {
            table.handle_timeout(end, &mut out);
        }
        assert_eq!((drain(&mut out), table.len(), table.merges.len()), (0, 0, 0));
        assert!(table.entries.capacity() < 5_000, "memory is given back");
    }

    #[test]
    fn every_end_is_told_once() {
        let (start, mut out, mut table) = (epoch(), Outbox::default(), Table::new(Limits::default()));
        for user in [1, 2] {
            assert!(table.start_invite_server(Key(user.into()), Some(MergeKey(user.into())), peer(), user));
            table.respond(start, Key(user.into()), 486, &mut out, |out| out.push(b'x'));
        }
        table.handle_request(start, Key(1), Method::Ack, &mut out);
        table.handle_request(start, Key(1), Method::Ack, &mut out);
        let mut now = start;
        while let Some(due) = table.poll_timeout() {
            now = due;
            table.handle_timeout(due, &mut out);
        }
        let ended: Vec<_> = std::iter::from_fn(|| table.poll_ended()).collect();
        let end = |user, end| Ended::Invite { user, status: 486, end };
        assert_eq!(ended, [end(1, InviteServerEnd::Acknowledged), end(2, InviteServerEnd::Unacknowledged)]);
        assert_eq!(now, start + GIVE_UP);
    }

    #[test]
    fn at_its_bound_it_takes_no_more() {
        let limits = Limits { server_transactions: 1, client_transactions: 1, ..Limits::default() };
        let (now, mut out, mut table) = (epoch(), Outbox::default(), Table::new(limits));
        assert!(table.start_server(Key(1), None, peer()));
        assert!(!table.start_server(Key(2), None, peer()));
        assert!(table.start_client(now, Key(3), peer(), 0, vec![b'R'], &mut out));
        assert!(!table.start_client(now, Key(4), peer(), 0, vec![b'R'], &mut out));
    }

    #[test]
    fn a_client_that_nobody_answers_is_told_of_once() {
        let (start, mut out, mut table) = (epoch(), Outbox::default(), Table::new(Limits::default()));
        assert!(table.start_client(start, Key(3), peer(), 9, vec![b'R'], &mut out));
        while let Some(due) = table.poll_timeout() {
            table.handle_timeout(due, &mut out);
        }
        assert_eq!(table.poll_ended(), Some(Ended::TimedOut { user: 9 }));
        assert_eq!((table.poll_ended(), drain(&mut out), table.len()), (None, 11, 0));
    }
}
