//! The connections that a phone has opened, and who waits for one.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use ringfence_ua::{ConnectionId, Endpoint, Flow, LineId, Target, Transport, Unreached};

use super::Phone;

/// The connections of one phone.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: BTreeMap<ConnectionId, Target>,
    waiting: Vec<(Asker, (SocketAddr, Transport))>,
    wanted: VecDeque<(SocketAddr, Transport)>,
    closing: VecDeque<ConnectionId>,
}

/// Who wants a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    Line(LineId),
    /// Requests that are too long for UDP.
    LongRequests,
}

impl Streams {
    pub(super) fn poll_connect(&mut self) -> Option<(SocketAddr, Transport)> {
        self.wanted.pop_front()
    }

    pub(super) fn poll_close(&mut self) -> Option<ConnectionId> {
        self.closing.pop_front()
    }

    pub(super) fn flow(&self, connection: ConnectionId) -> Option<Flow> {
        self.open.get(&connection).map(|target| target.flow)
    }

    pub(super) fn close(&mut self, connection: ConnectionId) {
        if self.open.remove(&connection).is_some() {
            self.closing.push_back(connection);
        }
    }

    pub(super) fn closed(&mut self, connection: ConnectionId) {
        self.open.remove(&connection);
    }

    /// Closes what no line uses any more, when nothing is under way.
    pub(super) fn close_unused(&mut self, endpoint: &Endpoint) {
        if self.open.is_empty() || endpoint.counters().transactions > 0 {
            return;
        }
        let unused: Vec<_> = self.open.keys().copied().filter(|id| !endpoint.uses(*id)).collect();
        for id in unused {
            self.close(id);
        }
    }
}

impl Phone {
    /// Finds a connection to a server, or has one made.
    pub(super) fn connect(&mut self, now: Instant, asker: Asker, server: SocketAddr, transport: Transport) {
        let is_to = |target: &&Target| (target.flow.remote(), target.flow.transport()) == (server, transport);
        if let Some(target) = self.streams.open.values().find(is_to).copied() {
            return self.tell(now, asker, server, Ok(target));
        }
        let awaited = (server, transport);
        if !self.streams.waiting.iter().any(|(_, waited)| *waited == awaited) {
            self.streams.wanted.push_back(awaited);
        }
        self.streams.waiting.push((asker, awaited));
    }

    /// Takes a connection that was wanted, or why there is none.
    pub(super) fn take_connection(
        &mut self,
        now: Instant,
        server: (SocketAddr, Transport),
        connected: Result<(ConnectionId, SocketAddr), &'static str>,
    ) {
        let (address, transport) = server;
        let reached = match connected {
            Ok((id, local)) => {
                let target = Target { flow: Flow::connection(id, transport, address), local };
                self.streams.open.insert(id, target);
                Ok(target)
            }
            Err(why) => {
                self.endpoint.handle_unconnected(now, address, transport);
                Err(Unreached::Unconnected { error: format!("no connection to {address}: {why}") })
            }
        };
        let waited = self.streams.waiting.extract_if(.., |(_, waited)| *waited == server);
        for (asker, _) in waited.collect::<Vec<_>>() {
            self.tell(now, asker, address, reached.clone());
        }
        self.act(now, |_| {});
    }

    fn tell(&mut self, now: Instant, asker: Asker, server: SocketAddr, reached: Result<Target, Unreached>) {
        match asker {
            Asker::Line(line) => {
                let reached = reached.map(|target| vec![target]);
                self.endpoint.handle_resolved(now, line, reached);
            }
            Asker::LongRequests => self.endpoint.handle_connected(now, server, reached),
        }
    }
}
