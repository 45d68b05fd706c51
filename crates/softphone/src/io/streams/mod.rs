//! The connections of one shard: TCP, TLS over it, and WebSocket over either. Each is a task of its own that cuts what
//! comes into messages; the shard alone knows which there are.
//!
//! ```text
//!  connect, accept ─▶ task: read ─▶ Framer ─▶ Event::Received ─▶ shard ─▶ Endpoint
//!                           ▲ write ◀────────── queue ◀────────── shard ◀─┘
//! ```
//!
//! One of ours that no line uses any more is closed (`unused.rs`). None that a peer has opened is used for a request of
//! ours, whether its Via says `alias` (RFC 5923) or not, and ours says no such thing: that is between servers, each of which
//! has an address and a certificate of its own. A line is reached over its connection because it says so to its registrar
//! (RFC 5626).
//!
//! What is hostile is bounded here: how many connections there are in all, of one peer and of strangers, how long a
//! handshake, a message or silence may take, and how much waits for a peer that does not read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use ringfence_ua::{ConnectionId, Counters, Flow, LineId, Transport, Write};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::rustls::ServerConfig;

use crate::error::{Kind, Result};
use crate::listener::Listener;
use crate::tls::Tls;

mod accepted;
mod acceptor;
mod allowance;
mod connect;
mod connection;
pub(crate) mod failure;
mod frames;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod messages;
mod ours;
mod outgoing;
mod owed;
mod patience;
mod queue;
mod race;
mod room;
pub(crate) mod steps;
mod trust;
mod unconnected;
mod unused;
mod websocket;
mod words;

use accepted::Accepted;
use acceptor::Acceptor;
pub(crate) use connect::Connected;
pub(crate) use connection::{Connection, Stream};
use connection::{Ends, OpenedBy, serve};
pub(crate) use messages::messages;
pub(crate) use ours::Reached;
pub(crate) use patience::UNREAD;
pub(crate) use queue::Full;
use queue::{Feed, queue};
pub(crate) use room::Room;
use room::Taken;
use trust::Credentials;
pub(crate) use unconnected::Unconnected;
pub(crate) use websocket::said;

/// What happens to connections.
pub(crate) enum Event {
    /// One that lines asked for is open, or cannot be had.
    Connected { server: Server, trust: u64, connected: std::result::Result<Connected, Unconnected> },
    /// One of ours is to a server that is not trusted any more, by what this is the number of.
    Distrusted { id: ConnectionId, trust: u64, why: String },
    /// Somebody has connected to us.
    Accepted { connection: TcpStream, transport: Transport, tls: Option<Arc<ServerConfig>> },
    /// A whole message came.
    Received { flow: Flow, message: Bytes },
    /// A double CRLF came.
    Ping { flow: Flow },
    /// A single CRLF came, beside no message.
    Pong { flow: Flow },
    /// A single CRLF came together with a message, directly before or behind it.
    LineEnd { flow: Flow },
    /// The peer says no more over it.
    HalfClosed { id: ConnectionId },
    /// It is no more.
    Closed { id: ConnectionId, why: String },
}

/// What a connection of ours leads to. The host is what a certificate is to be for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Server {
    pub(crate) transport: Transport,
    pub(crate) host: String,
    /// Where one was given.
    pub(crate) port: Option<u16>,
    /// The resource that is asked for by WebSocket.
    pub(crate) path: String,
}

impl Server {
    /// Creates what an account names.
    pub(crate) fn of(host: &str, port: Option<u16>, transport: Transport, path: Option<&str>) -> Self {
        let path = path.filter(|_| transport.is_websocket()).unwrap_or("/").to_owned();
        Self { transport, host: host.to_ascii_lowercase(), port, path }
    }
}

/// Who asks for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asker {
    /// A line that goes by it.
    Line(LineId),
    /// Lines that go by UDP to this server, and have requests that are too long for that.
    LongRequests(SocketAddr),
}

/// The connections of one shard.
pub(crate) struct Streams {
    sender: mpsc::Sender<Event>,
    receiver: mpsc::Receiver<Event>,
    open: BTreeMap<ConnectionId, Open>,
    /// Those that we have opened, the newest of each server last: a domain has several, of which one may have failed that
    /// lines are still registered at.
    ours: BTreeMap<Server, Vec<ConnectionId>>,
    /// Those that are being opened, and for whom.
    connecting: BTreeMap<Server, Connecting>,
    /// How many peers have opened.
    accepted: Accepted,
    /// The servers that could not be connected to just now, when that was, and why.
    failed: BTreeMap<Server, (Instant, Arc<Unconnected>)>,
    tasks: JoinSet<()>,
    next: u64,
    /// When it is looked which are not used any more.
    look_at: Option<Instant>,
    tls: Tls,
    /// Whose pages may connect by WebSocket, where not any may.
    origins: Option<Arc<[String]>>,
    /// How often that was replaced.
    trust: u64,
    /// For connections of ours.
    room: Room,
    /// What those who connect by TLS are shown.
    shown: Vec<watch::Sender<Arc<ServerConfig>>>,
    /// Where connections are made from, unless that is the system's to choose.
    source: Option<SocketAddr>,
    refused: u64,
}

