//! Opening a connection: the addresses of a host are tried one after the other, each with a small start before the next
//! (RFC 8305), so that one that leads nowhere costs a quarter of a second and no more.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::failure::{Failure, Step};
use super::steps::{tcp, tls, websocket};
use super::{Server, Stream};
use crate::tls::Tls;

/// How far ahead of the next one an attempt is: RFC 8305 section 8, "Connection Attempt Delay".
const HEAD_START: Duration = Duration::from_millis(250);
/// How long all attempts together may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Connects to the first address that can be had, and by TLS makes sure that it is who it is to be.
pub(super) async fn connect(
    server: &Server,
    addresses: Vec<SocketAddr>,
    source: Option<IpAddr>,
    trust: &Tls,
) -> Result<Connection, Failure> {
    let stream = match timeout(CONNECT, first_of(addresses, source)).await {
        Ok(connected) => connected.map_err(Failure::Tcp)?,
        Err(_) => return Err(Failure::NotInTime { step: Step::Tcp, patience: CONNECT }),
    };
    let stream = if server.transport.is_encrypted() {
        let client = trust.client().map_err(Failure::Setup)?;
        Stream::Tls(Box::new(tls(stream, &server.host, client).await?.into()))
    } else {
        Stream::Tcp(stream)
    };
    if !server.transport.is_websocket() {
        return Ok(Connection::Stream(stream));
    }
    Ok(Connection::WebSocket(Box::new(websocket(stream, server).await?)))
}

async fn first_of(addresses: Vec<SocketAddr>, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let mut untried = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failed = io::Error::new(io::ErrorKind::AddrNotAvailable, "no address");
    loop {
        if let Some(address) = untried.next() {
            attempts.spawn(tcp(address, source));
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
        assert_eq!(
            first_of(vec![refusing], None).await.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        assert!(first_of(Vec::new(), None).await.is_err());
    }
}
