//! All transactions of one endpoint, and the matching of messages to them.

mod closing;
mod ignored;
mod moving;

use std::collections::VecDeque;
use std::time::Instant;

use hashbrown::HashTable;
use ringfence_wire::sip::Method;

use super::confirmed::Confirmed;
use super::entry::{Entry, Machine};
use super::hashes::{Hash, Hashes};
use super::key::{Key, MergeKey};
use super::outcome::{Cancellable, Ended, Heard, Matched};
use super::spare::Spare;
use super::timers::Timers;
use super::{Client, EndedBy, InviteServer, InviteServerEnd, Server};
use crate::limits::{LONGEST_DATAGRAM, Limits, TIMERS_AT_ONCE};
use crate::transport::{Flow, Outbox};

/// All transactions of one endpoint.
#[derive(Debug)]
pub(crate) struct Table {
    entries: HashTable<Entry>,
    confirmed: Confirmed,
    /// The requests of the server transactions of which a copy by another way is to be told.
    merges: Hashes,
    /// Those of them that are to hear nothing.
    ignored: Hashes,
    timers: Timers<Key>,
    ended: VecDeque<Ended>,
    spare: Spare,
    limits: Limits,
    clients: usize,
    /// What the responses of all server transactions take.
    response_bytes: usize,
}

/// Whether something else than a datagram says that it is from where it seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vouched {
    /// The source is a line's registrar or peer, or the request has a line's token, or came over a connection.
    Yes,
    /// The line is open to everyone.
    No,
}

