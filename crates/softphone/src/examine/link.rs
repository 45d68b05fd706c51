//! The link to one server: a UDP socket or a connection, whole messages over either.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use ringfence_ua::Transport;
use ringfence_wire::sip::{Frame, Framer, StreamError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::certificates::Shown;
use super::{Mapped, Tried};
use crate::io::Resolver;
use crate::io::locate::{Wanted, find_by, unresolved};
use crate::io::streams::failure::{Failure, Step};
use crate::io::streams::steps::{source_of, tcp, tls, websocket};
use crate::io::streams::{Connection, Server, Stream, said};
use crate::io::stun::StunServer;
use crate::tls::{Seen, Tls};

/// The link to one server.
pub(super) struct Link {
    open: Open,
    transport: Transport,
    local: SocketAddr,
}

enum Open {
    Datagrams { socket: UdpSocket, buffer: Vec<u8> },
    Stream { connection: Box<Connection>, buffer: BytesMut, framer: Framer },
}

/// How long a TCP connection is waited for: who is asked for every call is to be quicker.
const CONNECT: Duration = Duration::from_secs(4);
/// The longest datagram.
const LONGEST: usize = 65_535;

impl Link {
    /// Binds a socket of the family of a server, where packets leave from; nothing is sent.
    pub(super) async fn bind(server: SocketAddr, listening: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind((source(server, listening), 0)).await?;
        let local = socket.local_addr()?;
        let open = Open::Datagrams { socket, buffer: vec![0; LONGEST] };
        Ok(Self { open, transport: Transport::Udp, local })
    }

    /// Has a socket hear this server alone, and of it that nobody listens there.
    pub(super) async fn towards(mut self, server: SocketAddr) -> io::Result<Self> {
        if let Open::Datagrams { socket, .. } = &self.open {
            socket.connect(server).await?;
            self.local = socket.local_addr()?;
        }
        Ok(self)
    }

    /// Opens a connection. What the server shows by TLS is kept, also where that is refused.
    pub(super) async fn connect(
        server: &Server,
        listening: SocketAddr,
        trust: &Tls,
        tried: &mut Tried,
    ) -> Result<Self, Failure> {
        let source = source_of(listening);
        let late = |_| Failure::NotInTime { step: Step::Tcp, patience: CONNECT };
        let (began, address) = (Instant::now(), tried.server);
        let stream = timeout(CONNECT, tcp(address, source)).await.map_err(late)?.map_err(Failure::Tcp)?;
        tried.tcp = Some(began.elapsed());
        let local = stream.local_addr().map_err(Failure::Tcp)?;
        let stream = if server.transport.is_encrypted() {
            let (seen, verifier) =
                (Seen::default(), trust.verifier(server.transport).map_err(Failure::Setup)?);
            let is_anyone = verifier.is_of_anyone();
            let client = trust.client_with(verifier.keeping(&seen)).map_err(Failure::Setup)?;
            let greeted = tls(stream, &server.host, Arc::new(client)).await;
            let connection = greeted.as_ref().ok().map(|stream| stream.get_ref().1);
            tried.shown = Some(Shown::of(connection, &seen, is_anyone));
            Stream::Tls(Box::new(greeted?.into()))
        } else {
            Stream::Tcp(stream)
        };
        let connection = if server.transport.is_websocket() {
            Connection::WebSocket(Box::new(websocket(stream, server).await?))
        } else {
            Connection::Stream(stream)
        };
        let (connection, buffer, framer) = (Box::new(connection), BytesMut::new(), Framer::default());
        let open = Open::Stream { connection, buffer, framer };
        Ok(Self { open, transport: server.transport, local })
    }

    /// Returns where a STUN server sees the socket.
    pub(super) async fn seen_by(&self, stun: &StunServer, resolver: &dyn Resolver) -> Result<Mapped, String> {
        let Open::Datagrams { socket, .. } = &self.open else {
            return Err("it is asked by UDP alone".to_owned());
        };
        let find = async |wanted: Wanted| {
            let found = find_by(&wanted, resolver).await;
            found.map_err(|error| unresolved(&error, wanted.listening))
        };
        let by = stun.resolve(find, self.local.ip()).await.map_err(|error| error.to_string())?;
        let address = stun.mapped(socket, by).await.map_err(|error| error.to_string())?;
        Ok(Mapped { address, by })
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(super) fn transport(&self) -> Transport {
        self.transport
    }

    /// Sends one message.
    pub(super) async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match &mut self.open {
            Open::Datagrams { socket, .. } => socket.send(message).await.map(drop),
            Open::Stream { connection, .. } => match &mut **connection {
                Connection::Stream(stream) => {
                    stream.write_all(message).await?;
                    stream.flush().await
                }
                Connection::WebSocket(socket) => {
                    let text = String::from_utf8_lossy(message).into_owned();
                    socket.send(Message::text(text)).await.map_err(|error| io::Error::other(said(&error)))
                }
            },
        }
    }

    /// Waits for a message. Dropped before it resolves, it loses none.
    pub(super) async fn receive(&mut self) -> io::Result<Vec<u8>> {
        match &mut self.open {
            Open::Datagrams { socket, buffer } => {
                let length = socket.recv(buffer).await?;
                Ok(buffer[..length].to_vec())
            }
            Open::Stream { connection, buffer, framer } => match &mut **connection {
                Connection::Stream(stream) => loop {
                    match framer.next(buffer).map_err(not_sip)? {
                        Some(Frame::Message { length, .. }) => return Ok(buffer.split_to(length).to_vec()),
                        Some(frame) => buffer.advance(frame.length()),
                        None if stream.read_buf(buffer).await? == 0 => return Err(ended()),
                        None => {}
                    }
                },
                Connection::WebSocket(socket) => loop {
                    match socket.next().await {
                        Some(Ok(Message::Text(text))) => return Ok(text.as_bytes().to_vec()),
                        Some(Ok(Message::Binary(bytes))) => return Ok(bytes.to_vec()),
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                        Some(Ok(Message::Close(_))) | None => return Err(ended()),
                        Some(Err(error)) => return Err(io::Error::other(said(&error))),
                    }
                },
            },
        }
    }
}

/// What cannot be cut into messages is none of SIP.
fn not_sip(error: StreamError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the server has closed the connection")
}

/// Returns the address that a socket towards a server is bound to.
fn source(server: SocketAddr, listening: SocketAddr) -> IpAddr {
    let ip = listening.ip();
    if !ip.is_unspecified() && ip.is_ipv4() == server.is_ipv4() {
        return ip;
    }
    if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}
