//! Where peers connect to us.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ringfence_ua::Transport;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_rustls::rustls::ServerConfig;

use super::Event;

/// A socket that peers connect to.
pub(crate) struct Acceptor {
    socket: TcpListener,
    transport: Transport,
    /// The newest certificate to show, where TLS is spoken.
    tls: Option<watch::Receiver<Arc<ServerConfig>>>,
}

/// Connections that wait to be taken.
const BACKLOG: i32 = 1_024;
/// How long nobody is let in when the system has no file descriptor left.
const PAUSE: Duration = Duration::from_millis(100);

impl Acceptor {
    /// Binds a socket; an IPv6 wildcard takes IPv4 too. Needs a runtime.
    pub(crate) fn bind(
        address: SocketAddr,
        transport: Transport,
        tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        // Connections of the program before this one may linger in the system, and keep no listener away.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self { socket: TcpListener::from_std(socket.into())?, transport, tls })
    }

    pub(crate) fn local(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Takes connections until nobody wants them any more.
    pub(super) async fn accept(self, events: mpsc::Sender<Event>) {
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = events.closed() => return,
            };
            match accepted {
                Ok((connection, _)) => {
                    let tls = self.tls.as_ref().map(|tls| Arc::clone(&tls.borrow()));
                    let event = Event::Accepted { connection, transport: self.transport, tls };
                    if events.send(event).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "accept");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}
