//! The shard's side of the connections: what comes and goes over them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_ua::{ConnectionId, Flow, Transport};

use super::{Shard, trace};
use crate::error::Result;
use crate::io::streams::{self, Full, Room, Streams, UNREAD};
use crate::io::stun::StunServer;
use crate::tls::Tls;
use crate::trace::Direction;

/// Where a softphone listens, and how TLS is spoken.
#[derive(Debug, Clone)]
pub(crate) struct Sockets {
    pub(crate) udp: SocketAddr,
    /// Where others connect to.
    pub(crate) streams: BTreeMap<Transport, SocketAddr>,
    pub(crate) tls: Tls,
    /// Whose pages may connect by WebSocket, where not any may.
    pub(crate) origins: Option<Arc<[String]>>,
    /// How many connections there may be.
    pub(crate) room: Room,
    /// Where media may be.
    pub(crate) rtp_ports: RangeInclusive<u16>,
    /// Who tells where media is seen.
    pub(crate) stun: Option<StunServer>,
    /// How long after a datagram the next is asked for before the shard sleeps.
    pub(crate) busy_poll: Duration,
}

impl Shard {
    /// Has connections made with other certificates, and tries at once where there was none by TLS.
    pub(super) fn set_tls(&mut self, now: Instant, tls: Tls) -> Result<()> {
        self.streams.set_tls(tls)?;
        let waiting = self.lines.iter().filter(|(_, line)| line.has_no_tls());
        for line in waiting.map(|(line, _)| *line).collect::<Vec<_>>() {
            self.endpoint.retry(now, line);
        }
        Ok(())
    }

    /// Closes a connection that leads nowhere any more.
    pub(super) fn disconnect(&mut self, connection: ConnectionId, why: &str) {
        self.streams.close(connection);
        self.endpoint.handle_disconnected(Instant::now(), connection, why);
    }

    /// Hands what goes over connections to them. One whose peer leaves too much unread is closed.
    pub(super) fn write(&mut self) {
        let Self { streams, endpoint, hooks, .. } = self;
        while let Some(write) = endpoint.poll_write() {
            let connection = write.connection;
            if hooks.trace.is_some()
                && let Some((local, flow)) = streams.local(connection)
            {
                for message in streams::messages(&write.payload) {
                    trace(hooks, local, Direction::Sent, flow, message);
                }
            }
            if let Err(Full) = streams.send(write) {
                tracing::debug!(%connection, why = UNREAD, "connection closed");
                streams.close(connection);
                endpoint.handle_disconnected(Instant::now(), connection, UNREAD);
            }
        }
    }

    /// Takes what happened to a connection.
    pub(super) fn handle_stream(&mut self, now: Instant, event: streams::Event) {
        let Self { streams, endpoint, hooks, .. } = self;
        let local = |streams: &Streams, flow: Flow| {
            flow.connection_id().and_then(|id| streams.local(id)).map(|(local, _)| local)
        };
        match event {
            streams::Event::Connected { server, trust, connected } => {
                if streams.is_awaited(&server, trust) {
                    self.take_connection(now, &server, connected);
                }
            }
            streams::Event::Distrusted { id, trust, why } => {
                if streams.is_newest_trust(trust) {
                    self.disconnect(id, &why);
                }
            }
            streams::Event::Accepted { connection, transport, tls } => {
                streams.accept(connection, transport, tls, |peer| endpoint.may_call(peer));
            }
            streams::Event::Received { flow, message } => {
                if let Some(local) = local(streams, flow) {
                    trace(hooks, local, Direction::Received, flow, &message);
                    let may_call = endpoint.handle_stream_message(now, flow, &message);
                    if let Some(id) = flow.connection_id() {
                        streams.heard(id, may_call);
                    }
                }
            }
            streams::Event::Ping { flow } => {
                if streams.owes_pong(flow) {
                    endpoint.handle_ping(flow);
                }
            }
            streams::Event::Pong { flow } => endpoint.handle_pong(now, flow),
            streams::Event::LineEnd { flow } => endpoint.handle_line_end(now, flow),
            streams::Event::HalfClosed { id } => endpoint.handle_half_closed(now, id),
            streams::Event::Closed { id, why } => {
                tracing::debug!(connection = %id, why, "connection closed");
                streams.closed(id);
                endpoint.handle_disconnected(now, id, &why);
            }
        }
    }
}

/// Returns where the n-th shard listens: n ports above the first, where that is fixed.
pub(super) fn nth_port(mut address: SocketAddr, index: u16) -> SocketAddr {
    if address.port() != 0 {
        address.set_port(address.port().saturating_add(index));
    }
    address
}