/// A connection that is being opened.
struct Connecting {
    askers: BTreeSet<Asker>,
    /// What it is opened by, for the case that it is to be begun anew.
    priorities: Vec<Vec<SocketAddr>>,
    until: Instant,
    trust: u64,
    attempt: AbortHandle,
}

/// A connection that is open.
struct Open {
    flow: Flow,
    local: SocketAddr,
    /// Nothing where it is being closed.
    outgoing: Option<Feed>,
    opened: Opened,
}

/// Who has opened a connection.
enum Opened {
    /// We have.
    To {
        server: Server,
        /// What the server has shown, by TLS.
        credentials: Option<Credentials>,
        /// Since when no line uses it, as far as that was seen.
        unused_since: Option<Instant>,
        _taken: Taken,
    },
    /// The peer has, of whom it may not be known yet whether he may call.
    ByPeer { is_stranger: bool },
}

/// What waits for the shard. At the bound connections are not read from, and TCP keeps their peers from sending.
const EVENTS: usize = 256;
/// What that may cost, in bytes, which waits for a peer to read it. At the bound the connection is closed. Over one of ours
/// all lines of a registrar ask at once: fifty thousand, a kilobyte each. A connection is not read from while much waits
/// that its peer has asked for, so that all there can be of that is what was in hand, and the answers to calls that rang.
const WAITING_OF_OURS: usize = 64 << 20;
const WAITING_OF_PEERS: usize = 4 << 20;
/// How long what was written last may take to leave when all ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Streams {
    pub(crate) fn new(listening: SocketAddr, tls: Tls, room: Room) -> Self {
        let (sender, receiver) = mpsc::channel(EVENTS);
        let source = steps::source_of(listening);
        Self {
            sender,
            receiver,
            open: BTreeMap::new(),
            ours: BTreeMap::new(),
            connecting: BTreeMap::new(),
            accepted: Accepted::new(room.of_peers()),
            failed: BTreeMap::new(),
            tasks: JoinSet::new(),
            next: 0,
            look_at: None,
            tls,
            origins: None,
            trust: 0,
            room,
            shown: Vec::new(),
            source,
            refused: 0,
        }
    }

    /// Sets whose pages may connect by WebSocket.
    pub(crate) fn set_origins(&mut self, origins: Option<Arc<[String]>>) {
        self.origins = origins;
    }

    /// Takes connections, and returns where: the port may have been any.
    pub(crate) fn listen(&mut self, wanted: Listener) -> Result<Listener> {
        let Listener { transport, address } = wanted;
        let shown = if transport.is_encrypted() {
            let (shown, newest) = watch::channel(self.tls.server()?);
            self.shown.push(shown);
            Some(newest)
        } else {
            None
        };
        let in_use = |error| Kind::Socket { listener: wanted, error };
        let acceptor = Acceptor::bind(address, transport, shown).map_err(in_use)?;
        let address = acceptor.local().map_err(in_use)?;
        self.tasks.spawn(acceptor.accept(self.sender.clone()));
        Ok(Listener { transport, address })
    }

    /// Waits for something to happen.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        self.receiver.recv().await
    }

    /// Returns what has happened.
    pub(crate) fn try_next(&mut self) -> Option<Event> {
        self.receiver.try_recv().ok()
    }

    /// Takes a connection that a peer has opened, unless there are too many.
    pub(crate) fn accept(
        &mut self,
        stream: TcpStream,
        transport: Transport,
        tls: Option<Arc<ServerConfig>>,
        is_known: impl FnOnce(IpAddr) -> bool,
    ) {
        let (Ok(remote), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
        let is_stranger = !is_known(remote.ip());
        if !self.accepted.admit(remote.ip(), is_stranger) {
            self.refused += 1;
            return;
        }
        let connection = Connection::accept(stream, transport, tls, self.origins.clone());
        self.add(transport, remote, local, Opened::ByPeer { is_stranger }, connection);
    }

    /// Takes whether a message came from one who may call: a stranger's connection is closed. He learns no more by that
    /// than by silence, and holds nothing.
    pub(crate) fn heard(&mut self, id: ConnectionId, may_call: bool) {
        let Some(open) = self.open.get_mut(&id) else { return };
        match &mut open.opened {
            Opened::ByPeer { is_stranger } if *is_stranger && may_call => {
                *is_stranger = false;
                self.accepted.has_become_known();
            }
            Opened::ByPeer { is_stranger: true } => {
                tracing::debug!(connection = %id, "closed: nobody knows the peer");
                self.close(id);
            }
            Opened::ByPeer { is_stranger: false } | Opened::To { .. } => {}
        }
    }

    /// Takes a ping, and returns whether it is to be answered. That of a peer of whom nothing is known yet is not, and no
    /// other while the answer to the one before it waits to be written.
    pub(crate) fn owes_pong(&self, flow: Flow) -> bool {
        let Some(open) = flow.connection_id().and_then(|id| self.open.get(&id)) else { return false };
        let is_of_stranger = matches!(open.opened, Opened::ByPeer { is_stranger: true });
        !is_of_stranger && open.outgoing.as_ref().is_some_and(Feed::owes_pong)
    }

    /// Sends over a connection, or returns that more waits than its peer may leave unread. What is for one that is no more
    /// is left out, as a datagram would be lost.
    pub(crate) fn send(&self, write: Write) -> std::result::Result<(), Full> {
        let feed = self.open.get(&write.connection).and_then(|open| open.outgoing.as_ref());
        feed.map_or(Ok(()), |feed| feed.send(write))
    }

    /// Closes a connection, when what waits has been sent; [`Event::Closed`] follows.
    pub(crate) fn close(&mut self, id: ConnectionId) {
        let Some(open) = self.open.get_mut(&id) else { return };
        // The task ends when nobody can send any more.
        open.outgoing = None;
        if let Opened::To { server, .. } = &open.opened
            && let Some(ours) = self.ours.get_mut(server)
        {
            ours.retain(|known| *known != id);
            if ours.is_empty() {
                self.ours.remove(server);
            }
        }
    }

    /// Forgets a connection that is no more.
    pub(crate) fn closed(&mut self, id: ConnectionId) {
        while self.tasks.try_join_next().is_some() {}
        self.close(id);
        let Some(open) = self.open.remove(&id) else { return };
        if let Opened::ByPeer { is_stranger } = open.opened {
            self.accepted.forget(open.flow.remote().ip(), is_stranger);
        }
    }

    /// Returns a connection's own address, for the trace.
    pub(crate) fn local(&self, id: ConnectionId) -> Option<(SocketAddr, Flow)> {
        self.open.get(&id).map(|open| (open.local, open.flow))
    }

    /// Fills in how many connections are open, and how many were refused because there were too many.
    pub(crate) fn count(&self, counters: &mut Counters) {
        counters.connections = self.open.len() as u64;
        counters.refused_connections = self.refused;
    }

    /// Closes all, when what waits has been sent.
    pub(crate) async fn leave(mut self) {
        self.open.clear();
        drop(self.receiver);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(LAST_WORDS, all).await.is_err() {
            self.tasks.abort_all();
        }
    }

    fn add(
        &mut self,
        transport: Transport,
        remote: SocketAddr,
        local: SocketAddr,
        opened: Opened,
        connection: impl Future<Output = std::io::Result<Connection>> + Send + 'static,
    ) -> Flow {
        self.next += 1;
        let id = ConnectionId::new(self.next);
        let flow = Flow::connection(id, transport, canonical(remote));
        let (opened_by, most) = match &opened {
            Opened::To { .. } => (OpenedBy::Us, WAITING_OF_OURS),
            Opened::ByPeer { is_stranger: false } => (OpenedBy::Known, WAITING_OF_PEERS),
            Opened::ByPeer { is_stranger: true } => (OpenedBy::Stranger, WAITING_OF_PEERS),
        };
        let (feed, outgoing) = queue(most);
        let ends = Ends { flow, opened_by, events: self.sender.clone(), outgoing };
        self.open.insert(id, Open { flow, local: canonical(local), outgoing: Some(feed), opened });
        let events = self.sender.clone();
        self.tasks.spawn(async move {
            let served = async {
                match connection.await {
                    Ok(connection) => serve(connection, ends).await,
                    Err(error) => words::said_of_stream(&error),
                }
            };
            // Nobody would be told of the end of one whose task panics.
            let why = AssertUnwindSafe(served).catch_unwind().await;
            let why = why.unwrap_or_else(|_| "its task panicked, which is a bug".to_owned());
            // A shard that has ended has closed it.
            let _ = events.send(Event::Closed { id, why }).await;
        });
        flow
    }
}

/// Returns an address as a flow has it: neither mapped nor with a zone, which is of this machine only.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
