//! Opening a connection to a server that has many addresses ([`race`]). An attempt is all that makes a connection usable,
//! handshakes as well: an address whose TLS or WebSocket handshake fails or never ends leads to the next one, as one does
//! that refuses (RFC 3263 section 4.3).

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::Error as TlsError;

use super::connection::Connection;
use super::failure::{Failure, Step};
use super::race::{Attempt, race};
use super::room::{Room, Taken};
use super::steps::{tcp, tls, websocket};
use super::trust::Credentials;
use super::unconnected::Unconnected;
use super::{Server, Stream};
use crate::tls::Tls;

/// How long TCP may take: the system repeats a SYN after 1 s and 3 s.
const TCP: Duration = Duration::from_secs(5);

/// A connection that was opened, and its ends.
pub(crate) struct Connected {
    pub(super) connection: Connection,
    pub(super) remote: SocketAddr,
    pub(super) local: SocketAddr,
    /// What the server has shown, by TLS.
    pub(super) credentials: Option<Credentials>,
    pub(super) taken: Taken,
    /// What could not be connected to before.
    pub(crate) failed: Unconnected,
}

/// Opens a connection to one address.
struct Opener<'a> {
    server: &'a Server,
    source: Option<SocketAddr>,
    trust: &'a Tls,
}

/// Connects to the first address that can be had, and by TLS makes sure that it is who it is to be.
pub(super) async fn connect(
    server: &Server,
    priorities: Vec<Vec<SocketAddr>>,
    source: Option<SocketAddr>,
    trust: &Tls,
    room: &Room,
    until: Instant,
) -> Result<Connected, Unconnected> {
    let opener = Opener { server, source, trust };
    let (connected, failed) = race(priorities, room, until, |attempt| fenced(opener.open(attempt))).await?;
    Ok(Connected { failed, ..connected })
}

impl Opener<'_> {
    async fn open(&self, attempt: Attempt) -> Result<Connected, Failure> {
        let Attempt { address, mut taken, opened, until } = attempt;
        let (server, began) = (self.server, Instant::now());
        let stream = tcp_in_time(began, until, tcp(address, self.source)).await?;
        let (remote, local) = ends(&stream).map_err(Failure::Tcp)?;
        // Nobody may wait for that.
        let _ = opened.send(());
        let mut credentials = None;
        let stream = if server.transport.is_encrypted() {
            let client = self.trust.client(server.transport).await.map_err(Failure::Setup)?;
            let greeted = in_time(Step::Tls, began, until, tls(stream, &server.host, client)).await?;
            credentials = Some(Credentials::of(&greeted));
            Stream::Tls(Box::new(greeted.into()))
        } else {
            Stream::Tcp(stream)
        };
        let connection = if server.transport.is_websocket() {
            let greeted = in_time(Step::WebSocket, began, until, websocket(stream, server)).await?;
            Connection::WebSocket(Box::new(greeted))
        } else {
            Connection::Stream(stream)
        };
        taken.is_open();
        Ok(Connected { connection, remote, local, credentials, taken, failed: Unconnected::default() })
    }
}

/// Makes a TCP connection, for which there is less time than for all that comes after it.
async fn tcp_in_time<T>(
    began: Instant,
    until: Instant,
    connecting: impl Future<Output = io::Result<T>>,
) -> Result<T, Failure> {
    let stream = async { connecting.await.map_err(Failure::Tcp) };
    in_time(Step::Tcp, began, until.min(began + TCP), stream).await
}

/// Has an attempt that panics fail as any other: nobody would be told that it is over.
async fn fenced<T>(attempt: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let panicked = || Failure::Setup(TlsError::General("the attempt panicked, which is a bug".to_owned()));
    AssertUnwindSafe(attempt).catch_unwind().await.unwrap_or_else(|_| Err(panicked()))
}

fn ends(stream: &TcpStream) -> io::Result<(SocketAddr, SocketAddr)> {
    Ok((stream.peer_addr()?, stream.local_addr()?))
}

async fn in_time<T>(
    step: Step,
    began: Instant,
    until: Instant,
    taken: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let late = |_| Failure::NotInTime { step, patience: until.saturating_duration_since(began) };
    timeout_at(until, taken).await.map_err(late)?
}

