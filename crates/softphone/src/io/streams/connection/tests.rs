//! What is read of a peer that does not read, and of one that pings.

use ringfence_ua::{ConnectionId, Write};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::advance;

use super::super::queue::{Feed, queue, written};
use super::*;

/// A connection that is served: the peer's end, the shard's, and why it ended.
struct Served {
    peer: TcpStream,
    told: mpsc::Receiver<Event>,
    feed: Feed,
    ended: JoinHandle<String>,
}

/// More than two systems keep for a connection.
const MUCH: usize = 32 << 20;
const REQUEST: &[u8] = b"OPTIONS sip:b SIP/2.0\r\nContent-Length: 0\r\n\r\n";

impl Served {
    /// Serves a connection over which so much is to be written first, of which the peer has asked for so much.
    async fn new(opened_by: OpenedBy, waits: usize, answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (peer, _) = listener.accept().await.unwrap();
        let (events, told) = mpsc::channel(8);
        let (feed, outgoing) = queue(usize::MAX);
        assert!(feed.send(Write { answers, ..written(vec![b'a'; waits]) }).is_ok());
        let flow = Flow::connection(ConnectionId::new(1), Transport::Tcp, ([127, 0, 0, 1], 9).into());
        let connection = Connection::Stream(Stream::Tcp(ours));
        let ended = tokio::spawn(serve(connection, Ends { flow, opened_by, events, outgoing }));
        Self { peer, told, feed, ended }
    }

    /// Returns what is told next, and gives the clock no reason to go on: what is on its way takes none of its time.
    async fn told(&mut self) -> Event {
        loop {
            if let Ok(event) = self.told.try_recv() {
                return event;
            }
            assert!(!self.ended.is_finished(), "nothing more is told");
            yield_now().await;
        }
    }

