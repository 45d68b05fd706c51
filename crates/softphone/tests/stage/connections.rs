//! The same PBX behind connections: what comes over one is given to it as if it came from the peer's address, and what it
//! sends to that address goes back over it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use ringfence_testing::{Node, Pbx, PbxConfig};
use ringfence_wire::sip::{Frame, Framer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::{Host, Shared, until, with_users};

/// What a connection's reader has to tell, and a way to write to it.
enum Event {
    Open(SocketAddr, mpsc::UnboundedSender<Vec<u8>>),
    Message(SocketAddr, Vec<u8>),
}

/// How what is written over a connection is cut: whole, or in pieces of so many bytes.
pub(crate) type Pieces = Option<usize>;

/// A PBX that is reached by TCP, or by TLS, and writes in pieces.
pub(crate) async fn pbx_behind(tls: Option<Arc<ServerConfig>>, pieces: Pieces) -> Host<Pbx> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Shared::new(address, with_users(Pbx::new(PbxConfig::new(address), address.port().into())));
    let run = tokio::spawn(run(listener, tls, pieces, Arc::clone(&shared))).abort_handle();
    Host { address, shared, run }
}

async fn run(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    pieces: Pieces,
    shared: Arc<Shared<Pbx>>,
) {
    let (events, mut told) = mpsc::unbounded_channel();
    let mut open = BTreeMap::new();
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let due = shared.lock().poll_timeout();
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, peer)) = accepted {
                let (tls, events) = (tls.clone(), events.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, peer, pieces, events).await,
                        // A client that does not trust us ends the handshake.
                        Some(tls) => if let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await {
                            serve(stream, peer, pieces, events).await;
                        },
                    }
                });
            },
            event = told.recv() => match event {
                Some(Event::Open(peer, outgoing)) => drop(open.insert(peer, outgoing)),
                Some(Event::Message(peer, message)) => {
                    shared.lock().handle_datagram(Instant::now(), peer, &message);
                }
                None => return,
            },
            () = until(due) => shared.lock().handle_timeout(Instant::now()),
            () = shared.wake.notified() => {}
            () = shared.disconnect.notified() => {
                open.clear();
                connections.shutdown().await;
            }
        }
        while let Some((destination, message)) = { shared.lock().poll_transmit() } {
            if let Some(outgoing) = open.get(&destination) {
                // A connection that is gone takes nothing.
                let _ = outgoing.send(message);
            }
        }
        shared.hear();
        shared.changed.send_replace(());
    }
}

async fn serve<S>(stream: S, peer: SocketAddr, pieces: Pieces, events: mpsc::UnboundedSender<Event>)
where
    S: AsyncRead + AsyncWrite,
{
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (outgoing, mut queue) = mpsc::unbounded_channel::<Vec<u8>>();
    let _ = events.send(Event::Open(peer, outgoing));
    let (mut framer, mut buffer) = (Framer::default(), Vec::new());
    loop {
        tokio::select! {
            read = reader.read_buf(&mut buffer) => {
                if !read.is_ok_and(|length| length > 0) {
                    return;
                }
                while let Ok(Some(frame)) = framer.next(&buffer) {
                    let bytes: Vec<u8> = buffer.drain(..frame.length()).collect();
                    if let Frame::Message { .. } = frame {
                        let _ = events.send(Event::Message(peer, bytes));
                    }
                }
            }
            written = queue.recv() => {
                let Some(message) = written else { return };
                for piece in message.chunks(pieces.unwrap_or(message.len())) {
                    if writer.write_all(piece).await.is_err() || writer.flush().await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}