impl Table {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            entries: HashTable::new(),
            confirmed: Confirmed::default(),
            merges: Hashes::default(),
            ignored: Hashes::default(),
            timers: Timers::new(),
            ended: VecDeque::new(),
            spare: Spare::default(),
            limits,
            clients: 0,
            response_bytes: 0,
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
        let Self { entries, timers, .. } = self;
        let Ok(mut found) = entries.find_entry(key.hash(), |entry| entry.key == key) else {
            let matched = if method == Method::Ack { Matched::Ack } else { Matched::Retransmission };
            return self.confirmed.contains(key).then_some(matched);
        };
        let entry = found.get_mut();
        let before = entry.poll_timeout();
        let matched = match &mut entry.machine {
            Machine::InviteServer(transaction) if method == Method::Ack => {
                let is_absorbed = transaction.handle_ack(now);
                if transaction.is_confirmed() {
                    let (entry, _) = found.remove();
                    self.confirm(entry);
                }
                return Some(if is_absorbed { Matched::Ack } else { Matched::AckOfSuccess });
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

    /// Returns whether a transaction is known.
    pub(crate) fn knows(&self, key: Key) -> bool {
        self.confirmed.contains(key) || self.entries.find(key.hash(), |entry| entry.key == key).is_some()
    }

    /// Gives a response to the client transaction that it matches, and returns whose it is if it
    /// is news to the transaction user.
    pub(crate) fn handle_response(
        &mut self,
        now: Instant,
        key: Key,
        flow: Flow,
        status: u16,
        out: &mut Outbox,
    ) -> Option<Heard> {
        let Self { entries, timers, .. } = self;
        let is_match = |entry: &Entry| entry.key == key && entry.is_answered_over(flow);
        //= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.2
        //# If there is a match, the response MUST be passed to that transaction.
        let entry = entries.find_mut(key.hash(), is_match)?;
        let before = entry.poll_timeout();
        let Machine::Client(transaction) = &mut entry.machine else { return None };
        let (is_news, is_repeated) = (transaction.handle_response(now, status), transaction.is_repeated());
        entry.settle(now, before, timers, out);
        Some(if is_news { Heard::News { user: entry.user, is_repeated } } else { Heard::Retransmission })
    }

    /// Starts an INVITE server transaction, unless the table is full.
    #[must_use]
    pub(crate) fn start_invite_server(
        &mut self,
        key: Key,
        merge: Option<MergeKey>,
        flow: Flow,
        user: u64,
        vouched: Vouched,
    ) -> bool {
        let transaction = InviteServer::new(flow.is_reliable());
        let machine = Machine::InviteServer(match vouched {
            Vouched::No => transaction.towards_stranger(),
            Vouched::Yes => transaction,
        });
        self.start_server_entry(Entry { key, merge, flow, user, status: 0, by: EndedBy::Decision, machine })
    }

    /// Starts a non-INVITE server transaction, unless the table is full.
    #[must_use]
    pub(crate) fn start_server(&mut self, key: Key, merge: Option<MergeKey>, flow: Flow) -> bool {
        let machine = Machine::Server(Server::new(flow.is_reliable()));
        self.start_server_entry(Entry {
            key,
            merge,
            flow,
            user: 0,
            status: 0,
            by: EndedBy::Decision,
            machine,
        })
    }

    /// Starts a non-INVITE client transaction and sends its request, unless the table is full.
    #[must_use]
    pub(crate) fn start_client(
        &mut self,
        now: Instant,
        key: Key,
        flow: Flow,
        user: u64,
        request: Vec<u8>,
        out: &mut Outbox,
    ) -> bool {
        if self.clients >= self.limits.client_transactions {
            return false;
        }
        self.clients += 1;
        let machine = Machine::Client(Client::new(now, flow.is_reliable(), request));
        let mut entry = Entry { key, merge: None, flow, user, status: 0, by: EndedBy::Decision, machine };
        entry.settle(now, None, &mut self.timers, out);
        self.entries.insert_unique(key.hash(), entry, |entry| entry.key.hash());
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
        let Self { entries, timers, spare, response_bytes, .. } = self;
        let Some(entry) = entries.find_mut(key.hash(), |entry| entry.key == key) else { return false };
        let before = entry.poll_timeout();
        let mut response = spare.take();
        write(&mut response);
        if response.len() > LONGEST_DATAGRAM {
            // It cannot be sent, which the outbox counts, and so need not be kept.
            out.push(entry.flow, &response);
            response = Vec::new();
        }
        let taken = response.capacity();
        let replaced = match &mut entry.machine {
            Machine::InviteServer(transaction) => transaction.respond(now, status, response),
            Machine::Server(transaction) => transaction.respond(now, status, response),
            Machine::Client(_) => None,
        };
        let Some(replaced) = replaced else { return false };
        *response_bytes = (*response_bytes + taken).saturating_sub(replaced.capacity());
        spare.keep(replaced);
        entry.status = status;
        entry.settle(now, before, timers, out);
        true
    }

    /// Forgets a client transaction whose connection is gone: its transaction user knows.
    pub(crate) fn abandon(&mut self, key: Key) {
        if let Ok(found) = self.entries.find_entry(key.hash(), |entry| entry.key == key)
            //= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
            //# A server transaction MUST NOT discard transaction state based only on encountering a
            //# non-recoverable transport error when sending a response.
            && matches!(found.get().machine, Machine::Client(_))
        {
            found.remove();
            self.clients -= 1;
        }
    }

    /// Notes why an INVITE's final response was given, where it was not decided at once.
    pub(crate) fn note(&mut self, key: Key, by: EndedBy) {
        if let Some(entry) = self.entries.find_mut(key.hash(), |entry| entry.key == key) {
            entry.by = by;
        }
    }

    /// Returns what a CANCEL would meet, or `None` where it matches nothing.
    pub(crate) fn cancellable(&self, invite: Key) -> Option<Cancellable> {
        let Some(entry) = self.entries.find(invite.hash(), |entry| entry.key == invite) else {
            return self.confirmed.contains(invite).then_some(Cancellable::Decided);
        };
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
        self.merges.contains(merge.mark())
    }

    /// Fires what is due at `now`, up to a bound: ask [`Table::poll_timeout`] again.
    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        for _ in 0..TIMERS_AT_ONCE {
            if let Some(ended) = self.confirmed.pop_due(now) {
                self.forget(ended.merge);
            } else if let Some((_, key)) = self.timers.pop_due(now) {
                self.fire(now, key, out);
            } else {
                return;
            }
        }
    }

    /// Returns when [`Table::handle_timeout`] is to be called next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.timers.next(), self.confirmed.poll_timeout()].into_iter().flatten().min()
    }

