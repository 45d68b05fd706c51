//! The steps by which a connection is opened: TCP to one address, TLS over it, WebSocket over either. Each can be taken by
//! itself, and is told apart where it fails.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::connection::HANDSHAKE;
use super::failure::{Failure, Step};
use super::websocket::{Socket, ask};
use super::{Server, Stream};

/// After how much silence TCP itself asks whether the peer is there, how often, and when it gives up: a peer that was
/// cut off is found out within a minute, whether it answers pings or not.
const ASK_AFTER: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_secs(10);
const ASK_TIMES: u32 = 3;

/// Returns from where connections are made by who listens at an address: from that, with its zone, without which a link-local
/// one is none, and from any port.
pub(crate) fn source_of(listening: SocketAddr) -> Option<SocketAddr> {
    let mut source = listening;
    source.set_port(0);
    Some(source).filter(|source| !source.ip().is_unspecified())
}

/// Connects to one address, from one of this machine's, and any port of it, where it is given and of the same family. The system bounds how
/// long that takes, and who asks should, too.
pub(crate) async fn tcp(address: SocketAddr, source: Option<SocketAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source.filter(|source| source.is_ipv4() == address.is_ipv4()) {
        socket.bind(source)?;
    }
    let stream = socket.connect(address).await?;
    // Without them it is slower to find out that the peer is gone.
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%error, "connection");
    }
    Ok(stream)
}

/// Makes sure by TLS that the peer is who it is to be: a name, or an address.
pub(crate) async fn tls(
    stream: TcpStream,
    host: &str,
    client: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, Failure> {
    let name = server_name(host)?;
    match timeout(HANDSHAKE, TlsConnector::from(client).connect(name, stream)).await {
        Ok(greeted) => greeted.map_err(Failure::of_tls),
        Err(_) => Err(Failure::NotInTime { step: Step::Tls, patience: HANDSHAKE }),
    }
}

/// Asks a server for SIP over WebSocket.
pub(crate) async fn websocket(stream: Stream, server: &Server) -> Result<Socket, Failure> {
    let late = |_| Failure::NotInTime { step: Step::WebSocket, patience: HANDSHAKE };
    timeout(HANDSHAKE, ask(stream, server)).await.map_err(late)?
}

/// Returns who a certificate is to be for.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, Failure> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(bare.to_owned()).map_err(|_| Failure::Name(host.to_owned()))
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(ASK_AFTER).with_interval(ASK_EVERY).with_retries(ASK_TIMES);
    let socket = SockRef::from(stream);
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(ASK_EVERY * ASK_TIMES))?;
    socket.set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_source_has_the_zone_of_where_is_listened_and_is_none_where_that_is_anywhere() {
        let source = |listening: &str| source_of(listening.parse().unwrap()).map(|it| it.to_string());
        assert_eq!(source("[fe80::1%3]:5060").as_deref(), Some("[fe80::1%3]:0"));
        assert_eq!((source("0.0.0.0:5060"), source("[::]:5060")), (None, None));
    }

    #[tokio::test]
    async fn a_connection_is_prepared_to_find_out_that_its_peer_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stream = tcp(address, source_of("127.0.0.2:5060".parse().unwrap())).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        let local = stream.local_addr().unwrap();
        assert!(local.ip().to_string() == "127.0.0.2" && local.port() != 5060);
        assert!(stream.nodelay().unwrap() && SockRef::from(&stream).keepalive().unwrap());
        drop(listener);
        assert_eq!(tcp(address, None).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_certificate_is_for_a_name_or_an_address() {
        for host in ["pbx.example.com", "192.0.2.1", "[2001:db8::1]"] {
            assert!(server_name(host).is_ok(), "{host}");
        }
        for host in ["", "a b", "pbx\0.example.com"] {
            assert!(server_name(host).is_err(), "{host:?}");
        }
    }
}
