//! Connections: streams that lose nothing while they last, and end in every way in which real ones do.
//!
//! ```text
//!            poll_connect                       what is written
//!  client ────────────────▶ asked for ──▶ open ────────────────▶ server: a datagram of the client's
//!                               │           │ closed by an end, or refused: the other is told
//!                 refused, no answer        │ lost: both are told
//!                                           └ silent: nobody is told until what was written is not confirmed
//! ```
//!
//! What is lost on the way is sent again by the network itself, ever more rarely, for a minute: then the writer is told that
//! the connection is no more. So a short cut delays what is written, and a long one ends the connection of who writes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_ua::{ConnectionId, Transport};
use ringfence_wire::sip::{Frame, Framer};

use super::{Arriving, Fate, Network, Packet};

mod ends;

pub(super) use ends::End;
use ends::{Connection, Side};

/// All connections, and who takes some.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: BTreeMap<u64, Connection>,
    listening: BTreeSet<SocketAddr>,
    newest: u64,
}

/// What happens to a connection at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A host's request for one has its answer.
    Asked { host: usize, server: SocketAddr, transport: Transport, is_answered: bool },
    /// What an end has written first arrives, or is sent again.
    Arrival { connection: u64, from: End },
    /// An end learns that it is no more.
    Ended { connection: u64, at: End, why: &'static str },
}

/// How long nobody answers before a connection that was asked for is given up.
const UNANSWERED: Duration = Duration::from_secs(10);
/// How long what is written is sent again before the connection is given up.
const UNCONFIRMED: Duration = Duration::from_secs(60);
/// The first wait before that, which doubles (RFC 6298 has a second until the round trip is known).
const FIRST_AGAIN: Duration = Duration::from_millis(200);
/// The ports that systems take for what connects (RFC 6335 section 6).
const FIRST_EPHEMERAL: u64 = 49_152;
const EPHEMERAL: u64 = 16_384;

impl Connections {
    /// Returns the connection by which a host reaches who has connected to it.
    pub(super) fn to_client(&self, host: usize, client: SocketAddr) -> Option<u64> {
        let is_it = |connection: &Connection| {
            let Connection { client: seen, server, .. } = connection;
            server.host == host && server.is_open && seen.address == client
        };
        self.open.iter().find(|(_, connection)| is_it(connection)).map(|(id, _)| *id)
    }

    /// Forgets what a host knew that was switched off: who still writes to it is told so.
    pub(super) fn forget_host(&mut self, host: usize) {
        for connection in self.open.values_mut() {
            for side in [&mut connection.client, &mut connection.server] {
                if side.host == host {
                    side.is_open = false;
                }
            }
        }
        self.open.retain(|_, connection| connection.client.is_open || connection.server.is_open);
    }

    /// Has the connections that a host has opened lead nowhere.
    pub(super) fn forget_way_of(&mut self, host: usize) {
        for connection in self.open.values_mut().filter(|connection| connection.client.host == host) {
            connection.is_silent = true;
        }
    }
}

/// Connections.
impl Network {
    /// Lets others connect to an address: what comes over a connection is given to the node there as a datagram of the
    /// peer's, pings are answered, and what it sends to the peer goes back over it. A request that it repeats, as over UDP, is
    /// written once.
    pub fn listen(&mut self, address: SocketAddr) {
        self.connections.listening.insert(address);
    }

