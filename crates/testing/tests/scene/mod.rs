//! A phone and its PBX in the simulated network.

#![allow(dead_code, reason = "each test that shares it uses a part of it")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_testing::{Call, CallId, CallPlan, Caller, Conditions, Network, NodeId, Pbx, PbxConfig, Phone};
use ringfence_ua::auth::Credentials;
use ringfence_ua::{Account, Endpoint, LineId, RegistrationState, Screen};
use ringfence_wire::sip::{Message, Method};

pub(crate) fn pbx_address() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

pub(crate) fn phone_address() -> SocketAddr {
    "192.0.2.7:5060".parse().unwrap()
}

/// A host that the phone's line knows nothing of.
pub(crate) fn stranger_address() -> SocketAddr {
    "203.0.113.66:5060".parse().unwrap()
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Packets are lost, doubled and overtake each other.
pub(crate) fn bad_network() -> Conditions {
    Conditions {
        loss: 0.2,
        duplication: 0.1,
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(300),
    }
}

/// The account of extension 858, with its right password.
pub(crate) fn account() -> Account {
    let mut account = Account::new("858", "192.0.2.1", 5060);
    account.credentials = Some(Credentials::new("858", "secret"));
    account
}

pub(crate) struct Scene {
    pub(crate) network: Network,
    pub(crate) pbx: NodeId<Pbx>,
    pub(crate) phone: NodeId<Phone>,
    pub(crate) stranger: NodeId<Caller>,
    pub(crate) line: LineId,
}

impl Scene {
    /// A phone that is about to register 858.
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(seed, PbxConfig::new(pbx_address()), account(), Phone::new(phone_address(), seed))
    }

    /// A phone that has registered 858 and decides on calls by a screen.
    pub(crate) fn with_screen(seed: u64, screen: Screen) -> Self {
        let phone = Phone::new(phone_address(), seed).with_screen(screen);
        Self::of(seed, PbxConfig::new(pbx_address()), account(), phone).registered()
    }

    pub(crate) fn of(seed: u64, config: PbxConfig, account: Account, phone: Phone) -> Self {
        let mut network = Network::new(seed);
        let mut pbx = Pbx::new(config, seed);
        pbx.add_user("858", "secret");
        let pbx = network.add(pbx_address(), pbx);
        let stranger = network.add(stranger_address(), Caller::new(stranger_address(), seed));
        let phone = network.add(phone_address(), phone);
        let line = network
            .with(phone, |phone, now| phone.act(now, |endpoint| endpoint.add_line(now, account)))
            .unwrap();
        Self { network, pbx, phone, stranger, line }
    }

    /// Runs until the phone has registered.
    pub(crate) fn registered(mut self) -> Self {
        assert!(self.run_until_registered(seconds(60)), "{:?}", self.states());
        self
    }

    pub(crate) fn run_until_registered(&mut self, limit: Duration) -> bool {
        let (phone, line) = (self.phone, self.line);
        self.network.run_until(limit, |network| {
            network.node(phone).states(line).last().is_some_and(|(_, state)| state.is_registered())
        })
    }

    pub(crate) fn run(&mut self, duration: Duration) {
        self.network.run_for(duration);
    }

    pub(crate) fn pbx(&self) -> &Pbx {
        self.network.node(self.pbx)
    }

    pub(crate) fn phone(&self) -> &Phone {
        self.network.node(self.phone)
    }

    pub(crate) fn with_pbx<R>(&mut self, f: impl FnOnce(&mut Pbx, Instant) -> R) -> R {
        self.network.with(self.pbx, f)
    }

    pub(crate) fn with_endpoint<R>(&mut self, f: impl FnOnce(&mut Endpoint, Instant) -> R) -> R {
        self.network.with(self.phone, |phone, now| phone.act(now, |endpoint| f(endpoint, now)))
    }

    /// The registration's states so far, without times.
    pub(crate) fn states(&self) -> Vec<&RegistrationState> {
        self.phone().states(self.line).map(|(_, state)| state).collect()
    }

    pub(crate) fn last_state(&self) -> &RegistrationState {
        self.states().last().copied().unwrap()
    }

    /// Has the PBX call 858.
    pub(crate) fn call(&mut self, plan: CallPlan) -> CallId {
        self.with_pbx(|pbx, now| pbx.call(now, plan))
    }

    pub(crate) fn get(&self, id: CallId) -> &Call {
        self.pbx().get(id)
    }

    /// The SIP messages that the phone sent: when, and what.
    pub(crate) fn sent(&self) -> Vec<(Duration, Message<'_>)> {
        self.packets_of(phone_address())
    }

    pub(crate) fn packets_of(&self, source: SocketAddr) -> Vec<(Duration, Message<'_>)> {
        let packets = self.network.packets().iter().filter(|packet| packet.source == source);
        packets
            .filter_map(|packet| {
                let at = self.network.clock().since_epoch(packet.sent_at);
                Some((at, Message::parse(&packet.payload).ok()?))
            })
            .collect()
    }

    /// The status codes that the phone sent since `start`, and how long after it, in milliseconds.
    pub(crate) fn statuses_sent_since(&self, start: Instant) -> Vec<(u16, u128)> {
        let start = self.network.clock().since_epoch(start);
        let since = |(at, message): (Duration, Message<'_>)| {
            Some((message.status()?.as_u16(), at.checked_sub(start)?.as_millis()))
        };
        self.sent().into_iter().filter_map(since).collect()
    }

    /// The requests of a method that reached the network from the phone: when, and what.
    pub(crate) fn requests(&self, method: Method<'_>) -> Vec<(Duration, Message<'_>)> {
        let is_asked = |message: &Message<'_>| message.method().is_some_and(|found| found == method);
        self.sent().into_iter().filter(|(_, message)| is_asked(message)).collect()
    }

    pub(crate) fn now(&self) -> Instant {
        self.network.clock().now()
    }
}
