//! Phones, a PBX and a stranger in a bad network, to which anything may happen at any time.

pub(crate) mod decisions;
mod faults;
pub(crate) mod happenings;
pub(crate) mod tally;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_testing::{CallId, Conditions, Network, NodeId, Pbx, PbxConfig, Phone, Random};
use ringfence_ua::auth::Credentials;
use ringfence_ua::{Account, Config, Event, Limits, LineId, RegistrationState, Transport, Trying};

use decisions::{Decision, Decisions, screen};
use faults::left_behind;
use tally::Tally;
use watch::Looked;

/// The users of the PBX, one on each phone.
const USERS: [&str; 3] = ["858", "859", "860"];
/// The longest that anything waits before it happens.
const PAUSE: Duration = Duration::from_secs(20);
/// When a line is back after any trouble, as docs/reliability.md has it: the attempt that is under way is given up after 32 s,
/// and the longest wait before the next is half an hour.
const BACK_WITHIN: Duration = Duration::from_secs(32 + 30 * 60 + 2);
/// How long nobody answers before an attempt is given up, and the longest wait after the first one.
const FIRST_ATTEMPT: Duration = Duration::from_secs(32 + 2);
/// How long after the time that a line tells it is back, where nothing is in its way any more.
const SOON: Duration = Duration::from_secs(15);

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
    limits: Limits,
    looked: Looked,
    /// What its screen has decided.
    decisions: Decisions,
    /// What its application has decided, by the number of the call.
    applied: BTreeMap<u64, Decision>,
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Pbx,
    Stranger,
}

/// A call, the phone that was called, and in which of its lives.
#[derive(Clone)]
struct Placed {
    id: CallId,
    caller: Caller,
    call_id: String,
    index: usize,
    life: usize,
    /// Whether it goes over a connection.
    is_streamed: bool,
    /// What the phone knows it by, where it has got through.
    number: Option<u64>,
    /// Whether something has happened on its way since, that may keep answers from its caller.
    is_disturbed: bool,
    /// How many answers were looked at, and the final ones of them.
    told: usize,
    finals: BTreeSet<u16>,
}

