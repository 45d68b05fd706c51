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
async fn a_message_in_parts_without_end_and_messages_without_anything_end_the_connection() {
    let (mut peer, _told, _feed, served) = self::served().await;
    peer.write_all(&[&[0x01, 1, b'S'][..], &[0, 0].repeat(2_000)].concat()).await.unwrap();
    assert_eq!(served.await.unwrap(), "the peer sends a message in more than 1000 parts");

    let (mut peer, mut told, _feed, served) = self::served().await;
    let heard = tokio::spawn(async move { while told.recv().await.is_some() {} });
    peer.write_all(&[0x81, 0].repeat(2_000)).await.unwrap();
    assert_eq!(served.await.unwrap(), "the peer sends line ends or pings without end");
    heard.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn responses_without_end_end_the_connection() {
    let (mut peer, mut told, _feed, served) = self::served().await;
    let heard = tokio::spawn(async move { while told.recv().await.is_some() {} });
    let trying = b"SIP/2.0 100 Trying\r\n\r\n";
    let frame = [&[0x81, u8::try_from(trying.len()).unwrap()], &trying[..]].concat();
    peer.write_all(&frame.repeat(2_000)).await.unwrap();
    assert_eq!(served.await.unwrap(), "the peer sends without end what is neither asked for nor answered");
    heard.await.unwrap();
}

/// Asks a server that answers an upgrade with this field as well, and returns what that fails by.
async fn refused(field: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asks = tokio::spawn(async move {
        let stream = Stream::Tcp(TcpStream::connect(address).await.unwrap());
        let uri = format!("ws://{address}/");
        let request = ClientRequestBuilder::new(uri.parse().unwrap()).with_sub_protocol(SIP);
        upgraded(request, stream).await
    });
    let (peer, _) = listener.accept().await.unwrap();
    #[expect(clippy::result_large_err, reason = "the library's")]
    let agree = |_: &Request, mut response: Response| {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
        if !field.is_empty() {
            response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, field.parse().unwrap());
        }
        Ok(response)
    };
    let _server = tokio_tungstenite::accept_hdr_async(peer, agree).await.unwrap();
    asks.await.unwrap().map_or_else(|failure| failure.to_string(), |_| String::new())
}

#[tokio::test]
async fn a_server_that_uses_an_extension_that_was_not_asked_for_is_left() {
    assert_eq!(refused("").await, "");
    assert_eq!(
        refused("permessage-deflate").await,
        "the server uses a WebSocket extension that was not asked for: permessage-deflate"
    );
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