    /// Returns the connections that an end still holds for open.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionId> {
        self.connections.open.keys().map(|id| ConnectionId::new(*id)).collect()
    }

    /// Ends a connection: both ends are told as soon as it takes.
    pub fn lose(&mut self, connection: ConnectionId) {
        if let Some(id) = self.find(connection) {
            for at in [End::Client, End::Server] {
                self.tell_ended(id, at, "connection reset by peer");
            }
        }
    }

    /// Has a connection lead nowhere from now on, as when a router on the way has forgotten it. No end is told: one that
    /// writes finds out after a minute.
    pub fn silence(&mut self, connection: ConnectionId) {
        if let Some(id) = self.find(connection)
            && let Some(connection) = self.connections.open.get_mut(&id)
        {
            connection.is_silent = true;
        }
    }

    /// Takes from a node what it wants of connections.
    pub(super) fn collect_streams(&mut self, index: usize) {
        while let Some((server, transport)) = self.hosts[index].node.poll_connect() {
            if let Some(auditor) = &mut self.hosts[index].auditor {
                auditor.unconnected(server);
            }
            let host = self.by_address.get(&server).copied();
            let is_answered = host.is_some_and(|host| !self.is_cut(index, host));
            let after = if is_answered { 2 * self.conditions.delay } else { UNANSWERED };
            self.schedule(
                after,
                Arriving::Stream(Due::Asked { host: index, server, transport, is_answered }),
            );
        }
        while let Some((connection, payload)) = self.hosts[index].node.poll_write() {
            let Some(id) = self.find(connection) else { continue };
            let (mut framer, mut rest) = (Framer::default(), payload.as_slice());
            while let Ok(Some(frame)) = framer.next(rest) {
                let (message, behind) = rest.split_at(frame.length());
                self.write(id, End::Client, message);
                rest = behind;
            }
        }
        while let Some(connection) = self.hosts[index].node.poll_close() {
            if let Some(id) = self.find(connection) {
                self.close(id, End::Client);
            }
        }
    }

    /// Takes what one end writes: one message.
    pub(super) fn write(&mut self, id: u64, from: End, message: &[u8]) {
        let now = self.clock.now();
        let Some(connection) = self.connections.open.get_mut(&id) else { return };
        let transport = connection.transport;
        let (side, other) = connection.ends(from);
        if !side.is_open {
            return;
        }
        if from == End::Server && side.repeats(message) {
            return;
        }
        let (host, source, destination) = (side.host, side.address, other.address);
        side.waiting.push_back(message.to_vec());
        let is_first = side.waiting.len() == 1;
        if let Some(auditor) = &mut self.hosts[host].auditor {
            auditor.sent(now, transport, destination, message);
        }
        let packet =
            Packet { sent_at: now, source, destination, payload: message.to_vec(), fate: Fate::Streamed };
        self.packets.push(packet);
        if is_first {
            self.try_first(id, from);
        }
    }

    pub(super) fn handle_stream(&mut self, now: Instant, due: Due) {
        match due {
            Due::Asked { host, server, transport, is_answered } => {
                self.answer_asked(now, host, (server, transport), is_answered);
            }
            Due::Arrival { connection, from } => self.handle_arrival(now, connection, from),
            Due::Ended { connection, at, why } => self.handle_ended(now, connection, at, why),
        }
    }

    fn answer_asked(
        &mut self,
        now: Instant,
        client: usize,
        server: (SocketAddr, Transport),
        is_answered: bool,
    ) {
        if self.hosts[client].is_gone {
            return;
        }
        let (address, transport) = server;
        let host = self.by_address.get(&address).copied();
        let connected = match host.filter(|host| is_answered && !self.is_cut(client, *host)) {
            None => Err("connection timed out"),
            Some(_) if !self.connections.listening.contains(&address) => Err("connection refused"),
            Some(host) => Ok(self.open(client, host, address, transport)),
        };
        if let (Some(auditor), Ok(_)) = (&mut self.hosts[client].auditor, &connected) {
            auditor.connected(address);
        }
        self.hosts[client].node.handle_connected(now, server, connected);
        self.collect(client);
    }

    fn open(
        &mut self,
        client: usize,
        server: usize,
        address: SocketAddr,
        transport: Transport,
    ) -> (ConnectionId, SocketAddr) {
        let Connections { open, newest, .. } = &mut self.connections;
        *newest += 1;
        let port = u16::try_from(FIRST_EPHEMERAL + *newest % EPHEMERAL).unwrap_or(u16::MAX);
        let inside = self.hosts[client].address;
        let outside = self.translated.get(&inside).copied().unwrap_or(inside);
        let side = |host, ip, port| Side {
            host,
            address: SocketAddr::new(ip, port),
            is_open: true,
            waiting: VecDeque::new(),
            trying: None,
            asked: BTreeSet::new(),
        };
        let (client, server) = (side(client, outside.ip(), port), side(server, address.ip(), address.port()));
        open.insert(*newest, Connection { transport, client, server, is_silent: false });
        (ConnectionId::new(*newest), SocketAddr::new(inside.ip(), port))
    }

    /// Sends the first that waits: it arrives after the network's time.
    fn try_first(&mut self, id: u64, from: End) {
        let now = self.clock.now();
        let after = self.conditions.delay + self.random.duration(self.conditions.jitter);
        let Some(connection) = self.connections.open.get_mut(&id) else { return };
        connection.ends(from).0.trying = Some((now, 0));
        self.schedule(after, Arriving::Stream(Due::Arrival { connection: id, from }));
    }

    fn handle_arrival(&mut self, now: Instant, id: u64, from: End) {
        let is_lost = self.random.chance(self.conditions.loss);
        let Some(connection) = self.connections.open.get(&id) else { return };
        let is_lost =
            is_lost || connection.is_silent || self.is_cut(connection.client.host, connection.server.host);
        let Some(connection) = self.connections.open.get_mut(&id) else { return };
        let transport = connection.transport;
        let (side, other) = connection.ends(from);
        if !side.is_open {
            return;
        }
        if is_lost {
            let (since, tries) = side.trying.unwrap_or((now, 0));
            side.trying = Some((since, tries + 1));
            if now.saturating_duration_since(since) >= UNCONFIRMED {
                return self.handle_ended(now, id, from, "connection timed out");
            }
            let again = FIRST_AGAIN * 2_u32.saturating_pow(tries.min(7));
            return self.schedule(again, Arriving::Stream(Due::Arrival { connection: id, from }));
        }
        if !other.is_open {
            return self.tell_ended(id, from, "connection reset by peer");
        }
        let Some(message) = side.waiting.pop_front() else { return };
        let (source, receiver, has_more) = (side.address, other.host, !side.waiting.is_empty());
        if has_more {
            self.try_first(id, from);
        }
        self.receive(now, id, from.other(), (receiver, source, transport), &message);
    }

    /// Gives an end a message.
    fn receive(
        &mut self,
        now: Instant,
        id: u64,
        at: End,
        (index, source, transport): (usize, SocketAddr, Transport),
        message: &[u8],
    ) {
        let host = &mut self.hosts[index];
        if let Some(auditor) = &mut host.auditor {
            auditor.received(now, transport, source, message);
        }
        match at {
            End::Client => host.node.handle_stream_message(now, ConnectionId::new(id), message),
            End::Server => {
                if let Ok(Some(Frame::Ping { .. })) = Framer::default().next(message) {
                    self.write(id, End::Server, b"\r\n");
                } else {
                    host.node.handle_datagram(now, source, message);
                }
            }
        }
        self.collect(index);
    }

    /// Closes an end; the other is told, unless nothing arrives there.
    fn close(&mut self, id: u64, end: End) {
        let Some(connection) = self.connections.open.get_mut(&id) else { return };
        connection.ends(end).0.is_open = false;
        let address = connection.server.address;
        let (client, server, is_silent) =
            (connection.client.host, connection.server.host, connection.is_silent);
        if !is_silent && !self.is_cut(client, server) {
            self.tell_ended(id, end.other(), "closed by the peer");
        }
        if let (Some(auditor), End::Client) = (&mut self.hosts[client].auditor, end) {
            auditor.unconnected(address);
        }
        self.forget_if_over(id);
    }

    fn tell_ended(&mut self, connection: u64, at: End, why: &'static str) {
        let after = self.conditions.delay;
        self.schedule(after, Arriving::Stream(Due::Ended { connection, at, why }));
    }

    fn handle_ended(&mut self, now: Instant, id: u64, at: End, why: &'static str) {
        let Some(connection) = self.connections.open.get_mut(&id) else { return };
        let server = connection.server.address;
        let (side, _) = connection.ends(at);
        let (was_open, index) = (std::mem::replace(&mut side.is_open, false), side.host);
        if let (Some(auditor), End::Client) = (&mut self.hosts[index].auditor, at) {
            auditor.unconnected(server);
        }
        self.forget_if_over(id);
        if was_open && at == End::Client && !self.hosts[index].is_gone {
            self.hosts[index].node.handle_disconnected(now, ConnectionId::new(id), why);
            self.collect(index);
        }
    }

    fn forget_if_over(&mut self, id: u64) {
        let is_over = |connection: &Connection| !connection.client.is_open && !connection.server.is_open;
        if self.connections.open.get(&id).is_some_and(is_over) {
            self.connections.open.remove(&id);
        }
    }

    fn find(&self, connection: ConnectionId) -> Option<u64> {
        self.connections.open.keys().copied().find(|id| ConnectionId::new(*id) == connection)
    }

    fn is_cut(&self, one: usize, other: usize) -> bool {
        [one, other].into_iter().any(|index| self.cut_off.contains(&self.hosts[index].address))
    }
}
