//! One connection: what is read from it, and what is written to it, each without waiting for the other.

use std::io;
use std::mem::replace;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut as _, BytesMut};
use ringfence_ua::{Flow, Transport};
use ringfence_wire::sip::{Frame, Framer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, ReadHalf, split};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::outgoing::Outgoing;
use super::owed::Owed;
use super::patience::{Patience, WRITE};
use super::queue::Queue;
use super::words::said_of_stream;
use super::{Event, websocket};

/// A stream that is open, in clear or not.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection that is open.
pub(crate) enum Connection {
    Stream(Stream),
    WebSocket(Box<websocket::Socket>),
}

/// What a connection's task has to do with the shard.
pub(super) struct Ends {
    pub(super) flow: Flow,
    pub(super) opened_by: OpenedBy,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) outgoing: Queue,
}

impl Ends {
    /// Returns whether the peer may ask for more. What we ask a server for keeps nobody from being heard: it may write its
    /// answers before it reads on.
    pub(super) fn has_room(&self) -> bool {
        let most = if self.opened_by == OpenedBy::Us { UNREAD_BY_SERVER } else { UNREAD };
        self.outgoing.unread() < most
    }
}

/// Who has opened a connection, which is how much patience there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenedBy {
    Us,
    /// One who may call.
    Known,
    /// One of whom nothing is known yet.
    Stranger,
}

/// How long a handshake may take, of TLS and of WebSocket over it together where a peer connects to us.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long is waited at the end until the peer has ended too: a connection that is closed while something waits to be
/// read takes along, at the peer, what was written last.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long a peer that has connected to us and says no more is kept for the answers to what it has said: as long as a
/// client waits for one to anything but INVITE (RFC 3261 section 17.1.2.2, timer F). A call that rings for longer is
/// answered over nothing.
const ANSWERS: Duration = Duration::from_secs(32);
pub(super) const CLOSED: &str = "closed by the peer";
/// How much is read at once.
const READ: usize = 16 * 1024;
/// The halves of a ping come no further apart: they are written at once, and one that is lost is repeated after 1 s, and
/// after 2 s more. Two pongs do.
const HALVES: Duration = Duration::from_secs(3);
/// While more than this waits of what a peer has asked for that has connected to us, nothing more is read from it: what it
/// asks for is bounded by what it takes.
const UNREAD: usize = 64 * 1024;
/// The same of a server of ours, which asks all its lines at once whether they are there.
const UNREAD_BY_SERVER: usize = 1024 * 1024;

impl Connection {
    /// Greets a peer that has connected, as its transport has it.
    pub(super) async fn accept(
        stream: TcpStream,
        transport: Transport,
        tls: Option<Arc<ServerConfig>>,
        origins: Option<Arc<[String]>>,
    ) -> io::Result<Self> {
        let greeted = timeout(HANDSHAKE, Self::greet(stream, transport, tls, origins.as_deref())).await;
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no handshake within 10 s");
        greeted.map_err(late)?
    }

    async fn greet(
        stream: TcpStream,
        transport: Transport,
        tls: Option<Arc<ServerConfig>>,
        origins: Option<&[String]>,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let stream = match tls {
            Some(tls) => Stream::Tls(Box::new(TlsAcceptor::from(tls).accept(stream).await?.into())),
            None => Stream::Tcp(stream),
        };
        if transport.is_websocket() {
            return Ok(Self::WebSocket(Box::new(websocket::answer(stream, origins).await?)));
        }
        Ok(Self::Stream(stream))
    }
}

/// Reads and writes until there is an end to it. Returns why.
pub(super) async fn serve(connection: Connection, ends: Ends) -> String {
    match connection {
        Connection::Stream(stream) => serve_stream(stream, ends).await,
        Connection::WebSocket(socket) => websocket::serve(*socket, ends).await,
    }
}

/// Reads and writes, neither waiting for the other, until there is an end to it. Returns why.
///
/// A peer that writes its answers before it reads on, and has got thousands of requests, would wait for us to read
/// while we wait for it. One that has connected to us and closes its own direction is not gone while it is owed answers;
/// a server that does so is: what it would be asked it will not answer.
async fn serve_stream(connection: Stream, mut ends: Ends) -> String {
    let (mut reader, writer) = split(connection);
    let (mut incoming, mut outgoing) = (Incoming::default(), Outgoing::new(writer));
    let mut patience = Patience::new(Instant::now(), ends.opened_by);
    let mut has_ended = false;
    loop {
        if has_ended && incoming.owed.is_nothing() && ends.outgoing.is_written() {
            // What a peer makes of the end is its own affair.
            let _ = timeout(WRITE, outgoing.finish()).await;
            return CLOSED.to_owned();
        }
        incoming.buffer.reserve(READ);
        let mut room = (&mut incoming.buffer).limit(READ);
        tokio::select! {
            read = reader.read_buf(&mut room), if ends.has_room() && !has_ended && !patience.is_flooded() => match read {
                Ok(0) if ends.opened_by == OpenedBy::Us => return CLOSED.to_owned(),
                Ok(0) => {
                    has_ended = true;
                    patience.heard_last(Instant::now() + ANSWERS);
                    if let Some(id) = ends.flow.connection_id() {
                        // A shard that has ended has its last words.
                        let _ = ends.events.send(Event::HalfClosed { id }).await;
                    }
                }
                Ok(_) => match incoming.cut(&ends).await {
                    Ok(whole) => patience.heard(Instant::now(), whole, incoming.is_within_message()),
                    Err(End::Unreadable(why)) => return why,
                    Err(End::Left) => {
                        say_last(reader, outgoing, ends).await;
                        return "closed".to_owned();
                    }
                },
                // A peer that ends without TLS's farewell has ended all the same.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return CLOSED.to_owned(),
                Err(error) => return said_of_stream(&error),
            },
            next = ends.outgoing.next() => {
                let Some(write) = next else {
                    say_last(reader, outgoing, ends).await;
                    return "closed".to_owned();
                };
                incoming.owed.answered(write.final_responses);
                outgoing.push(&write.payload);
                patience.writes(Instant::now());
                patience.asks(Instant::now(), write.requests, write.final_responses);
            }
            written = outgoing.write(), if !outgoing.is_empty() => match written {
                Ok(count) => {
                    ends.outgoing.written(count);
                    patience.has_written(Instant::now(), !outgoing.is_empty());
                }
                Err(error) => return said_of_stream(&error),
            },
            () = until(patience.until()) => return patience.why().to_owned(),
        }
    }
}

