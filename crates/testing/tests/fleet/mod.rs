//! Many lines of one phone at one PBX, in the simulated network.

#![allow(dead_code, reason = "each test that shares it uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_testing::{Conditions, Fate, Network, NodeId, Packet, Pbx, PbxConfig, Phone};
use ringfence_ua::auth::Credentials;
use ringfence_ua::{Account, Endpoint, LineId, RegistrationState};
use ringfence_wire::sip::{Message, Method};

pub(crate) fn pbx_address() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

pub(crate) fn phone_address() -> SocketAddr {
    "192.0.2.7:5060".parse().unwrap()
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const HOUR: u64 = 3600;
pub(crate) const DAY: u64 = 24 * HOUR;

/// The name that the lines know their registrar by.
pub(crate) const NAME: &str = "pbx.example.com";

/// Some lines of one phone.
pub(crate) struct Fleet {
    pub(crate) network: Network,
    pub(crate) pbx: NodeId<Pbx>,
    pub(crate) phone: NodeId<Phone>,
    pub(crate) lines: Vec<LineId>,
}

impl Fleet {
    /// So many lines that have registered.
    pub(crate) fn of(lines: usize, seed: u64) -> Self {
        Self::with(lines, seed, Conditions::default())
    }

    /// So many lines that have registered over a network like this.
    pub(crate) fn with(lines: usize, seed: u64, conditions: Conditions) -> Self {
        let mut network = Network::new(seed);
        let config = PbxConfig { domain: NAME.to_owned(), ..PbxConfig::new(pbx_address()) };
        let pbx = network.add(pbx_address(), pbx(config, lines, seed));
        let mut phone = Phone::new(phone_address(), seed);
        phone.set_host(NAME, &[pbx_address().ip()]);
        let phone = network.add(phone_address(), phone);
        network.set_conditions(conditions);
        let mut fleet = Self { network, pbx, phone, lines: Vec::new() };
        for number in 0..lines {
            let account = account(number);
            let line = fleet.act(|endpoint, now| endpoint.add_line(now, account)).unwrap();
            fleet.lines.push(line);
        }
        assert!(fleet.time_until(seconds(HOUR), Self::are_all_registered).is_some(), "{:?}", fleet.states());
        fleet
    }

    pub(crate) fn act<R>(&mut self, f: impl FnOnce(&mut Endpoint, Instant) -> R) -> R {
        self.network.with(self.phone, |phone, now| phone.act(now, |endpoint| f(endpoint, now)))
    }

    pub(crate) fn pbx(&self) -> &Pbx {
        self.network.node(self.pbx)
    }

    pub(crate) fn with_pbx<R>(&mut self, f: impl FnOnce(&mut Pbx) -> R) -> R {
        self.network.with(self.pbx, |pbx, _| f(pbx))
    }

    pub(crate) fn run(&mut self, time: Duration) {
        self.network.run_for(time);
    }

    /// The newest state of a line.
    pub(crate) fn state(&self, line: LineId) -> Option<&RegistrationState> {
        let events = self.network.node(self.phone).events().iter().rev();
        let mut states = events.filter_map(|(_, event)| match event {
            ringfence_ua::Event::Registration { line: found, state } if *found == line => Some(state),
            _ => None,
        });
        states.next()
    }

    pub(crate) fn states(&self) -> Vec<Option<&RegistrationState>> {
        self.lines.iter().map(|&line| self.state(line)).collect()
    }

    /// Whether the PBX has each line, and each line knows it.
    pub(crate) fn are_all_registered(&self) -> bool {
        let knows = |&line: &LineId| self.state(line).is_some_and(RegistrationState::is_registered);
        self.has_pbx_all() && self.lines.iter().all(knows)
    }

    /// Whether the PBX has each line.
    pub(crate) fn has_pbx_all(&self) -> bool {
        (0..self.lines.len()).all(|number| self.pbx().is_registered(&user(number)))
    }

    /// How long it takes until something holds, looked at each second.
    pub(crate) fn time_until(&mut self, limit: Duration, holds: impl Fn(&Self) -> bool) -> Option<Duration> {
        let start = self.network.clock().now();
        while !holds(self) {
            if self.network.clock().now().duration_since(start) >= limit {
                return None;
            }
            self.network.run_for(seconds(1));
        }
        Some(self.network.clock().now().duration_since(start))
    }

    /// The REGISTERs that were delivered from some instant on, each once however often it was repeated.
    pub(crate) fn registers_since(&self, start: Instant) -> Vec<Duration> {
        self.news(|packet| packet.sent_at >= start && packet.fate == Fate::Delivered, start)
    }

    /// The REGISTERs that were sent from some instant on, whether or not they arrived.
    pub(crate) fn attempts_since(&self, start: Instant) -> Vec<Duration> {
        self.news(|packet| packet.sent_at >= start, start)
    }

    fn news(&self, is_meant: impl Fn(&Packet) -> bool, start: Instant) -> Vec<Duration> {
        let mut seen = BTreeSet::new();
        let packets = self.network.packets().iter().filter(|packet| is_meant(packet));
        let messages =
            packets.filter_map(|packet| Some((packet.sent_at, Message::parse(&packet.payload).ok()?)));
        let registers = messages.filter(|(_, message)| message.method() == Some(Method::Register));
        let news = registers.filter(|(_, it)| {
            seen.insert((it.call_id().unwrap_or_default().to_vec(), it.cseq().unwrap().number))
        });
        news.map(|(at, _)| at.duration_since(start)).collect()
    }
}

/// The most that begin within one second.
pub(crate) fn peak(times: &[Duration]) -> usize {
    let mut seconds = BTreeMap::<u64, usize>::new();
    for time in times {
        *seconds.entry(time.as_secs()).or_default() += 1;
    }
    seconds.into_values().max().unwrap_or(0)
}

pub(crate) fn user(number: usize) -> String {
    format!("{}", 1000 + number)
}

pub(crate) fn account(number: usize) -> Account {
    let user = user(number);
    let mut account = Account::new(&user, NAME, None);
    account.credentials = Some(Credentials::new(user, "secret"));
    account
}

/// A PBX that knows so many users.
pub(crate) fn pbx(config: PbxConfig, users: usize, seed: u64) -> Pbx {
    let mut pbx = Pbx::new(config, seed);
    for number in 0..users {
        pbx.add_user(&user(number), "secret");
    }
    pbx
}
