//! Opening a connection: the addresses of a host are tried one after the other, each with a small start before the next
//! (RFC 8305), so that one that leads nowhere costs a quarter of a second and no more.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{CertificateError, Error as TlsError};

use super::connection::{Connection, HANDSHAKE, Stream};
use super::{Server, websocket};
use crate::tls::Tls;

/// How far ahead of the next one an attempt is: RFC 8305 section 8, "Connection Attempt Delay".
const HEAD_START: Duration = Duration::from_millis(250);
/// How long all attempts together may take.
const CONNECT: Duration = Duration::from_secs(10);
/// After how much silence TCP itself asks whether the peer is there, how often, and when it gives up: a peer that was
/// cut off is found out within a minute, whether it answers pings or not.
const ASK_AFTER: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_secs(10);
const ASK_TIMES: u32 = 3;

/// Connects to the first address that can be had, and by TLS makes sure that it is who it is to be.
pub(super) async fn connect(
    server: &Server,
    addresses: Vec<SocketAddr>,
    source: Option<IpAddr>,
    tls: &Tls,
) -> Result<Connection, String> {
    let stream = match timeout(CONNECT, first_of(addresses, source)).await {
        Ok(connected) => connected.map_err(|error| error.to_string())?,
        Err(_) => return Err(format!("no connection within {} s", CONNECT.as_secs())),
    };
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%error, "connection");
    }
    let stream = if server.transport.is_encrypted() {
        let connector = TlsConnector::from(tls.client()?);
        let greeted = timeout(HANDSHAKE, connector.connect(server_name(&server.host)?, stream)).await;
        let late = |_| format!("no TLS handshake within {} s", HANDSHAKE.as_secs());
        Stream::Tls(Box::new(greeted.map_err(late)?.map_err(|error| said_by_tls(&error))?.into()))
    } else {
        Stream::Tcp(stream)
    };
    if !server.transport.is_websocket() {
        return Ok(Connection::Stream(stream));
    }
    let greeted = timeout(HANDSHAKE, websocket::ask(stream, server)).await;
    let late = |_| format!("no WebSocket handshake within {} s", HANDSHAKE.as_secs());
    Ok(Connection::WebSocket(Box::new(greeted.map_err(late)??)))
}

/// Returns what kept a server from being trusted, in words.
fn said_by_tls(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    let why = match inner {
        Some(TlsError::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "no authority that is trusted vouches for it"
        }
        Some(TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => "it is for another name",
        Some(TlsError::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => "it has expired",
        Some(TlsError::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => "it is not valid yet",
        Some(_) | None => return error.to_string(),
    };
    format!("its certificate is not accepted: {why}")
}

/// Returns who a certificate is to be for.
fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(bare.to_owned()).map_err(|_| format!("no certificate can be for {host:?}"))
}

async fn first_of(addresses: Vec<SocketAddr>, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let mut untried = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failed = io::Error::new(io::ErrorKind::AddrNotAvailable, "no address");
    loop {
        if let Some(address) = untried.next() {
            attempts.spawn(attempt(address, source));
        }
        let has_more = untried.len() > 0;
        tokio::select! {
            ended = attempts.join_next() => match ended {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) => failed = error,
                Some(Err(error)) => failed = io::Error::other(error),
                None => {}
            },
            () = sleep(HEAD_START), if has_more => {}
        }
        if attempts.is_empty() && !has_more {
            return Err(failed);
        }
    }
}

async fn attempt(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source.filter(|source| source.is_ipv4() == address.is_ipv4()) {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.connect(address).await
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

    async fn listening() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_keep_from_the_next() {
        let (refusing, (_alive, address)) = (listening().await.1, listening().await);
        let stream = first_of(vec![refusing, address], None).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        assert!(prepare(&stream).is_ok());
        assert_eq!(
            first_of(vec![refusing], None).await.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        assert!(first_of(Vec::new(), None).await.is_err());
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
