//! What a shard does with what its parts tell it.

use std::net::IpAddr;
use std::time::Duration;

use ringfence_ua::{Account, LineId as Number, Write};
use tokio::net::TcpListener;

use super::*;
use crate::io::locate::Place;
use crate::io::streams::{self, Asker, Room, Server, Unconnected};
use crate::line::NewLine;
use crate::registration::ChosenBy;
use crate::tls::Tls;
use crate::zone::Zone;

fn shard() -> Shard {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let sockets = Sockets {
        udp: any,
        streams: BTreeMap::new(),
        tls: Tls::new(),
        origins: None,
        room: Room::of_process(1),
        rtp_ports: 5000..=10000,
        stun: None,
        busy_poll: std::time::Duration::ZERO,
    };
    let names = Names::start(Arc::new(Zone::default())).unwrap();
    Shard::bind(0, &sockets, names, Hooks::default(), &Config::new(any)).unwrap()
}

/// Returns the server of a host by TCP.
fn server(host: &str) -> Server {
    Server::of(host, None, Transport::Tcp, None)
}

/// Returns the way to a host by one transport.
fn way(host: &str, transport: Transport) -> Vec<ways::Way> {
    let address = SocketAddr::from(([192, 0, 2, 1], 5060));
    let place = Place { address, transport, priority: 0 };
    ways_to(&[place], ChosenBy::Srv, |transport| Server::of(host, None, transport, None))
}

/// A shard with a line that is to register, and waits for a connection by TCP.
fn waiting() -> (Shard, Number, NewLine) {
    let (mut shard, now) = (shard(), Instant::now());
    let new = shard.add_line(now, Account::new("858", "example.com", None)).unwrap();
    let line = *shard.lines.keys().next().unwrap();
    shard.take_ways(now, line, way("example.com", Transport::Tcp));
    assert!(shard.ways.contains_key(&line));
    (shard, line, new)
}

#[tokio::test]
async fn a_line_that_has_another_way_waits_no_longer_for_a_connection() {
    let (mut shard, line, _new) = waiting();
    shard.take_ways(Instant::now(), line, way("example.com", Transport::Udp));
    assert!(shard.ways.is_empty());
}

#[tokio::test]
async fn a_line_that_is_removed_or_asks_anew_waits_for_no_connection() {
    let (mut shard, line, _new) = waiting();
    shard.remove(Instant::now(), line, None, None);
    shard.settle().await;
    assert!(shard.ways.is_empty());
    let (mut shard, line, _new) = waiting();
    let (host, port, transport) = ("example.com".to_owned(), None, None);
    shard.resolve(line, NextHop { host, port, transport, is_secure: false, path: None }, true);
    assert!(shard.ways.is_empty());
}

#[tokio::test]
async fn a_line_that_waits_for_another_connection_by_now_is_not_told_of_the_one_before() {
    let (mut shard, line, _new) = waiting();
    let now = Instant::now();
    shard.take_ways(now, line, way("other.example.com", Transport::Tcp));
    shard.take_connection(now, &server("example.com"), Err(Unconnected::default()));
    assert!(shard.ways.contains_key(&line), "it waits for the other one");
    shard.take_connection(now, &server("other.example.com"), Err(Unconnected::default()));
    assert!(shard.ways.is_empty());
}

#[tokio::test]
async fn what_came_of_an_attempt_that_was_begun_anew_is_not_taken() {
    let (mut shard, line, _new) = waiting();
    let event = |trust| streams::Event::Connected {
        server: server("example.com"),
        trust,
        connected: Err(Unconnected::default()),
    };
    shard.handle_stream(Instant::now(), event(7));
    assert!(shard.ways.contains_key(&line));
    shard.handle_stream(Instant::now(), event(0));
    assert!(shard.ways.is_empty());
}

#[tokio::test]
async fn a_look_up_that_fails_takes_nothing_back_of_who_may_ring_a_line() {
    let (mut shard, line, _new) = waiting();
    let (registrar, unreachable) = (IpAddr::from([127, 0, 0, 9]), "[2001:db8::9]");
    for host in [registrar.to_string(), unreachable.to_owned()] {
        shard.locate(line, host, None);
        while let Ok(command) = shard.commands.try_recv() {
            shard.handle_command(command);
        }
        assert!(shard.endpoint.may_call(registrar));
    }
}

#[tokio::test]
async fn a_connection_that_no_line_uses_is_looked_at_every_minute_and_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut shard, now) = (shard(), Instant::now());
    let (minute, asker) = (Duration::from_secs(60), Asker::Line(Number::new(9)));
    let priorities = vec![vec![listener.local_addr().unwrap()]];
    assert!(shard.streams.reach(now, asker, &server("127.0.0.1"), priorities, now + minute).is_none());
    let connected = shard.streams.next().await.unwrap();
    shard.handle_stream(now, connected);
    assert_eq!(shard.next_due(), Some(now + minute));
    let is_open = |shard: &Shard| shard.streams.open_to(&server("127.0.0.1"), |_| true).is_some();
    for minutes in 1..=6 {
        assert!(is_open(&shard), "{minutes}");
        shard.handle_due(now + minutes * minute);
    }
    assert!(!is_open(&shard));
}

#[tokio::test]
async fn a_registrar_that_leaves_too_much_unread_is_left_and_its_lines_are_told_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut shard, now) = (shard(), Instant::now());
    let _new = shard.add_line(now, Account::new("858", "example.com", None)).unwrap();
    let line = *shard.lines.keys().next().unwrap();
    let place = Place { address: listener.local_addr().unwrap(), transport: Transport::Tcp, priority: 0 };
    shard.take_ways(now, line, ways_to(&[place], ChosenBy::Srv, |_| server("example.com")));
    let connected = shard.streams.next().await.unwrap();
    shard.handle_stream(now, connected);
    shard.write();
    let flow = shard.streams.open_to(&server("example.com"), |_| true).unwrap().flow;
    let connection = flow.connection_id().unwrap();
    // Its task has had no turn: nothing of what waits is written.
    for length in [1 << 20, 1] {
        let write =
            Write { connection, payload: vec![b'a'; length], final_responses: 0, requests: 0, answers: 0 };
        while shard.streams.send(write.clone()).is_ok() {}
    }
    shard.endpoint.handle_ping(flow);
    shard.write();
    assert!(shard.streams.open_to(&server("example.com"), |_| true).is_none());
    let told = std::iter::from_fn(|| shard.endpoint.poll_event())
        .any(|event| format!("{event:?}").contains("the peer does not read"));
    assert!(told);
}

/// There may be fifty thousand.
#[test]
fn what_is_known_of_a_line_does_not_grow_unnoticed() {
    let (handles, shard) = (size_of::<crate::line::Shared>(), size_of::<LineState>());
    assert!(handles <= 128 && shard <= 32, "{handles} and {shard}");
}
