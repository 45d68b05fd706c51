//! One connection: what is read from it, and what is written to it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use ringfence_ua::{Flow, Transport};
use ringfence_wire::sip::{Frame, Framer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::{TlsAcceptor, TlsStream};
use tokio_tungstenite::WebSocketStream;

use super::{Event, websocket};

/// A stream that is open, in clear or not.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection that is open.
pub(crate) enum Connection {
    Stream(Stream),
    WebSocket(Box<WebSocketStream<Stream>>),
}

/// What a connection's task has to do with the shard.
pub(super) struct Ends {
    pub(super) flow: Flow,
    /// Whether the peer has opened it.
    pub(super) is_accepted: bool,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) outgoing: mpsc::Receiver<Vec<u8>>,
}

/// How long a TLS handshake may take.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a message may take from its first byte to its last, and a peer that connects to its first.
const MESSAGE: Duration = Duration::from_secs(30);
/// How long a peer that has connected may be silent. Who keeps a connection pings it every two minutes (RFC 5626
/// section 4.4.1), or calls.
const SILENCE: Duration = Duration::from_secs(600);
/// How long a peer may take to read what it is sent.
pub(super) const WRITE: Duration = Duration::from_secs(10);
pub(super) const CLOSED: &str = "closed by the peer";
/// How much is read at once.
const READ: usize = 16 * 1024;

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

    /// Returns the peer's address and ours.
    pub(super) fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        let stream = match self {
            Self::Stream(stream) => stream,
            Self::WebSocket(socket) => socket.get_ref(),
        };
        let stream = match stream {
            Stream::Tcp(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
        };
        Ok((stream.peer_addr()?, stream.local_addr()?))
    }
}

/// Reads and writes until there is an end to it. Returns why.
pub(super) async fn serve(connection: Connection, ends: Ends) -> String {
    match connection {
        Connection::Stream(stream) => serve_stream(stream, ends).await,
        Connection::WebSocket(socket) => websocket::serve(*socket, ends).await,
    }
}

/// Until when the peer is waited for.
pub(super) struct Patience {
    is_accepted: bool,
    /// For the rest of a message that has begun.
    message: Option<Instant>,
    /// For anything that is whole.
    silence: Option<Instant>,
}

impl Patience {
    pub(super) fn new(is_accepted: bool) -> Self {
        Self { is_accepted, message: None, silence: is_accepted.then(|| Instant::now() + MESSAGE) }
    }

    /// Notes what came. The clock of a message that has begun runs on, however slowly it comes.
    pub(super) fn heard(&mut self, has_whole: bool, has_more: bool) {
        let now = Instant::now();
        if has_whole && self.is_accepted {
            self.silence = Some(now + SILENCE);
        }
        if !has_more {
            self.message = None;
        } else if has_whole || self.message.is_none() {
            self.message = Some(now + MESSAGE);
        }
    }

    pub(super) fn until(&self) -> Option<Instant> {
        [self.message, self.silence].into_iter().flatten().min()
    }
}

async fn serve_stream(mut connection: Stream, mut ends: Ends) -> String {
    let (mut buffer, mut framer) = (BytesMut::new(), Framer::default());
    let mut patience = Patience::new(ends.is_accepted);
    loop {
        buffer.reserve(READ);
        tokio::select! {
            read = connection.read_buf(&mut buffer) => match read {
                Ok(0) => return CLOSED.to_owned(),
                Ok(_) => match cut(&mut buffer, &mut framer, &ends).await {
                    Ok(count) => patience.heard(count > 0, !buffer.is_empty()),
                    Err(why) => return why,
                },
                // A peer that ends without TLS's farewell has ended all the same.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return CLOSED.to_owned(),
                Err(error) => return error.to_string(),
            },
            written = ends.outgoing.recv() => {
                let Some(bytes) = written else {
                    // What a peer makes of the end is its own affair.
                    let _ = timeout(WRITE, connection.shutdown()).await;
                    return "closed".to_owned();
                };
                if let Err(error) = write(&mut connection, bytes, &mut ends.outgoing).await {
                    return error.to_string();
                }
            }
            () = until(patience.until()) => return "the peer is too slow".to_owned(),
        }
    }
}

pub(super) async fn until(patience: Option<Instant>) {
    match patience {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Cuts out what is whole. Returns how much that was, or why nothing more can be read.
async fn cut(buffer: &mut BytesMut, framer: &mut Framer, ends: &Ends) -> Result<usize, String> {
    let mut count = 0;
    loop {
        let Some(frame) = framer.next(buffer).map_err(|error| error.to_string())? else { return Ok(count) };
        let bytes = buffer.split_to(frame.length());
        let flow = ends.flow;
        let event = match frame {
            Frame::Message { .. } => Event::Received { flow, message: bytes.freeze() },
            Frame::Ping { .. } => Event::Ping { flow },
            Frame::Pong { .. } => Event::Pong { flow },
        };
        count += 1;
        ends.events.send(event).await.map_err(|_| "closed".to_owned())?;
    }
}

/// Writes what is to be written, and what has come behind it meanwhile.
async fn write(
    connection: &mut Stream,
    mut bytes: Vec<u8>,
    more: &mut mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    while let Ok(next) = more.try_recv() {
        bytes.extend_from_slice(&next);
    }
    let written = timeout(WRITE, async {
        connection.write_all(&bytes).await?;
        connection.flush().await
    });
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the peer does not read");
    written.await.map_err(late)?
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