pub(crate) struct World {
    pub(crate) network: Network,
    random: Random,
    pbx: NodeId<Pbx>,
    stranger: NodeId<ringfence_testing::Caller>,
    extensions: Vec<Extension>,
    calls: Vec<Placed>,
    /// Which addresses are cut off.
    cut_off: BTreeSet<SocketAddr>,
    /// How often each phone was switched off, with what it had begun.
    lives: [usize; USERS.len()],
    /// What an endpoint has answered otherwise than it must.
    misheard: Vec<String>,
    /// What did not hold at some time.
    broken: Vec<String>,
    /// What has happened.
    pub(crate) tally: Tally,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut network = Network::new(seed);
        let mut config = PbxConfig::new(pbx_address());
        // Mostly short ones: a line that is not refreshed soon cannot be called for long after the PBX was restarted.
        let longest = if random.chance(0.7) { 60 } else { 600 };
        config.max_expires = Duration::from_secs(60 + random.next_u64() % longest);
        let mut pbx = Pbx::new(config, seed);
        for user in USERS {
            pbx.add_user(user, "secret");
        }
        let pbx = network.add(pbx_address(), pbx);
        network.listen(pbx_address());
        let stranger =
            network.add(stranger_address(), ringfence_testing::Caller::new(stranger_address(), seed));
        let mut world = Self {
            network,
            random,
            pbx,
            stranger,
            extensions: Vec::new(),
            calls: Vec::new(),
            cut_off: BTreeSet::new(),
            lives: [0; USERS.len()],
            misheard: Vec::new(),
            broken: Vec::new(),
            tally: Tally::default(),
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
            self.run(pause);
            self.decide_offered();
            self.happen();
        }
    }

    /// Ends all troubles, and lets everything come to its end.
    pub(crate) fn settle(&mut self) {
        self.network.set_conditions(Conditions::default());
        self.reconnect();
        // What was wanted before comes back by itself.
        for index in 0..self.extensions.len() {
            if !std::mem::replace(&mut self.extensions[index].is_wanted, true) {
                self.with(index, |phone, now, line| {
                    phone.act(now, |endpoint| endpoint.register(now, line));
                });
            }
        }
        let started = self.network.clock().now();
        self.recover();
        // A call is undecided for ten minutes at most, and its end then waits half a minute for an ACK.
        let rest =
            (started + Duration::from_secs(11 * 60)).saturating_duration_since(self.network.clock().now());
        self.run(rest);
        // A line may refresh its binding just then.
        let phones: Vec<_> = self.extensions.iter().map(|extension| extension.phone).collect();
        self.network.run_until(Duration::from_secs(60), |network| {
            phones.iter().all(|phone| left_behind("", network.node(*phone)).is_empty())
        });
    }

    /// Runs until every line is registered, and says which are not at the time that they have told.
    fn recover(&mut self) {
        let mut due: Vec<_> = (0..USERS.len()).map(|index| (index, self.back_at(index))).collect();
        while !due.is_empty() {
            self.run(Duration::from_secs(5));
            let now = self.network.clock().now();
            for (index, _) in due.extract_if(.., |(_, at)| *at < now).collect::<Vec<_>>() {
                let late =
                    self.lost_of(index).into_iter().map(|lost| format!("when it was to be back {lost}"));
                self.broken.extend(late);
            }
            due.retain(|(index, _)| !self.lost_of(*index).is_empty());
        }
    }

    /// When a line is to be back, by what it tells now.
    fn back_at(&self, index: usize) -> Instant {
        let (extension, now) = (&self.extensions[index], self.network.clock().now());
        match extension.state(self.network.node(extension.phone)) {
            // Where the table of requests is full then, it is tried once more.
            _ if extension.limits.client_transactions < Limits::default().client_transactions => {
                now + BACK_WITHIN
            }
            Some(RegistrationState::Failed { retry_at: Some(at), .. }) => *at + SOON,
            // The PBX may have forgotten it, and its connection lead nowhere.
            Some(RegistrationState::Registered { refresh_at, .. }) => *refresh_at + FIRST_ATTEMPT + SOON,
            Some(RegistrationState::Registering { .. }) => now + BACK_WITHIN,
            // It was told to register just now.
            Some(_) | None => now + FIRST_ATTEMPT,
        }
    }

    /// Takes every line away, after which nothing is left to do.
    pub(crate) fn end(&mut self) {
        for index in 0..self.extensions.len() {
            self.with(index, |phone, now, line| phone.act(now, |endpoint| endpoint.remove_line(now, line)));
        }
        self.run(Duration::from_secs(5 * 60));
    }

    fn switch_on(&mut self, index: usize) -> Extension {
        let seed = self.random.next_u64();
        let trying = if self.random.chance(0.5) { Trying::AtOnce } else { Trying::WhenWaiting };
        let limits = if self.random.chance(0.3) {
            Limits { undecided_calls: 1, client_transactions: 3, ..Limits::default() }
        } else {
            Limits::default()
        };
        let config = Config { trying, limits, ..Config::new(phone_address(index)) };
        let decisions = Decisions::default();
        let screen = screen(Random::new(seed), Arc::clone(&decisions));
        let phone =
            self.network.add(phone_address(index), Phone::with_config(config, seed).with_screen(screen));
        self.network.does_not_know(phone, stranger_address().ip());
        // It knows nobody yet: who goes on with a call to the one before may be a stranger.
        for call in self.calls.iter().filter(|call| call.index == index) {
            self.network.excuse(phone, &call.call_id);
        }
        let account = self.account(index);
        let line = self
            .network
            .with(phone, |phone, now| phone.act(now, |endpoint| endpoint.add_line(now, account)))
            .unwrap();
        Extension {
            phone,
            line,
            is_wanted: true,
            limits,
            looked: Looked::default(),
            decisions,
            applied: BTreeMap::new(),
        }
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

impl Extension {
    /// Its registration's newest state.
    fn state<'a>(&self, phone: &'a Phone) -> Option<&'a RegistrationState> {
        phone.events().iter().rev().find_map(|(_, event)| match event {
            Event::Registration { line, state } if *line == self.line => Some(state),
            _ => None,
        })
    }

    /// What was decided of a call: by the application, where it was asked, or by the screen.
    fn decision(&self, number: u64) -> Option<Decision> {
        let shown = || self.decisions.lock().unwrap().get(&number).map(|shown| shown.decision);
        self.applied.get(&number).copied().or_else(shown)
    }
}

impl Placed {
    /// The ends of its way.
    fn way(&self) -> [SocketAddr; 2] {
        let caller = match self.caller {
            Caller::Pbx => pbx_address(),
            Caller::Stranger => stranger_address(),
        };
        [caller, phone_address(self.index)]
    }
}
