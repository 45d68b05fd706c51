//! The simulated network does what its conditions say, and the same again from the same seed.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_testing::{Conditions, Fate, Network, Node, NodeId};

/// Sends numbered datagrams when told to, and notes what arrives.
#[derive(Default)]
struct Host {
    outbox: Vec<(SocketAddr, Vec<u8>)>,
    arrived: Vec<(Instant, SocketAddr, Vec<u8>)>,
}

impl Node for Host {
    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        self.arrived.push((now, source, datagram.to_vec()));
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        if self.outbox.is_empty() { None } else { Some(self.outbox.remove(0)) }
    }
}

fn here() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

fn there() -> SocketAddr {
    "192.0.2.2:5060".parse().unwrap()
}

fn pair(seed: u64, conditions: Conditions) -> (Network, NodeId<Host>, NodeId<Host>) {
    let mut network = Network::new(seed);
    network.set_conditions(conditions);
    let (one, two) = (network.add(here(), Host::default()), network.add(there(), Host::default()));
    (network, one, two)
}

/// Sends as many datagrams at once, runs for a second, and returns what arrived in its order.
fn flood(seed: u64, conditions: Conditions, count: u32) -> Vec<u32> {
    let (mut network, one, two) = pair(seed, conditions);
    network.with(one, |host, _| {
        host.outbox.extend((0..count).map(|number| (there(), number.to_be_bytes().to_vec())));
    });
    network.run_for(Duration::from_secs(1));
    let number = |payload: &[u8]| u32::from_be_bytes(payload.try_into().unwrap());
    network.node(two).arrived.iter().map(|(_, _, payload)| number(payload)).collect()
}

#[test]
fn a_good_network_delivers_everything_once_and_in_order() {
    assert_eq!(flood(1, Conditions::default(), 100), (0..100).collect::<Vec<_>>());
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let bad = Conditions {
        loss: 0.1,
        duplication: 0.1,
        jitter: Duration::from_millis(50),
        ..Conditions::default()
    };
    assert_eq!(flood(7, bad, 100), flood(7, bad, 100));
    assert_ne!(flood(7, bad, 100), flood(8, bad, 100));
}

#[test]
fn loss_and_duplication_are_as_frequent_as_asked() {
    let arrived = flood(1, Conditions { loss: 0.3, ..Conditions::default() }, 10_000).len();
    assert!((6_800..7_200).contains(&arrived), "{arrived}");
    let arrived = flood(1, Conditions { duplication: 0.3, ..Conditions::default() }, 10_000).len();
    assert!((12_800..13_200).contains(&arrived), "{arrived}");
}

#[test]
fn jitter_reorders() {
    let arrived = flood(1, Conditions { jitter: Duration::from_millis(100), ..Conditions::default() }, 100);
    assert_eq!(arrived.len(), 100);
    assert!(!arrived.is_sorted());
}

#[test]
fn who_is_cut_off_neither_sends_nor_receives() {
    let (mut network, one, two) = pair(1, Conditions::default());
    network.cut_off(there());
    network.with(one, |host, _| host.outbox.push((there(), b"lost".to_vec())));
    network.with(two, |host, _| host.outbox.push((here(), b"lost".to_vec())));
    network.run_for(Duration::from_secs(1));
    network.reconnect(there());
    network.with(one, |host, _| host.outbox.push((there(), b"found".to_vec())));
    network.run_for(Duration::from_secs(1));
    assert!(network.node(one).arrived.is_empty());
    assert_eq!(network.node(two).arrived.len(), 1);
    let fates: Vec<Fate> = network.packets().iter().map(|packet| packet.fate).collect();
    assert_eq!(fates, [Fate::Unreachable, Fate::Unreachable, Fate::Delivered]);
}

#[test]
fn who_is_cut_off_behind_a_translator_receives_nothing_either() {
    let (mut network, one, two) = pair(1, Conditions::default());
    let outside = "198.51.100.9:40001".parse().unwrap();
    network.translate(here(), outside);
    network.cut_off(here());
    network.with(two, |host, _| host.outbox.push((outside, b"lost".to_vec())));
    network.run_for(Duration::from_secs(1));
    assert!(network.node(one).arrived.is_empty());
}

#[test]
fn a_translated_host_is_seen_and_reached_outside_only() {
    let (mut network, one, two) = pair(1, Conditions::default());
    let outside = "198.51.100.9:40001".parse().unwrap();
    network.translate(here(), outside);
    network.with(one, |host, _| host.outbox.push((there(), b"hello".to_vec())));
    network.with(two, |host, _| {
        host.outbox.extend([(outside, b"in".to_vec()), (here(), b"not in".to_vec())]);
    });
    network.run_for(Duration::from_secs(1));
    assert_eq!(network.node(two).arrived[0].1, outside);
    assert_eq!(network.node(one).arrived.len(), 1);
    assert_eq!(network.node(one).arrived[0].2, b"in");
}
