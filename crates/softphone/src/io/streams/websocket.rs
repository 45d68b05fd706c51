//! WebSocket as a transport (RFC 7118): each SIP message in one of its own, the subprotocol `sip`.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::SplitStream;
use ringfence_wire::sip::MAX_MESSAGE;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config, client_async_with_config};

use super::connection::{CLOSED, Ends, Whole, until};
use super::failure::Failure;
use super::frames::{Watched, Within};
use super::messages::Messages;
use super::patience::{Patience, WRITE};
use super::words::said_of_stream;
use super::{Event, Server, Stream};

/// A WebSocket whose frames are watched.
pub(crate) type Socket = WebSocketStream<Watched>;

/// The subprotocol.
const SIP: &str = "sip";
/// What a ping of SIP's own is (RFC 7118 section 6, RFC 5626 section 4.4.1), and its answer.
const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(16 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE)
}

/// Asks a server for SIP over WebSocket.
pub(super) async fn ask(stream: Stream, server: &Server) -> Result<Socket, Failure> {
    let scheme = if server.transport.is_encrypted() { "wss" } else { "ws" };
    let port = server.port.unwrap_or(server.transport.default_port());
    let uri = format!("{scheme}://{}:{port}{}", server.host, server.path);
    let uri: Uri = uri.parse().map_err(|error| Failure::Address { uri, error })?;
    //= https://www.rfc-editor.org/rfc/rfc7118#section-4.1
    //# The SIP WebSocket Client and SIP WebSocket Server negotiate usage of
    //# the WebSocket SIP subprotocol during the WebSocket handshake
    //# procedure as defined in Section 1.3 of [RFC6455].  The client MUST
    //# include the value "sip" in the Sec-WebSocket-Protocol header in its
    //# handshake request.
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(SIP);
    let asked = client_async_with_config(request, Watched::new(stream), Some(config())).await;
    let (socket, _) = asked.map_err(|error| Failure::WebSocket(Box::new(error)))?;
    Ok(socket)
}

/// Answers a client that asks for SIP over WebSocket; one that asks for anything else is refused.
pub(super) async fn answer(stream: Stream) -> io::Result<Socket> {
    #[expect(clippy::result_large_err, reason = "the library's")]
    let agree = |request: &Request, mut response: Response| {
        let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
        let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        if !offered.any(|protocol| protocol.trim().eq_ignore_ascii_case(SIP)) {
            let mut refusal = ErrorResponse::new(Some("expected the subprotocol sip\n".to_owned()));
            *refusal.status_mut() = StatusCode::BAD_REQUEST;
            return Err(refusal);
        }
        //= https://www.rfc-editor.org/rfc/rfc7118#section-4.1
        //# The 101 reply from the server MUST contain "sip" in its corresponding
        //# Sec-WebSocket-Protocol header.
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
        Ok(response)
    };
    accept_hdr_async_with_config(Watched::new(stream), agree, Some(config()))
        .await
        .map_err(|error| io::Error::other(said(&error)))
}