#[cfg(test)]
mod tests {
    use ringfence_ua::Transport;
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    async fn listening() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// An address that is bound, and so nobody else's, and not listened at.
    fn refusing() -> (TcpSocket, SocketAddr) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    async fn connected(transport: Transport, priorities: &[&[SocketAddr]]) -> Result<SocketAddr, String> {
        let server = Server::of("pbx.example.com", None, transport, None);
        let priorities = priorities.iter().map(|addresses| addresses.to_vec()).collect();
        let until = Instant::now() + Duration::from_secs(60);
        let connected = connect(&server, priorities, None, &Tls::new(), &Room::new(None, 1), until).await;
        connected.map(|it| it.remote).map_err(|unconnected| unconnected.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_tcp_connection_has_five_seconds_or_what_is_left() {
        let start = Instant::now();
        for (left, told) in [(60, 5), (3, 3)] {
            let (began, silent) = (Instant::now(), std::future::pending::<io::Result<()>>());
            let late = tcp_in_time(began, began + Duration::from_secs(left), silent).await.unwrap_err();
            assert_eq!(late.to_string(), format!("no connection within {told} s"));
        }
        assert_eq!(start.elapsed().as_secs(), 5 + 3);
    }

    #[tokio::test]
    async fn who_waits_for_a_tcp_connection_is_told_of_it_before_the_handshake_has_ended() {
        let (_hangs, address) = listening().await;
        let server = Server::of("pbx.example.com", None, Transport::Tls, None);
        let (opened, is_open) = tokio::sync::oneshot::channel();
        let (trust, taken) = (Tls::new(), Room::new(None, 1).take().await);
        let opener = Opener { server: &server, source: None, trust: &trust };
        let until = Instant::now() + Duration::from_secs(60);
        tokio::select! {
            told = is_open => told.unwrap(),
            _ = opener.open(Attempt { address, taken, opened, until }) => panic!("nobody was told"),
        }
    }

    #[tokio::test]
    async fn an_attempt_that_panics_has_failed_and_no_more() {
        let panics = async { if true { panic!("a test") } else { Ok(()) } };
        let failed = fenced(panics).await.unwrap_err();
        assert_eq!(failed.to_string(), "unexpected error: the attempt panicked, which is a bug");
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_keep_from_the_next() {
        let ((_bound, refusing), (_alive, address)) = (refusing(), listening().await);
        assert_eq!(connected(Transport::Tcp, &[&[refusing, address]]).await, Ok(address));
        assert_eq!(connected(Transport::Tcp, &[&[refusing], &[address]]).await, Ok(address));
        let why = connected(Transport::Tcp, &[&[refusing]]).await.unwrap_err();
        assert!(why.starts_with(&format!("at {refusing}: ")) && why.contains("refused"), "{why}");
        assert_eq!(connected(Transport::Tcp, &[]).await, Err("no address".to_owned()));
    }

    #[tokio::test]
    async fn one_that_closes_during_the_handshake_is_told_with_the_next_that_does() {
        for transport in [Transport::Tls, Transport::Ws] {
            let closing = [listening().await, listening().await];
            let addresses = closing.each_ref().map(|(_, address)| *address);
            let closers =
                closing.map(|(listener, _)| tokio::spawn(async move { drop(listener.accept().await) }));
            let why = connected(transport, &[&addresses[..1], &addresses[1..]]).await.unwrap_err();
            for closer in closers {
                closer.await.unwrap();
            }
            assert!(addresses.iter().all(|address| why.contains(&address.to_string())), "{why}");
        }
    }

    #[tokio::test]
    async fn a_lower_priority_is_not_asked_while_a_higher_one_is_well() {
        let ((_first, preferred), (spare, address)) = (listening().await, listening().await);
        assert_eq!(connected(Transport::Tcp, &[&[preferred], &[address]]).await, Ok(preferred));
        let asked = tokio::time::timeout(Duration::ZERO, spare.accept()).await;
        assert!(asked.is_err(), "the spare one is left alone");
    }
}