    /// Returns of what is told next, and of so much.
    async fn told_of(&mut self, count: usize) -> Vec<&'static str> {
        let mut told = Vec::new();
        while told.len() < count {
            told.push(match self.told().await {
                Event::Ping { .. } => "ping",
                Event::Pong { .. } => "pong",
                Event::LineEnd { .. } => "line end",
                Event::Received { .. } => "message",
                Event::Connected { .. }
                | Event::Distrusted { .. }
                | Event::Accepted { .. }
                | Event::HalfClosed { .. }
                | Event::Closed { .. } => "another",
            });
        }
        told
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_take_what_it_asks_for_is_not_read_from_and_closed_after_ten_seconds() {
    for opened_by in [OpenedBy::Us, OpenedBy::Known] {
        let mut served = Served::new(opened_by, MUCH, MUCH).await;
        served.peer.write_all(REQUEST).await.unwrap();
        let start = Instant::now();
        assert_eq!(served.ended.await.unwrap(), "the peer does not read");
        assert_eq!(start.elapsed().as_secs(), 10);
        assert!(served.told.try_recv().is_err(), "{opened_by:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_writes_before_it_reads_what_we_ask_it_for_is_heard() {
    let mut served = Served::new(OpenedBy::Us, MUCH, 0).await;
    served.peer.write_all(REQUEST).await.unwrap();
    assert!(matches!(served.told().await, Event::Received { .. }));
    assert!(served.feed.waiting() > 0, "the systems take all of it");
    served.ended.abort();
}

#[tokio::test(start_paused = true)]
async fn pings_that_are_read_at_once_are_told_of_once_and_so_are_pongs() {
    let mut served = Served::new(OpenedBy::Known, 0, 0).await;
    let line_ends =
        [b"\r\n\r\n".repeat(400), REQUEST.to_vec(), b"\r\n\r\n".repeat(5), b"\r\n".to_vec()].concat();
    served.peer.write_all(&line_ends).await.unwrap();
    assert_eq!(served.told_of(3).await, ["ping", "message", "pong"]);
    assert!(served.told.try_recv().is_err());
    served.ended.abort();
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-7.5
//= type=test
//# Implementations processing SIP messages over stream-oriented transports MUST ignore any CRLF
//# appearing before the start-line [H4.1].
#[tokio::test(start_paused = true)]
async fn a_line_end_beside_a_message_is_told_from_one_that_comes_alone() {
    const PONG: &[u8] = b"\r\n";
    for (written, told) in [
        (&[PONG] as &[&[u8]], &["pong"] as &[&str]),
        (&[PONG, REQUEST], &["line end", "message"]),
        (&[PONG, &REQUEST[..20]], &["line end"]),
        (&[REQUEST, PONG], &["message", "line end"]),
        (&[REQUEST, PONG, REQUEST], &["message", "line end", "message"]),
    ] {
        let mut served = Served::new(OpenedBy::Us, 0, 0).await;
        served.peer.write_all(&written.concat()).await.unwrap();
        assert_eq!(served.told_of(told.len()).await, told);
        assert!(served.told.try_recv().is_err());
        served.ended.abort();
    }
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-3.5.1
//= type=test
//# The client periodically sends a double-CRLF
//# (the "ping") then waits to receive a single CRLF (the "pong").
#[tokio::test(start_paused = true)]
async fn pongs_between_which_nothing_else_comes_are_no_pings() {
    let mut served = Served::new(OpenedBy::Us, 1, 0).await;
    while served.feed.waiting() > 0 {
        yield_now().await;
    }
    for _ in 0..3 {
        served.peer.write_all(b"\r\n").await.unwrap();
        assert_eq!(served.told_of(1).await, ["pong"]);
        advance(Duration::from_secs(24)).await;
    }
    served.peer.write_all(b"\r\n").await.unwrap();
    assert_eq!(served.told_of(1).await, ["pong"]);
    served.peer.write_all(b"\r\n").await.unwrap();
    assert_eq!(served.told_of(1).await, ["ping"], "the halves of one");
    served.ended.abort();
}

/// Serves a connection over which a server floods. Returns why it ended, and of how much was told.
async fn flooded(flood: &[u8]) -> (String, usize) {
    let mut served = Served::new(OpenedBy::Us, 0, 0).await;
    let (start, mut told) = (Instant::now(), 0);
    let writing = served.peer.write_all(flood);
    let reading = async {
        while served.told.recv().await.is_some() {
            told += 1;
        }
    };
    let _ = tokio::join!(writing, reading);
    assert_eq!(start.elapsed().as_secs(), 0);
    (served.ended.await.unwrap(), told)
}

#[tokio::test(start_paused = true)]
async fn who_floods_line_ends_is_closed_at_once_and_told_of_a_few_times() {
    let flood = b"\r\n\r\n".repeat(READ);
    let (why, told) = flooded(&flood).await;
    assert_eq!(why, "the peer sends line ends or pings without end");
    assert!(told <= flood.len().div_ceil(READ) * 2, "{told}");
}

#[tokio::test(start_paused = true)]
async fn who_sends_without_end_what_nobody_answers_is_closed_at_once() {
    for first in ["SIP/2.0 100 Trying", "sip/3.0 100 Trying", "ACK sip:b SIP/2.0"] {
        let message = format!("{first}\r\nContent-Length: 0\r\n\r\n");
        let (why, told) = flooded(message.repeat(100_000).as_bytes()).await;
        assert_eq!(why, "the peer sends without end what is neither asked for nor answered", "{first}");
        assert!(told <= 1_000 + READ.div_ceil(message.len()), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_sends_an_ack_to_each_answer_is_kept() {
    let mut served = Served::new(OpenedBy::Known, 0, 0).await;
    let ack = b"ACK sip:b SIP/2.0\r\nContent-Length: 0\r\n\r\n";
    for _ in 0..10_000 {
        assert!(served.feed.send(Write { final_responses: 1, ..written(b"x".to_vec()) }).is_ok());
        served.peer.write_all(ack).await.unwrap();
        assert!(matches!(served.told().await, Event::Received { .. }));
    }
    served.ended.abort();
}