/// Reads and writes, neither waiting for the other, until there is an end to it. Returns why.
pub(super) async fn serve(socket: Socket, mut ends: Ends) -> String {
    let is_within = socket.get_ref().is_within();
    let is_blocked = socket.get_ref().is_blocked();
    let (sink, mut incoming) = socket.split();
    let mut outgoing = Messages::new(sink, is_blocked);
    let mut patience = Patience::new(Instant::now(), ends.opened_by);
    loop {
        let has_room = ends.has_room() && !outgoing.has_pongs_alone();
        tokio::select! {
            read = next(&mut incoming, &is_within, patience.is_within_message()), if has_room => {
                let bytes = match read {
                    Read::Begun => {
                        patience.heard(Instant::now(), Whole::default(), true);
                        continue;
                    }
                    //= https://www.rfc-editor.org/rfc/rfc7118#section-4.2
                    //# Therefore, SIP WebSocket Clients and SIP WebSocket Servers MUST accept both
                    //# text and binary frames.
                    Read::Whole(Some(Ok(Message::Text(text)))) => Bytes::from(text),
                    Read::Whole(Some(Ok(Message::Binary(bytes)))) => bytes,
                    // WebSocket's own pings are answered by the library.
                    Read::Whole(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {
                        patience.heard_control(Instant::now(), is_within.a_message());
                        if outgoing.has_pongs_alone() {
                            patience.writes(Instant::now());
                        }
                        continue;
                    }
                    Read::Whole(Some(Ok(Message::Close(_)))) => {
                        // The library has its answer ready (RFC 6455 section 5.5.1), behind what waits.
                        let _ = timeout(WRITE, outgoing.finish()).await;
                        return CLOSED.to_owned();
                    }
                    Read::Whole(None) => return CLOSED.to_owned(),
                    Read::Whole(Some(Err(error))) => return said(&error),
                };
                let is_line_end = matches!(&*bytes, PING | PONG);
                let whole = Whole { messages: (!is_line_end).into(), line_ends: is_line_end.into() };
                patience.heard(Instant::now(), whole, is_within.a_message());
                if ends.events.send(event(&ends, bytes)).await.is_err() {
                    say_last(outgoing, ends).await;
                    return "closed".to_owned();
                }
            }
            // One by one, so that what waits is where it is counted.
            next = ends.outgoing.next(), if outgoing.is_empty() => {
                let Some(write) = next else {
                    say_last(outgoing, ends).await;
                    return "closed".to_owned();
                };
                outgoing.push(write.payload);
                patience.writes(Instant::now());
            }
            written = outgoing.write(), if !outgoing.is_empty() => match written {
                Ok(count) => {
                    ends.outgoing.written(count);
                    patience.has_written(Instant::now(), !outgoing.is_empty());
                }
                Err(error) => return said(&error),
            },
            () = until(patience.until()) => return patience.why().to_owned(),
        }
    }
}

/// What was read of a WebSocket.
enum Read {
    /// A message or a frame of control, or that there is an end to it.
    Whole(Option<Result<Message, Error>>),
    /// A part of what is not whole yet.
    Begun,
}

/// Waits for what is whole, or, where nothing is known to have begun, until something has: the library does not tell.
async fn next(incoming: &mut SplitStream<Socket>, is_within: &Within, is_known: bool) -> Read {
    poll_fn(|cx| match incoming.poll_next_unpin(cx) {
        Poll::Ready(read) => Poll::Ready(Read::Whole(read)),
        Poll::Pending if is_within.a_message() && !is_known => Poll::Ready(Read::Begun),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Writes what waits, and that nothing more comes.
async fn say_last(mut outgoing: Messages, mut ends: Ends) {
    while let Some(write) = ends.outgoing.next().await {
        outgoing.push(write.payload);
    }
    // What a peer makes of the end is its own affair.
    let _ = timeout(WRITE, outgoing.finish()).await;
}

fn event(ends: &Ends, bytes: Bytes) -> Event {
    let flow = ends.flow;
    match &*bytes {
        PING => Event::Ping { flow },
        PONG => Event::Pong { flow },
        _ => Event::Received { flow, message: bytes },
    }
}

/// Returns what has ended a connection, in words.
pub(crate) fn said(error: &Error) -> String {
    // A peer that ends without a farewell has ended all the same.
    if let Error::ConnectionClosed
    | Error::AlreadyClosed
    | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) = error
    {
        CLOSED.to_owned()
    } else if let Error::Io(error) = error
        && error.kind() == io::ErrorKind::UnexpectedEof
    {
        CLOSED.to_owned()
    } else if let Error::Io(error) = error {
        said_of_stream(error)
    } else if let Error::Http(response) = error {
        format!("the server answers {} to the WebSocket handshake", response.status())
    } else {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use futures_util::SinkExt as _;
    use ringfence_ua::{ConnectionId, Flow, Transport};
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc;
    use tokio::task::JoinHandle;
    use tokio::time::sleep;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::super::connection::OpenedBy;
    use super::super::queue::{Feed, queue, written};
    use super::*;

    /// A connection that is open, ours and the peer's end, without the handshake.
    async fn open() -> (Socket, WebSocketStream<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (peers, _) = listener.accept().await.unwrap();
        let ours = Watched::greeted(Stream::Tcp(ours));
        let ours = WebSocketStream::from_raw_socket(ours, Role::Client, Some(config())).await;
        (ours, WebSocketStream::from_raw_socket(peers, Role::Server, None).await)
    }

    fn message(length: usize) -> Vec<u8> {
        let head = format!("OPTIONS sip:a SIP/2.0\r\nContent-Length: {length}\r\n\r\n");
        [head.into_bytes(), vec![b'a'; length]].concat()
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_heard_all_the_same() {
        let (ours, mut peers) = open().await;
        let (events, mut told) = mpsc::channel(8);
        let (feed, outgoing) = queue(usize::MAX);
        let address = SocketAddr::from(([127, 0, 0, 1], 9));
        let flow = Flow::connection(ConnectionId::new(1), Transport::Ws, address);
        let served = tokio::spawn(serve(ours, Ends { flow, opened_by: OpenedBy::Us, events, outgoing }));
        for _ in 0..1_000 {
            assert!(feed.send(written(message(32_000))).is_ok());
        }
        // Until nothing more goes out: the task is given its turn again and again, and writes nothing.
        let mut unchanged = (feed.waiting(), 0);
        while unchanged.1 < 1_000 {
            tokio::task::yield_now().await;
            let waiting = feed.waiting();
            unchanged = if waiting == unchanged.0 { (waiting, unchanged.1 + 1) } else { (waiting, 0) };
        }
        assert!(unchanged.0 > 0, "the system takes all of it");
        peers.send(Message::text("OPTIONS sip:b SIP/2.0\r\n\r\n")).await.unwrap();
        // Within less than a peer is given that takes nothing.
        let heard = timeout(WRITE / 2, told.recv()).await.unwrap();
        assert!(matches!(heard, Some(Event::Received { .. })));
        served.abort();
    }

    #[tokio::test]
    async fn what_waits_is_written_before_the_farewell() {
        let (ours, mut peers) = open().await;
        let (events, _told) = mpsc::channel(8);
        let (feed, outgoing) = queue(usize::MAX);
        let address = SocketAddr::from(([127, 0, 0, 1], 9));
        let flow = Flow::connection(ConnectionId::new(1), Transport::Ws, address);
        for _ in 0..2 {
            assert!(feed.send(written([message(10), message(20)].concat())).is_ok());
        }
        drop(feed);
        tokio::spawn(serve(ours, Ends { flow, opened_by: OpenedBy::Us, events, outgoing }));
        let mut heard = Vec::new();
        while let Some(Ok(Message::Text(text))) = peers.next().await {
            heard.push(text.len());
        }
        let (short, long) = (message(10).len(), message(20).len());
        assert_eq!(heard, [short, long, short, long], "each by itself");
    }

    /// Serves a peer who may call, and returns his end, with what the shard is told and why it ended.
    async fn served() -> (TcpStream, mpsc::Receiver<Event>, Feed, JoinHandle<String>) {
        let (ours, peers) = open().await;
        let (events, told) = mpsc::channel(8);
        let (feed, outgoing) = queue(usize::MAX);
        let flow = Flow::connection(ConnectionId::new(1), Transport::Ws, ([127, 0, 0, 1], 9).into());
        let ends = Ends { flow, opened_by: OpenedBy::Known, events, outgoing };
        (peers.into_inner(), told, feed, tokio::spawn(serve(ours, ends)))
    }

    /// Waits without giving the clock a reason to go on: what is on its way takes none of its time.
    async fn at_once<T>(mut what: impl FnMut() -> Option<T>) -> T {
        loop {
            if let Some(it) = what() {
                return it;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn is_heard(told: &mut mpsc::Receiver<Event>) {
        let event = at_once(|| told.try_recv().ok()).await;
        assert!(matches!(event, Event::Received { .. }));
    }

    /// Pings, and waits until that is answered: what was said before has been read.
    async fn ping(peer: &mut TcpStream, then: &[u8]) {
        peer.write_all(&[&[0x89, 0], then].concat()).await.unwrap();
        let mut pong = [0; 6];
        assert_eq!(at_once(|| peer.try_read(&mut pong).ok()).await, pong.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_is_begun_is_to_be_ended_in_time() {
        let (mut peer, mut told, _feed, served) = served().await;
        let start = Instant::now();
        peer.write_all(&[0x81, 2, b'S', b'I', 0x81, 5, b'S', b'I']).await.unwrap();
        is_heard(&mut told).await;
        assert!(served.await.unwrap().contains("did not end it within 30 s"));
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_in_fragments_is_to_be_ended_in_time_whatever_pings_come_between() {
        let (mut peer, _told, _feed, served) = served().await;
        let start = Instant::now();
        ping(&mut peer, &[0x01, 2, b'S', b'I']).await;
        for _ in 0..4 {
            sleep(Duration::from_secs(6)).await;
            ping(&mut peer, &[]).await;
        }
        assert!(served.await.unwrap().contains("did not end it within 30 s"));
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_take_the_pongs_of_websocket_is_not_read_from_and_closed() {
        let (ours, peers) = open().await;
        let is_blocked = ours.get_ref().is_blocked();
        let (sink, mut incoming) = ours.split();
        let mut outgoing = Messages::new(sink, is_blocked);
        let mut peers = peers.into_inner();
        let pings = [&[0x89, 125][..], &[b'p'; 125]].concat().repeat(64);
        while !outgoing.has_pongs_alone() {
            peers.write_all(&pings).await.unwrap();
            for _ in 0..64 {
                assert!(matches!(incoming.next().await, Some(Ok(Message::Ping(_)))));
            }
        }
        assert!(!outgoing.is_empty(), "what the library has to write is waited for");
        let mut taken = vec![0; 1 << 20];
        let mut written = Box::pin(outgoing.write());
        while timeout(Duration::ZERO, &mut written).await.is_err() {
            let _ = peers.try_read(&mut taken);
        }
        drop(written);
        assert!(outgoing.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_ends_what_he_begins_is_kept_while_he_pings() {
        let (mut peer, mut told, _feed, served) = served().await;
        for _ in 0..30 {
            ping(&mut peer, &[0x01, 1, b'S']).await;
            sleep(Duration::from_secs(20)).await;
            peer.write_all(&[0x80, 1, b'I']).await.unwrap();
            is_heard(&mut told).await;
            sleep(Duration::from_secs(20)).await;
        }
        assert!(!served.is_finished());
    }
}
