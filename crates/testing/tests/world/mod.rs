//! Phones, a PBX and a stranger in a bad network, to which anything may happen at any time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ringfence_testing::{
    CallId, CallPlan, Caller, Conditions, Network, NodeId, Pbx, PbxConfig, Phone, Random,
};
use ringfence_ua::auth::Credentials;
use ringfence_ua::{
    Account, CallNumber, Config, Event, LineId, Redirection, Rejection, Screen, Trying, Verdict, Wait,
};
use std::net::SocketAddr;
use std::sync::Arc;

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
#[derive(Clone, Copy)]
struct Extension {
    phone: NodeId<Phone>,
    line: LineId,
    is_wanted: bool,
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

    /// Says what is not as it has to be at the end.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self.network.faults().map(ToString::to_string).collect();
        for (extension, user) in self.extensions.iter().zip(USERS) {
            let phone = self.network.node(extension.phone);
            let state = phone.states(extension.line).last().map(|(_, state)| state.clone());
            if !state.as_ref().is_some_and(ringfence_ua::RegistrationState::is_registered) {
                faults.push(format!("{user} is not registered at the end: {state:?}"));
            }
            if !self.network.node(self.pbx).is_registered(user) {
                faults.push(format!("the PBX has no binding of {user} at the end"));
            }
            faults.extend(left_behind(user, phone));
            faults.extend(ended_otherwise_than_once(user, phone));
        }
        let (pbx, stranger) = (self.network.node(self.pbx), self.network.node(self.stranger));
        let calls = self.calls.iter().map(|placed| (placed, pbx.get(placed.id)));
        let strange = self.strange.iter().map(|placed| (placed, stranger.get(placed.id)));
        for (placed, call) in calls.chain(strange) {
            let finals = call.answers().iter().filter(|answer| answer.is_final());
            let statuses: BTreeSet<u16> = finals.map(|answer| answer.status).collect();
            // One that was switched off meanwhile may answer otherwise than it would have.
            if statuses.len() > 1 && self.lives[placed.index] == placed.life {
                faults.push(format!("a call has more than one final response: {statuses:?}"));
            }
        }
        faults
    }

    fn switch_on(&mut self, index: usize) -> Extension {
        let seed = self.random.next_u64();
        let trying = if self.random.chance(0.5) { Trying::AtOnce } else { Trying::WhenWaiting };
        let config = Config { trying, ..Config::new(phone_address(index)) };
        let phone = Phone::with_config(config, seed).with_screen(screen(Random::new(seed)));
        let phone = self.network.add(phone_address(index), phone);
        let mut account = Account::new(USERS[index], "192.0.2.1", 5060);
        account.credentials = Some(Credentials::new(USERS[index], "secret"));
        account.is_open = index == 0;
        let line = self
            .network
            .with(phone, |phone, now| phone.act(now, |endpoint| endpoint.add_line(now, account)))
            .unwrap();
        Extension { phone, line, is_wanted: true }
    }

    fn with<R>(&mut self, index: usize, act: impl FnOnce(&mut Phone, Instant, LineId) -> R) -> R {
        let Extension { phone, line, .. } = self.extensions[index];
        self.network.with(phone, |phone, now| act(phone, now, line))
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_u64() % bound as u64).unwrap()
    }

    /// Lets something happen.
    fn happen(&mut self) {
        let index = self.below(USERS.len());
        match self.below(12) {
            0..=2 => self.call(index),
            3 => self.call_as_stranger(index),
            4 => self.give_up(),
            5 => self.turn_registration(index),
            6 => self.network.with(self.pbx, |pbx, _| pbx.restart()),
            7 => self.network.cut_off(if index == 0 { pbx_address() } else { phone_address(index) }),
            8 => self.network.reconnect(if index == 0 { pbx_address() } else { phone_address(index) }),
            9 => {
                // No two phones have one port.
                let port = 40_000 + u16::try_from(self.below(5_000) * USERS.len() + index).unwrap();
                let outside = SocketAddr::new(address("198.51.100.1:0").ip(), port);
                self.network.translate(phone_address(index), outside);
            }
            10 => {
                self.extensions[index] = self.switch_on(index);
                self.lives[index] += 1;
            }
            _ => self.change_conditions(),
        }
    }

    fn call(&mut self, index: usize) {
        let plan = self.plan(USERS[index]);
        let id = self.network.with(self.pbx, |pbx, now| pbx.call(now, plan));
        self.calls.push(Placed { id, index, life: self.lives[index] });
    }

    fn call_as_stranger(&mut self, index: usize) {
        let plan = self.plan(USERS[index]);
        let id = self.network.with(self.stranger, |caller, now| caller.call(now, phone_address(index), plan));
        self.strange.push(Placed { id, index, life: self.lives[index] });
    }

    fn plan(&mut self, user: &str) -> CallPlan {
        let cancel_after = self.random.chance(0.3).then(|| self.random.duration(PAUSE));
        let acks_left_out = u32::try_from(self.below(3)).unwrap();
        CallPlan { cancel_after, acks_left_out, ..CallPlan::new("1002", user) }
    }

    fn give_up(&mut self) {
        if let Some(Placed { id, .. }) = self.calls.last().copied() {
            self.network.with(self.pbx, |pbx, now| pbx.cancel(now, id));
        }
    }

    fn turn_registration(&mut self, index: usize) {
        let is_wanted = !self.extensions[index].is_wanted;
        self.extensions[index].is_wanted = is_wanted;
        self.with(index, |phone, now, line| {
            phone.act(now, |endpoint| {
                if is_wanted {
                    endpoint.register(now, line);
                } else {
                    endpoint.unregister(now, line);
                }
            });
        });
    }

    fn change_conditions(&mut self) {
        let conditions = Conditions {
            loss: if self.random.chance(0.5) { 0.3 } else { 0.0 },
            duplication: if self.random.chance(0.5) { 0.2 } else { 0.0 },
            delay: self.random.duration(Duration::from_millis(200)),
            jitter: self.random.duration(Duration::from_millis(400)),
        };
        self.network.set_conditions(conditions);
    }

    /// Decides some of the calls that the application was asked about.
    fn decide_offered(&mut self) {
        for index in 0..self.extensions.len() {
            let offered = offered(self.network.node(self.extensions[index].phone));
            for call in offered {
                let choice = self.below(6);
                self.with(index, |phone, now, _| {
                    phone.act(now, |endpoint| match choice {
                        0 => drop(endpoint.ring(now, call)),
                        1 => drop(endpoint.reject(now, call, &Rejection::new(603).unwrap())),
                        2 => drop(endpoint.redirect(now, call, &elsewhere())),
                        3 => drop(endpoint.ignore(now, call)),
                        4 => drop(endpoint.wait(now, call, &Wait::silent(Duration::from_secs(7)))),
                        _ => {}
                    });
                });
            }
        }
    }
}

