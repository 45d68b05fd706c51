//! A network in one thread: seeded loss, delay, duplication and reordering in virtual time.
//!
//! The same seed and the same calls give the same run, byte for byte. A failing test prints its seed
//! and the packets it saw.

use std::any::Any;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use ringfence_ua::Transport;

use crate::auditor::{Auditor, Fault};
use crate::clock::Clock;
use crate::node::Node;
use crate::random::Random;

mod connections;
mod left;
mod packet;

use connections::{Connections, Due, End};
pub use packet::{Conditions, Fate, Packet};

/// A simulated network with its nodes.
///
/// ```
/// use std::time::Duration;
/// use ringfence_testing::{Network, Pbx, PbxConfig};
///
/// let mut network = Network::new(1);
/// let address = "192.0.2.1:5060".parse().unwrap();
/// let pbx = network.add(address, Pbx::new(PbxConfig::new(address), 1));
/// network.run_for(Duration::from_secs(3600));
/// assert_eq!(network.clock().elapsed(), Duration::from_secs(3600));
/// assert!(network.node(pbx).calls().next().is_none());
/// ```
pub struct Network {
    seed: u64,
    random: Random,
    clock: Clock,
    conditions: Conditions,
    hosts: Vec<Host>,
    by_address: BTreeMap<SocketAddr, usize>,
    /// What the outside sees of an address.
    translated: BTreeMap<SocketAddr, SocketAddr>,
    cut_off: BTreeSet<SocketAddr>,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    connections: Connections,
    packets: Vec<Packet>,
    /// How many packets were put in flight.
    sent: u64,
}

struct Host {
    address: SocketAddr,
    node: Box<dyn Node>,
    /// Where it is judged.
    auditor: Option<Auditor>,
    /// Whether another one has taken its place: nothing is due there, and nothing reaches it.
    is_gone: bool,
}

/// A packet on its way. The order of arrival is that of the fields.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct InFlight {
    at: Instant,
    /// Keeps packets of one instant in the order they were sent.
    sequence: u64,
    what: Arriving,
}

/// What arrives, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Arriving {
    Datagram { source: SocketAddr, host: usize, payload: Vec<u8> },
    Stream(Due),
}

/// Names a node of a [`Network`], and its type.
///
/// ```
/// use ringfence_testing::{Network, Pbx, PbxConfig};
///
/// let mut network = Network::new(1);
/// let address = "192.0.2.1:5060".parse().unwrap();
/// let pbx = network.add(address, Pbx::new(PbxConfig::new(address), 1));
/// assert!(!network.node(pbx).is_registered("858"));
/// ```
pub struct NodeId<T> {
    index: usize,
    of: PhantomData<fn() -> T>,
}

