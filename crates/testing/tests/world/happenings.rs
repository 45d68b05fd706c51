//! What may happen in a world.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_testing::{CallId, CallPlan, Conditions, Phone};
use ringfence_ua::{CallNumber, Decided, EndedBy, Endpoint, Event, RegistrationState, Rejection, Wait};

use super::decisions::{Decision, elsewhere};
use super::{Caller, Extension, PAUSE, Placed, USERS, World, address, pbx_address, phone_address};

pub(crate) const RESTARTED_WHILE_REGISTERING: &str = "the PBX was restarted while a line registered";
pub(crate) const SWITCHED_OFF_WHILE_WAITING: &str = "a phone was switched off while a call rang or waited";
pub(crate) const DECIDED_TOO_LATE: &str = "a call was decided after its caller had given up";

/// The ports of what connects begin here; translators give others.
const FIRST_EPHEMERAL: u16 = 49_152;

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
            7 => self.cut_off(if index == 0 { pbx_address() } else { phone_address(index) }),
            8 => self.reconnect(),
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
                let has_given_up = self.is_given_up(index, call);
                if self.decide(index, call, Some(Decided::Gone)) && has_given_up {
                    self.tally.note(DECIDED_TOO_LATE);
                }
            }
        }
    }

    fn is_given_up(&self, index: usize, call: CallNumber) -> bool {
        let events = self.network.node(self.extensions[index].phone).events();
        let is_it = |event: &Event| {
            matches!(event, Event::Ended { call: ended, by: EndedBy::Caller, .. } if *ended == call)
                || matches!(event, Event::Cancelled { call: cancelled } if *cancelled == call)
        };
        events.iter().any(|(_, event)| is_it(event))
    }

    /// Returns whether something was decided.
    fn decide(&mut self, index: usize, call: CallNumber, expected: Option<Decided>) -> bool {
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
        let Some((decision, decided)) = done else { return false };
        if expected.is_some_and(|expected| decided != expected) {
            let user = USERS[index];
            self.misheard.push(format!("{user}: expected {expected:?} of call {call}, found {decided:?}"));
        }
        if let (Some(Decision::Ignore), Decided::Sent) = (decision, decided) {
            let Extension { phone, decisions, .. } = self.extensions[index].clone();
            let call_id = decisions.lock().unwrap().get(&call.as_u64()).map(|shown| shown.call_id.clone());
            self.network.excuse(phone, &call_id.expect("what is offered was shown"));
        }
        if let (Some(decision), Decided::Sent) = (decision, decided) {
            self.extensions[index].applied.insert(call.as_u64(), decision);
        }
        true
    }

    fn call(&mut self, index: usize) {
        let plan = self.plan(USERS[index]);
        let binding = self.network.node(self.pbx).bindings(USERS[index]).last();
        let is_streamed = binding.is_some_and(|binding| binding.source.port() >= FIRST_EPHEMERAL);
        let id = self.network.with(self.pbx, |pbx, now| pbx.call(now, plan));
        self.place(Caller::Pbx, id, index, is_streamed);
    }

    fn call_as_stranger(&mut self, index: usize) {
        let plan = self.plan(USERS[index]);
        let id = self.network.with(self.stranger, |caller, now| caller.call(now, phone_address(index), plan));
        self.place(Caller::Stranger, id, index, false);
    }

    fn place(&mut self, caller: Caller, id: CallId, index: usize, is_streamed: bool) {
        let call = match caller {
            Caller::Pbx => self.network.node(self.pbx).get(id),
            Caller::Stranger => self.network.node(self.stranger).get(id),
        };
        let (call_id, life) = (call.call_id().to_owned(), self.lives[index]);
        let Extension { phone, line, .. } = self.extensions[index];
        // The PBX may have a binding of a phone that was there before this one, which does not know the PBX yet.
        if !self.network.node(phone).states(line).any(|(_, state)| state.is_registered()) {
            self.network.excuse(phone, &call_id);
        }
        let (number, is_disturbed, told, finals) = (None, false, 0, BTreeSet::new());
        self.calls.push(Placed {
            id,
            caller,
            call_id,
            index,
            life,
            is_streamed,
            number,
            is_disturbed,
            told,
            finals,
        });
    }

    fn plan(&mut self, user: &str) -> CallPlan {
        let cancel_after = self.random.chance(0.3).then(|| self.random.duration(PAUSE));
        let acks_left_out = u32::try_from(self.below(3)).unwrap();
        let expires = self.random.chance(0.2).then(|| ("Expires".to_owned(), self.below(60).to_string()));
        let headers = expires.into_iter().collect();
        CallPlan { headers, cancel_after, acks_left_out, ..CallPlan::new("1002", user) }
    }

    fn give_up(&mut self) {
        let of_pbx = self.calls.iter().rev().find(|placed| placed.caller == Caller::Pbx);
        if let Some(id) = of_pbx.map(|placed| placed.id) {
            self.network.with(self.pbx, |pbx, now| pbx.cancel(now, id));
        }
    }

    /// Takes a registration back, or the one again that was taken back: else half of the lines could not be called.
    fn turn_registration(&mut self, index: usize) {
        let unwanted = self.extensions.iter().position(|extension| !extension.is_wanted);
        let index = unwanted.unwrap_or(index);
        self.extensions[index].is_wanted = unwanted.is_some();
        self.with(index, |phone, now, line| {
            phone.act(now, |endpoint| {
                if unwanted.is_some() {
                    endpoint.register(now, line);
                } else {
                    endpoint.unregister(now, line);
                }
            });
        });
    }

    fn cut_off(&mut self, address: SocketAddr) {
        self.network.cut_off(address);
        self.cut_off.insert(address);
        self.disturb(|placed| placed.way().contains(&address));
    }

    /// Ends every cut: where each were ended by itself, most of the time the PBX would reach nobody.
    pub(super) fn reconnect(&mut self) {
        for address in std::mem::take(&mut self.cut_off) {
            self.network.reconnect(address);
        }
    }

    /// The PBX loses all that it knows, and half of the times its connections.
    fn restart_pbx(&mut self) {
        let is_registering = |extension: &Extension| {
            let state = extension.state(self.network.node(extension.phone));
            matches!(state, Some(RegistrationState::Registering { .. }))
        };
        if self.extensions.iter().any(is_registering) {
            self.tally.note(RESTARTED_WHILE_REGISTERING);
        }
        self.network.with(self.pbx, |pbx, _| pbx.restart());
        if self.random.chance(0.5) {
            self.disturb(|placed| placed.is_streamed);
            for connection in self.network.connections() {
                self.network.lose(connection);
            }
        }
    }

    fn translate(&mut self, index: usize) {
        // No two phones have one port.
        let port = 40_000 + u16::try_from(self.below(3_000) * USERS.len() + index).unwrap();
        let outside = SocketAddr::new(address("198.51.100.1:0").ip(), port);
        self.disturb(|placed| placed.is_streamed && placed.index == index);
        self.network.translate(phone_address(index), outside);
    }

    fn switch_off_and_on(&mut self, index: usize) {
        let phone = self.network.node(self.extensions[index].phone);
        if phone.endpoint().counters().undecided_calls > 0 {
            self.tally.note(SWITCHED_OFF_WHILE_WAITING);
        }
        let faults = self.answered_otherwise(index);
        self.broken.extend(faults);
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
        self.disturb(|placed| placed.is_streamed);
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
