//! One connection: what is read from it, and what is written to it, each without waiting for the other.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use ringfence_ua::{Flow, Transport};
use ringfence_wire::sip::{Frame, Framer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, ReadHalf, split};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::outgoing::{Outgoing, Queue};
use super::owed::Owed;
use super::patience::{Patience, WRITE};
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
    /// Returns whether the peer may ask for more.
    pub(super) fn has_room(&self) -> bool {
        self.opened_by == OpenedBy::Us || self.outgoing.waiting() < UNREAD
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
/// While more than this waits for a peer that has connected to us, nothing more is read from it: what it asks for is
/// bounded by what it takes.
const UNREAD: usize = 64 * 1024;

impl Connection {
    /// Greets a peer that has connected, as its transport has it.
    pub(super) async fn accept(
        stream: TcpStream,
        transport: Transport,
        tls: Option<Arc<ServerConfig>>,
    ) -> io::Result<Self> {
        let greeted = timeout(HANDSHAKE, Self::greet(stream, transport, tls)).await;
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no handshake within 10 s");
        greeted.map_err(late)?
    }

    async fn greet(
        stream: TcpStream,
        transport: Transport,
        tls: Option<Arc<ServerConfig>>,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let stream = match tls {
            Some(tls) => Stream::Tls(Box::new(TlsAcceptor::from(tls).accept(stream).await?.into())),
            None => Stream::Tcp(stream),
        };
        if transport.is_websocket() {
            return Ok(Self::WebSocket(Box::new(websocket::answer(stream).await?)));
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
        if has_ended && incoming.owed.is_nothing() && ends.outgoing.waiting() == 0 {
            // What a peer makes of the end is its own affair.
            let _ = timeout(WRITE, outgoing.finish()).await;
            return CLOSED.to_owned();
        }
        incoming.buffer.reserve(READ);
        tokio::select! {
            read = reader.read_buf(&mut incoming.buffer), if ends.has_room() && !has_ended => match read {
                Ok(0) if ends.opened_by == OpenedBy::Us => return CLOSED.to_owned(),
                Ok(0) => {
                    has_ended = true;
                    patience.heard_last(Instant::now() + ANSWERS);
                }
                Ok(_) => match incoming.cut(&ends).await {
                    Ok(whole) => patience.heard(Instant::now(), whole, !incoming.buffer.is_empty()),
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
}

impl Incoming {
    /// Cuts out what is whole. Returns how much that was, or why nothing more can be read.
    async fn cut(&mut self, ends: &Ends) -> Result<Whole, End> {
        let Self { buffer, framer, owed } = self;
        let mut whole = Whole::default();
        loop {
            let frame = framer.next(buffer).map_err(|error| End::Unreadable(error.to_string()))?;
            let Some(frame) = frame else { return Ok(whole) };
            let bytes = buffer.split_to(frame.length());
            let flow = ends.flow;
            let event = match frame {
                Frame::Message { .. } => {
                    whole.messages += 1;
                    owed.heard(&bytes);
                    Event::Received { flow, message: bytes.freeze() }
                }
                Frame::Ping { .. } => Event::Ping { flow },
                Frame::Pong { .. } => Event::Pong { flow },
            };
            whole.line_ends += usize::from(!matches!(frame, Frame::Message { .. }));
            ends.events.send(event).await.map_err(|_| End::Left)?;
        }
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