impl Network {
    /// Makes an empty network. Everything that happens in it follows from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            random: Random::new(seed),
            clock: Clock::new(),
            conditions: Conditions::default(),
            hosts: Vec::new(),
            by_address: BTreeMap::new(),
            translated: BTreeMap::new(),
            cut_off: BTreeSet::new(),
            in_flight: BinaryHeap::new(),
            connections: Connections::default(),
            packets: Vec::new(),
            sent: 0,
        }
    }

    /// Connects a node. A second node at an address takes the place of the first one, as of a machine that was switched off:
    /// the first one can still be looked at, and does nothing more.
    pub fn add<T: Node>(&mut self, address: SocketAddr, node: T) -> NodeId<T> {
        let index = self.hosts.len();
        let auditor = node.is_audited().then(Auditor::demanding);
        self.hosts.push(Host { address, node: Box::new(node), auditor, is_gone: false });
        let seen = self.translated.get(&address).copied().unwrap_or(address);
        if let Some(before) = self.by_address.insert(seen, index) {
            self.hosts[before].is_gone = true;
            // Who is switched off owes nothing.
            self.hosts[before].auditor.iter_mut().for_each(Auditor::restarted);
            self.connections.forget_host(before);
        }
        self.collect(index);
        NodeId { index, of: PhantomData }
    }

    /// Changes what happens to packets sent from now on.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// Puts a node behind a network address translator: others see and reach it at `outside` only.
    /// A second call is a new mapping, as after the translator's restart: connections of the node lead nowhere from then on,
    /// and neither end is told.
    pub fn translate(&mut self, inside: SocketAddr, outside: SocketAddr) {
        let old = self.translated.insert(inside, outside).unwrap_or(inside);
        if let Some(index) = self.by_address.remove(&old) {
            self.by_address.insert(outside, index);
            self.connections.forget_way_of(index);
        }
    }

    /// Cuts an address off: nothing reaches or leaves it, until [`Network::reconnect`].
    pub fn cut_off(&mut self, address: SocketAddr) {
        self.cut_off.insert(address);
    }

    /// Ends [`Network::cut_off`].
    pub fn reconnect(&mut self, address: SocketAddr) {
        self.cut_off.remove(&address);
    }

    /// Lets a node act: runs `f` with the present time and sends what the node then wants to send.
    ///
    /// # Panics
    ///
    /// When the id is of another network.
    pub fn with<T: Node, R>(&mut self, id: NodeId<T>, f: impl FnOnce(&mut T, Instant) -> R) -> R {
        let now = self.clock.now();
        let node: &mut dyn Any = self.hosts[id.index].node.as_mut();
        let result = f(node.downcast_mut().expect("an id has the type its node was added with"), now);
        self.collect(id.index);
        result
    }

    /// Sends a datagram from an address that need not be a node's.
    pub fn inject(&mut self, source: SocketAddr, destination: SocketAddr, payload: &[u8]) {
        self.send(source, destination, payload.to_vec());
    }

    /// Runs until the next thing happens: an arrival or a timeout, at the latest at `deadline`.
    /// Returns false when there was nothing to do before it.
    pub fn step(&mut self, deadline: Instant) -> bool {
        let arrival = self.in_flight.peek().map(|Reverse(packet)| packet.at);
        let timeout = self.next_timeout();
        let next = [arrival, timeout.map(|(at, _)| at)].into_iter().flatten().min();
        let Some(next) = next.filter(|at| *at <= deadline) else {
            self.clock.advance_to(deadline);
            self.judge_omissions();
            return false;
        };
        self.clock.advance_to(next);
        let now = self.clock.now();
        if arrival == Some(next) {
            match self.in_flight.pop().map(|Reverse(arrived)| arrived.what) {
                Some(Arriving::Datagram { source, host, payload }) => {
                    self.arrive(now, source, host, &payload);
                }
                Some(Arriving::Stream(due)) => self.handle_stream(now, due),
                None => {}
            }
        } else if let Some((_, index)) = timeout {
            self.hosts[index].node.handle_timeout(now);
            self.collect(index);
        }
        true
    }

    /// Runs for a time.
    ///
    /// # Panics
    ///
    /// When a million things happen at one instant: a node whose timeout never passes.
    pub fn run_for(&mut self, duration: Duration) {
        let deadline = self.clock.now() + duration;
        let mut at_once = 0;
        let mut before = self.clock.now();
        while self.step(deadline) {
            at_once = if self.clock.now() == before { at_once + 1 } else { 0 };
            before = self.clock.now();
            assert!(
                at_once < 1_000_000,
                "no progress at {:?}: a node's timeout never passes",
                self.clock.elapsed()
            );
        }
    }

    /// Runs until `done`, at most for `limit`; returns whether it was done.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let deadline = self.clock.now() + limit;
        while !done(self) {
            if !self.step(deadline) {
                return done(self);
            }
        }
        true
    }

    /// Returns a node.
    ///
    /// # Panics
    ///
    /// When the id is of another network.
    #[must_use]
    pub fn node<T: Node>(&self, id: NodeId<T>) -> &T {
        let node: &dyn Any = self.hosts[id.index].node.as_ref();
        node.downcast_ref().expect("an id has the type its node was added with")
    }

    /// Has a node owe nothing more of a call or a registration, by its Call-ID: see [`Auditor::excuse`].
    pub fn excuse<T: Node>(&mut self, id: NodeId<T>, call_id: &str) {
        self.hosts[id.index].auditor.iter_mut().for_each(|auditor| auditor.excuse(call_id));
    }

    /// Has a node owe nothing to a host that it does not know: see [`Auditor::does_not_know`].
    pub fn does_not_know<T: Node>(&mut self, id: NodeId<T>, host: IpAddr) {
        self.hosts[id.index].auditor.iter_mut().for_each(|auditor| auditor.does_not_know(host));
    }

    /// Returns what was wrong with what the audited nodes sent.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.hosts.iter().filter_map(|host| host.auditor.as_ref()).flat_map(Auditor::faults)
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns every packet sent so far, in order.
    #[must_use]
    pub fn packets(&self) -> &[Packet] {
        &self.packets
    }

    fn arrive(&mut self, now: Instant, source: SocketAddr, index: usize, payload: &[u8]) {
        let host = &mut self.hosts[index];
        if host.is_gone {
            return;
        }
        if let Some(auditor) = &mut host.auditor {
            auditor.received(now, Transport::Udp, source, payload);
        }
        host.node.handle_datagram(now, source, payload);
        self.collect(index);
    }

    /// Has what should have been sent by now judged.
    fn judge_omissions(&mut self) {
        let now = self.clock.now();
        self.hosts
            .iter_mut()
            .filter_map(|host| host.auditor.as_mut())
            .for_each(|auditor| auditor.passed(now));
    }

    fn next_timeout(&self) -> Option<(Instant, usize)> {
        let timeouts = self.hosts.iter().enumerate().filter(|(_, host)| !host.is_gone);
        timeouts.filter_map(|(index, host)| Some((host.node.poll_timeout()?, index))).min()
    }

    /// Takes from a node what it wants to send.
    fn collect(&mut self, index: usize) {
        while let Some(call_id) = self.hosts[index].node.poll_ignored() {
            self.hosts[index].auditor.iter_mut().for_each(|auditor| auditor.excuse(&call_id));
        }
        while let Some((destination, payload)) = self.hosts[index].node.poll_transmit() {
            if let Some(connection) = self.connections.to_client(index, destination) {
                self.write(connection, End::Server, &payload);
                continue;
            }
            let host = &mut self.hosts[index];
            if let Some(auditor) = &mut host.auditor {
                auditor.sent(self.clock.now(), Transport::Udp, destination, &payload);
            }
            let source = host.address;
            self.send(source, destination, payload);
        }
        self.collect_streams(index);
    }

    fn send(&mut self, source: SocketAddr, destination: SocketAddr, payload: Vec<u8>) {
        let host = self.by_address.get(&destination).copied();
        let behind = host.map(|host| self.hosts[host].address);
        let ends = [Some(source), Some(destination), behind];
        let is_cut_off = ends.into_iter().flatten().any(|address| self.cut_off.contains(&address));
        let source = self.translated.get(&source).copied().unwrap_or(source);
        let Conditions { loss, duplication, .. } = self.conditions;
        // Both are drawn for every packet, so that one condition does not shift the other's draws.
        let (is_lost, is_doubled) = (self.random.chance(loss), self.random.chance(duplication));
        let fate = match host.filter(|_| !is_cut_off) {
            None => Fate::Unreachable,
            Some(_) if is_lost => Fate::Lost,
            Some(host) => {
                self.deliver(source, host, &payload);
                if is_doubled {
                    self.deliver(source, host, &payload);
                }
                if is_doubled { Fate::Duplicated } else { Fate::Delivered }
            }
        };
        self.packets.push(Packet { sent_at: self.clock.now(), source, destination, payload, fate });
    }

    fn deliver(&mut self, source: SocketAddr, host: usize, payload: &[u8]) {
        let after = self.conditions.delay + self.random.duration(self.conditions.jitter);
        self.schedule(after, Arriving::Datagram { source, host, payload: payload.to_vec() });
    }

    fn schedule(&mut self, after: Duration, what: Arriving) {
        let (at, sequence) = (self.clock.now() + after, self.sent);
        self.sent += 1;
        self.in_flight.push(Reverse(InFlight { at, sequence, what }));
    }
}

impl<T> Clone for NodeId<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for NodeId<T> {}

impl<T> fmt::Debug for NodeId<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({})", self.index)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("seed", &self.seed)
            .field("elapsed", &self.clock.elapsed())
            .field("nodes", &self.by_address.keys())
            .field("packets", &self.packets.len())
            .finish_non_exhaustive()
    }
}
