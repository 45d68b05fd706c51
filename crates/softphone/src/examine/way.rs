//! The way to one server: a UDP socket or a connection, whole messages over either.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::{Buf as _, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use ringfence_ua::Transport;
use ringfence_wire::sip::{Frame, Framer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;
use tokio_tungstenite::tungstenite::Message;

use super::lookups::Recording;
use crate::io::locate::find;
use crate::io::streams::{Connection, Server, connect};
use crate::io::stun::StunServer;
use crate::tls::Tls;

/// The way to one server.
pub(super) struct Way {
    open: Open,
    transport: Transport,
    local: SocketAddr,
}

enum Open {
    Datagrams { socket: UdpSocket, buffer: Vec<u8> },
    Stream { connection: Box<Connection>, buffer: BytesMut, framer: Framer },
}

/// The longest datagram.
const LONGEST: usize = 65_535;

impl Way {
    /// Binds a socket of the family of a server, where packets leave from; nothing is sent.
    pub(super) async fn bind(server: SocketAddr, listening: SocketAddr) -> Result<Self, String> {
        let socket =
            UdpSocket::bind((source(server, listening), 0)).await.map_err(|error| error.to_string())?;
        let local = socket.local_addr().map_err(|error| error.to_string())?;
        let open = Open::Datagrams { socket, buffer: vec![0; LONGEST] };
        Ok(Self { open, transport: Transport::Udp, local })
    }

    /// Has a socket hear this server alone, and of it that nobody listens there.
    pub(super) async fn towards(mut self, server: SocketAddr) -> Result<Self, String> {
        if let Open::Datagrams { socket, .. } = &self.open {
            socket.connect(server).await.map_err(|error| error.to_string())?;
            self.local = socket.local_addr().map_err(|error| error.to_string())?;
        }
        Ok(self)
    }

    /// Opens a connection.
    pub(super) async fn connect(
        server: &Server,
        address: SocketAddr,
        listening: SocketAddr,
        tls: &Tls,
    ) -> Result<Self, String> {
        let source = Some(listening.ip()).filter(|source| !source.is_unspecified());
        let connection = connect(server, vec![address], source, tls).await?;
        let (_, local) = connection.addresses().map_err(|error| error.to_string())?;
        let (connection, buffer, framer) = (Box::new(connection), BytesMut::new(), Framer::default());
        let open = Open::Stream { connection, buffer, framer };
        Ok(Self { open, transport: server.transport, local })
    }

    /// Returns where a STUN server sees the socket.
    pub(super) async fn seen_by(
        &self,
        stun: &StunServer,
        resolver: &Recording<'_>,
    ) -> Result<SocketAddr, String> {
        let Open::Datagrams { socket, .. } = &self.open else {
            return Err("it is asked by UDP alone".to_owned());
        };
        let find = async |wanted| find(&wanted, resolver).await;
        let address = stun.resolve(find, self.local.ip()).await.map_err(|error| error.to_string())?;
        stun.mapped(socket, address).await.map_err(|error| error.to_string())
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
                    socket.send(Message::text(text)).await.map_err(io::Error::other)
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
                    match framer.next(buffer).map_err(io::Error::other)? {
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
                        Some(Err(error)) => return Err(io::Error::other(error)),
                    }
                },
            },
        }
    }
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