fn elsewhere() -> Redirection {
    Redirection::new("sip:999@192.0.2.99").unwrap()
}

/// Decides each call otherwise.
fn screen(mut random: Random) -> Screen {
    Box::new(move |_| {
        let limit = Duration::from_secs(1 + random.next_u64() % 60);
        match random.next_u64() % 7 {
            0 => Verdict::busy(),
            1 => Verdict::Reject(Arc::new(Rejection::new(603).unwrap())),
            2 => Verdict::Redirect(Arc::new(elsewhere())),
            3 => Verdict::Ring { limit: Some(limit) },
            4 => Verdict::Wait(Wait::silent(limit).then_reject(Arc::new(Rejection::busy()))),
            5 => Verdict::Ignore,
            _ => Verdict::Offer,
        }
    })
}

/// The calls that the application was asked about, and that have not ended.
fn offered(phone: &Phone) -> Vec<CallNumber> {
    let mut calls = Vec::new();
    for (_, event) in phone.events() {
        match event {
            Event::Incoming { call, .. } => calls.push(*call),
            Event::Ended { call, .. } | Event::Cancelled { call } => calls.retain(|known| known != call),
            _ => {}
        }
    }
    calls
}

/// Says which tables are not empty again.
fn left_behind(user: &str, phone: &Phone) -> Vec<String> {
    let counters = phone.endpoint().counters();
    let left = [("transactions", counters.transactions), ("undecided calls", counters.undecided_calls)];
    let left = left.into_iter().filter(|(_, count)| *count > 0);
    left.map(|(what, count)| format!("{user} has {count} {what} left at the end")).collect()
}

/// Says which calls have not ended, or more than once.
fn ended_otherwise_than_once(user: &str, phone: &Phone) -> Vec<String> {
    let ended = |event: &Event| if let Event::Ended { call, .. } = event { Some(*call) } else { None };
    let mut calls: Vec<u64> =
        phone.events().iter().filter_map(|(_, event)| ended(event)).map(CallNumber::as_u64).collect();
    calls.sort_unstable();
    let told = calls.len() as u64;
    calls.dedup();
    let invites = phone.endpoint().counters().invites;
    let mut faults = Vec::new();
    if told != calls.len() as u64 {
        faults.push(format!("{user}: a call has ended twice"));
    }
    if invites != calls.len() as u64 {
        faults.push(format!("{user}: of {invites} calls {} have ended", calls.len()));
    }
    faults
}