pub(super) async fn until(patience: Option<Instant>) {
    match patience {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// What came, as far as it was whole.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Whole {
    pub(super) messages: usize,
    /// How many of them nobody answers.
    pub(super) unanswered: usize,
    pub(super) line_ends: usize,
}

/// Why nothing more is read.
enum End {
    Unreadable(String),
    /// The shard has ended.
    Left,
}

/// What has come and is no whole message yet, and which answers are owed to what was.
#[derive(Default)]
struct Incoming {
    buffer: BytesMut,
    framer: Framer,
    owed: Owed,
    /// When something was read last.
    read: Option<Instant>,
}

impl Incoming {
    /// Returns whether a message has begun that is not whole.
    fn is_within_message(&self) -> bool {
        !self.buffer.is_empty() || self.framer.is_passing_over()
    }

    /// Cuts out what is whole. Returns how much that was, or why nothing more can be read.
    ///
    /// Pings that are read at once are told of once, and so are pongs, and line ends beside messages.
    async fn cut(&mut self, ends: &Ends) -> Result<Whole, End> {
        let (mut whole, flow, now) = (Whole::default(), ends.flow, Instant::now());
        if self.read.replace(now).is_some_and(|before| now - before > HALVES) {
            self.framer.pause();
        }
        let (mut has_ping, mut has_pong, mut has_line_end) = (false, false, false);
        let mut is_behind_message = false;
        loop {
            let frame = self.framer.next(&self.buffer).map_err(|error| End::Unreadable(error.to_string()))?;
            let Some(frame) = frame else { break };
            let bytes = self.buffer.split_to(frame.length());
            let is_before_message = self.buffer.first().is_some_and(|byte| !matches!(byte, b'\r' | b'\n'));
            let (event, is_told) = match frame {
                // The shard says of a head that its message is too long.
                Frame::Message { .. } | Frame::Head { .. } => {
                    whole.messages += 1;
                    whole.unanswered += usize::from(!self.owed.heard(&bytes));
                    (Event::Received { flow, message: bytes.freeze() }, false)
                }
                Frame::Excess { .. } => {
                    is_behind_message = !self.framer.is_passing_over();
                    continue;
                }
                //= https://www.rfc-editor.org/rfc/rfc5626#section-3.5.1
                //# The client periodically sends a double-CRLF
                //# (the "ping") then waits to receive a single CRLF (the "pong").
                Frame::Ping { .. } => (Event::Ping { flow }, replace(&mut has_ping, true)),
                //= https://www.rfc-editor.org/rfc/rfc3261#section-7.5
                //# Implementations processing SIP messages over stream-oriented transports MUST ignore any
                //# CRLF appearing before the start-line [H4.1].
                Frame::Pong { .. } if is_behind_message || is_before_message => {
                    (Event::LineEnd { flow }, replace(&mut has_line_end, true))
                }
                Frame::Pong { .. } => (Event::Pong { flow }, replace(&mut has_pong, true)),
            };
            is_behind_message = matches!(frame, Frame::Message { .. } | Frame::Head { .. });
            whole.line_ends += usize::from(!is_behind_message);
            if !is_told {
                ends.events.send(event).await.map_err(|_| End::Left)?;
            }
        }
        if self.buffer.is_empty() {
            // One that has grown for a long message does not stay so.
            self.buffer = BytesMut::new();
        }
        Ok(whole)
    }
}

/// Writes what waits, says that nothing more comes, and waits a moment for the peer to do the same.
async fn say_last(mut reader: ReadHalf<Stream>, mut outgoing: Outgoing, mut ends: Ends) {
    while let Some(write) = ends.outgoing.next().await {
        outgoing.push(&write.payload);
    }
    // What a peer makes of the end is its own affair.
    if timeout(WRITE, outgoing.finish()).await.is_ok_and(|finished| finished.is_ok()) {
        let mut unread = vec![0; READ];
        let until_it_ends = async { while reader.read(&mut unread).await.is_ok_and(|count| count > 0) {} };
        let _ = timeout(FAREWELL, until_it_ends).await;
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests;
