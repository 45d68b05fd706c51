//! What may happen in a world.

use std::time::{Duration, Instant};

use ringfence_testing::{CallPlan, Conditions, Phone};
use ringfence_ua::{CallNumber, Decided, Endpoint, Event, Rejection, Wait};
use std::net::SocketAddr;

use super::decisions::{Decision, elsewhere};
use super::{PAUSE, Placed, USERS, World, address, pbx_address, phone_address};

impl World {
    /// Lets something happen.
    pub(super) fn happen(&mut self) {
        let index = self.below(USERS.len());
        match self.below(15) {
            0..=2 => self.call(index),
            3 => self.call_as_stranger(index),
            4 => self.give_up(),
            5 => self.turn_registration(index),
            6 => self.restart_pbx(),
            7 => self.network.cut_off(if index == 0 { pbx_address() } else { phone_address(index) }),
            8 => self.network.reconnect(if index == 0 { pbx_address() } else { phone_address(index) }),
            9 => self.translate(index),
            10 => self.switch_off_and_on(index),
            11 => self.reconfigure(index),
            12 | 13 => self.trouble_connection(),
            _ => self.change_conditions(),
        }
    }

    /// Decides some of the calls that the application was asked about, some of them too late.
    pub(super) fn decide_offered(&mut self) {
        for index in 0..self.extensions.len() {
            let (open, over) = offered(self.network.node(self.extensions[index].phone));
            for call in open {
                let expected = match self.extensions[index].applied.get(&call.as_u64()) {
                    None => Some(Decided::Sent),
                    // Of a wait nothing is told but its end, when that was acknowledged.
                    Some(Decision::Wait(_)) => None,
                    Some(_) => Some(Decided::Gone),
                };
                self.decide(index, call, expected);
            }
            if let Some(call) = over.last().copied().filter(|_| self.random.chance(0.3)) {
                self.decide(index, call, Some(Decided::Gone));
            }
        }
    }

    fn decide(&mut self, index: usize, call: CallNumber, expected: Option<Decided>) {
        let limit = Duration::from_secs(7);
        let (choice, wait) = (self.below(6), Wait::silent(limit));
        let act = |endpoint: &mut Endpoint, now: Instant| match choice {
            0 => Some((None, endpoint.ring(now, call))),
            1 => {
                let rejected = endpoint.reject(now, call, &Rejection::new(603).unwrap());
                Some((Some(Decision::Reject(603)), rejected))
            }
            2 => Some((Some(Decision::Redirect), endpoint.redirect(now, call, &elsewhere()))),
            3 => Some((Some(Decision::Ignore), endpoint.ignore(now, call))),
            4 => Some((Some(Decision::Wait(480)), endpoint.wait(now, call, &wait))),
            _ => None,
        };
        let done = self.with(index, |phone, now, _| phone.act(now, |endpoint| act(endpoint, now)));
        let Some((decision, decided)) = done else { return };
        if expected.is_some_and(|expected| decided != expected) {
            let user = USERS[index];
            self.misheard.push(format!("{user}: expected {expected:?} of call {call}, found {decided:?}"));
        }
        if let (Some(decision), Decided::Sent) = (decision, decided) {
            self.extensions[index].applied.insert(call.as_u64(), decision);
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

    /// The PBX loses all that it knows, and half of the times its connections.
    fn restart_pbx(&mut self) {
        self.network.with(self.pbx, |pbx, _| pbx.restart());
        if self.random.chance(0.5) {
            for connection in self.network.connections() {
                self.network.lose(connection);
            }
        }
    }

    fn translate(&mut self, index: usize) {
        // No two phones have one port.
        let port = 40_000 + u16::try_from(self.below(3_000) * USERS.len() + index).unwrap();
        let outside = SocketAddr::new(address("198.51.100.1:0").ip(), port);
        self.network.translate(phone_address(index), outside);
    }

    fn switch_off_and_on(&mut self, index: usize) {
        self.extensions[index] = self.switch_on(index);
        self.lives[index] += 1;
    }

    /// The line is removed and added again, with another account.
    fn reconfigure(&mut self, index: usize) {
        let account = self.account(index);
        let line = self.with(index, |phone: &mut Phone, now, line| {
            phone.act(now, |endpoint| endpoint.remove_line(now, line));
            phone.act(now, |endpoint| endpoint.add_line(now, account))
        });
        self.extensions[index].line = line.unwrap();
        self.extensions[index].is_wanted = true;
    }

    fn trouble_connection(&mut self) {
        let connections = self.network.connections();
        if connections.is_empty() {
            return;
        }
        let connection = connections[self.below(connections.len())];
        if self.random.chance(0.5) {
            self.network.lose(connection);
        } else {
            self.network.silence(connection);
        }
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
}

/// The calls that the application was asked about: those that go on, and those that have ended.
fn offered(phone: &Phone) -> (Vec<CallNumber>, Vec<CallNumber>) {
    let (mut open, mut over) = (Vec::new(), Vec::new());
    for (_, event) in phone.events() {
        match event {
            Event::Incoming { call, .. } => open.push(*call),
            Event::Ended { call, .. } | Event::Cancelled { call } => {
                if let Some(place) = open.iter().position(|known| known == call) {
                    over.push(open.remove(place));
                }
            }
            _ => {}
        }
    }
    (open, over)
}