    /// Returns what the transaction user is to be told.
    pub(crate) fn poll_ended(&mut self) -> Option<Ended> {
        self.ended.pop_front()
    }

    /// Returns how many transactions there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() + self.confirmed.len()
    }

    /// Returns whether there is no room for another server transaction.
    pub(crate) fn is_full(&self) -> bool {
        self.len() - self.clients >= self.limits.server_transactions
            || self.response_bytes >= self.limits.response_bytes
    }

    fn start_server_entry(&mut self, mut entry: Entry) -> bool {
        if self.is_full() {
            return false;
        }
        // A copy by another way does not end the time for which others are told.
        entry.merge = entry.merge.filter(|merge| self.merges.insert(merge.mark()));
        self.entries.insert_unique(entry.key.hash(), entry, |entry| entry.key.hash());
        true
    }

    /// Tells that an INVITE's final response has its ACK, and keeps no more of the transaction than it needs now.
    fn confirm(&mut self, entry: Entry) {
        let Entry { key, merge, user, status, by, machine, .. } = entry;
        let Machine::InviteServer(transaction) = machine else { return };
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
        //# The purpose of the "Confirmed" state is to absorb any additional ACK
        //# messages that arrive, triggered from retransmissions of the final
        //# response.
        if let Some(timer_i) = transaction.poll_timeout() {
            self.confirmed.add(timer_i, key, merge);
        }
        self.keep_buffer(transaction.into_buffer());
        self.ended.push_back(Ended::Invite { user, status, by, end: InviteServerEnd::Acknowledged });
    }

    fn fire(&mut self, now: Instant, key: Key, out: &mut Outbox) {
        let Ok(mut occupied) = self.entries.find_entry(key.hash(), |entry| entry.key == key) else { return };
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
        let (user, flow, status, by) = (entry.user, entry.flow, entry.status, entry.by);
        match &entry.machine {
            Machine::InviteServer(transaction) => match transaction.end() {
                None => return,
                // Told when the ACK came.
                Some(InviteServerEnd::Acknowledged) => {}
                Some(end) => self.ended.push_back(Ended::Invite { user, status, by, end }),
            },
            Machine::Server(transaction) if transaction.is_terminated() => {}
            Machine::Client(transaction) if transaction.is_terminated() => {
                self.clients -= 1;
                if transaction.has_timed_out() {
                    self.ended.push_back(Ended::TimedOut { user, flow });
                }
            }
            Machine::Server(_) | Machine::Client(_) => return,
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
        //# Once the transaction is in the "Terminated" state, it MUST be destroyed immediately.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
        //# The server transaction MUST be destroyed the instant it enters the "Terminated" state.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
        //# Once the transaction is in the terminated state, it MUST be destroyed immediately.
        let (entry, _) = occupied.remove();
        match entry.machine {
            Machine::InviteServer(transaction) => self.keep_buffer(transaction.into_buffer()),
            Machine::Server(transaction) => self.keep_buffer(transaction.into_buffer()),
            Machine::Client(_) => {}
        }
        self.forget_ignored(entry.merge);
        self.forget(entry.merge.map(MergeKey::mark));
    }

    fn keep_buffer(&mut self, buffer: Vec<u8>) {
        self.response_bytes = self.response_bytes.saturating_sub(buffer.capacity());
        self.spare.keep(buffer);
    }

    /// Forgets the request of a transaction that is over, and gives back what a burst has blown up.
    fn forget(&mut self, merge: Option<Hash>) {
        if let Some(merge) = merge {
            self.merges.remove(merge);
        }
        if self.len() == 0 {
            self.spare.release();
        }
        if self.entries.capacity() > 4096 && self.entries.len() * 8 < self.entries.capacity() {
            self.entries.shrink_to(self.entries.len() * 2, |entry| entry.key.hash());
        }
    }
}

#[cfg(test)]
mod tests;
