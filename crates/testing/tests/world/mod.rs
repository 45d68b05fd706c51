//! Phones, a PBX and a stranger in a bad network, to which anything may happen at any time.

pub(crate) mod decisions;
mod faults;
mod happenings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_testing::{CallId, Caller, Conditions, Network, NodeId, Pbx, PbxConfig, Phone, Random};
use ringfence_ua::auth::Credentials;
use ringfence_ua::{Account, Config, LineId, Transport, Trying};

use decisions::{Decision, Decisions, screen};
use faults::left_behind;

/// The users of the PBX, one on each phone.
const USERS: [&str; 3] = ["858", "859", "860"];
/// The longest that anything waits before it happens.
const PAUSE: Duration = Duration::from_secs(20);

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn pbx_address() -> SocketAddr {
    address("192.0.2.1:5060")
}

fn stranger_address() -> SocketAddr {
    address("203.0.113.66:5060")
}

fn phone_address(index: usize) -> SocketAddr {
    address(&format!("192.0.2.{}:5060", 10 + index))
}

/// One phone, which was switched on some time.
#[derive(Clone)]
struct Extension {
    phone: NodeId<Phone>,
    line: LineId,
    is_wanted: bool,
    /// What its screen has decided.
    decisions: Decisions,
    /// What its application has decided, by the number of the call.
    applied: BTreeMap<u64, Decision>,
}

/// A call, the phone that was called, and in which of its lives.
#[derive(Clone, Copy)]
struct Placed {
    id: CallId,
    index: usize,
    life: usize,
}

pub(crate) struct World {
    pub(crate) network: Network,
    random: Random,
    pbx: NodeId<Pbx>,
    stranger: NodeId<Caller>,
    extensions: Vec<Extension>,
    calls: Vec<Placed>,
    /// Those of the stranger.
    strange: Vec<Placed>,
    /// How often each phone was switched off, with what it had begun.
    lives: [usize; USERS.len()],
    /// What an endpoint has answered otherwise than it must.
    misheard: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut network = Network::new(seed);
        let mut config = PbxConfig::new(pbx_address());
        config.max_expires = Duration::from_secs(60 + random.next_u64() % 600);
        let mut pbx = Pbx::new(config, seed);
        for user in USERS {
            pbx.add_user(user, "secret");
        }
        let pbx = network.add(pbx_address(), pbx);
        network.listen(pbx_address());
        let stranger = network.add(stranger_address(), Caller::new(stranger_address(), seed));
        let mut world = Self {
            network,
            random,
            pbx,
            stranger,
            extensions: Vec::new(),
            calls: Vec::new(),
            strange: Vec::new(),
            lives: [0; USERS.len()],
            misheard: Vec::new(),
        };
        for index in 0..USERS.len() {
            let extension = world.switch_on(index);
            world.extensions.push(extension);
        }
        world
    }

    /// Lets so many things happen.
    pub(crate) fn live(&mut self, steps: usize) {
        for _ in 0..steps {
            let pause = self.random.duration(PAUSE);
            self.network.run_for(pause);
            self.decide_offered();
            self.happen();
        }
    }

    /// Ends all troubles, and lets everything come to its end.
    pub(crate) fn settle(&mut self) {
        self.network.set_conditions(Conditions::default());
        for cut_off in (0..USERS.len()).map(phone_address).chain([pbx_address()]) {
            self.network.reconnect(cut_off);
        }
        for index in 0..self.extensions.len() {
            self.extensions[index].is_wanted = true;
            self.with(index, |phone, now, line| phone.act(now, |endpoint| endpoint.register(now, line)));
        }
        // A call is undecided for ten minutes at most, and a line tries again after half an hour at most.
        self.network.run_for(Duration::from_secs(45 * 60));
        // A line may refresh its binding just then.
        let phones: Vec<_> = self.extensions.iter().map(|extension| extension.phone).collect();
        self.network.run_until(Duration::from_secs(60), |network| {
            phones.iter().all(|phone| left_behind("", network.node(*phone)).is_empty())
        });
    }

    /// Takes every line away, after which nothing is left to do.
    pub(crate) fn end(&mut self) {
        for index in 0..self.extensions.len() {
            self.with(index, |phone, now, line| phone.act(now, |endpoint| endpoint.remove_line(now, line)));
        }
        self.network.run_for(Duration::from_secs(5 * 60));
    }

    fn switch_on(&mut self, index: usize) -> Extension {
        let seed = self.random.next_u64();
        let trying = if self.random.chance(0.5) { Trying::AtOnce } else { Trying::WhenWaiting };
        let config = Config { trying, ..Config::new(phone_address(index)) };
        let decisions = Decisions::default();
        let screen = screen(Random::new(seed), Arc::clone(&decisions));
        let phone =
            self.network.add(phone_address(index), Phone::with_config(config, seed).with_screen(screen));
        let account = self.account(index);
        let line = self
            .network
            .with(phone, |phone, now| phone.act(now, |endpoint| endpoint.add_line(now, account)))
            .unwrap();
        Extension { phone, line, is_wanted: true, decisions, applied: BTreeMap::new() }
    }

    /// Makes up how a user is registered.
    fn account(&mut self, index: usize) -> Account {
        let mut account = Account::new(USERS[index], "192.0.2.1", 5060);
        account.credentials = Some(Credentials::new(USERS[index], "secret"));
        account.is_open = index == 0;
        account.transport = self.random.chance(0.4).then_some(Transport::Tcp);
        account.expires = Duration::from_secs(60 + self.random.next_u64() % 3_600);
        account
    }

    fn with<R>(&mut self, index: usize, act: impl FnOnce(&mut Phone, Instant, LineId) -> R) -> R {
        let Extension { phone, line, .. } = self.extensions[index];
        self.network.with(phone, |phone, now| act(phone, now, line))
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_u64() % bound as u64).unwrap()
    }
}
