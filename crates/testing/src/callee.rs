//! A phone that answers calls by a script: one more of the account that the user agent under test is on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_wire::sip::{HeaderName, Message, Method};

use crate::node::Node;
use crate::random::Random;
use crate::repeat::{Repeat, T1, T2};
use crate::response::Response;
use crate::socket::{Record, Socket};

/// What a [`Callee`] does with a call.
///
/// ```
/// use std::time::Duration;
/// use ringfence_testing::CalleePlan;
///
/// let busy = CalleePlan { ring_after: None, answer: Some((Duration::ZERO, 486)) };
/// assert_ne!(busy, CalleePlan::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalleePlan {
    /// When it says 180, counted from the INVITE.
    pub ring_after: Option<Duration>,
    /// When it gives its final answer, counted from the INVITE, and which.
    pub answer: Option<(Duration, u16)>,
}

impl Default for CalleePlan {
    /// It rings at once, and is picked up after 5 s.
    fn default() -> Self {
        Self { ring_after: Some(Duration::ZERO), answer: Some((Duration::from_secs(5), 200)) }
    }
}

/// A phone that takes every call and treats it by its plan (RFC 3261 sections 9.2, 13.3 and 15).
///
/// It does not register: who forks to it has its binding by [`Proxy::add_binding`](crate::Proxy::add_binding).
///
/// ```
/// use std::time::Duration;
/// use ringfence_testing::{CallPlan, Callee, CalleePlan, Caller, Network, Outcome};
///
/// let mut network = Network::new(1);
/// let (here, there) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
/// let caller = network.add(here, Caller::new(here, 1));
/// network.add(there, Callee::new(there, CalleePlan::default(), 1));
/// let id = network.with(caller, |caller, now| caller.call(now, there, CallPlan::new("1002", "858")));
/// network.run_for(Duration::from_secs(10));
/// assert_eq!(network.node(caller).get(id).outcome(), Some(&Outcome::Answered));
/// ```
#[derive(Debug)]
pub struct Callee {
    socket: Socket,
    random: Random,
    plan: CalleePlan,
    /// By Call-ID and branch.
    calls: BTreeMap<Vec<u8>, Ringing>,
    answered: u64,
}

/// One call, until its transaction is over.
#[derive(Debug)]
struct Ringing {
    invite: Message<'static>,
    source: SocketAddr,
    tag: String,
    rings_at: Option<Instant>,
    answers_at: Option<(Instant, u16)>,
    last: Option<(SocketAddr, Vec<u8>)>,
    state: State,
}

#[derive(Debug)]
enum State {
    Undecided,
    /// The final response is repeated until its ACK.
    Decided {
        repeat: Repeat,
        until: Instant,
    },
    Acknowledged {
        until: Instant,
    },
}

/// More calls at once are not taken.
const MOST_CALLS: usize = 1_000;

impl Callee {
    /// Makes a phone whose Contact shows `address`.
    #[must_use]
    pub fn new(address: SocketAddr, plan: CalleePlan, seed: u64) -> Self {
        let (socket, random) = (Socket::new(address), Random::new(seed));
        Self { socket, random, plan, calls: BTreeMap::new(), answered: 0 }
    }

    /// Has it treat calls that come from now on otherwise.
    pub fn set_plan(&mut self, plan: CalleePlan) {
        self.plan = plan;
    }

    /// Returns how many calls it has answered with a 2xx.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// Returns how many calls it holds in memory.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Returns what was sent and received, at most the last 10,000 messages.
    pub fn messages(&self) -> impl Iterator<Item = &Record> {
        self.socket.records()
    }

    /// Returns how many messages it has sent and received before those.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.socket.forgotten()
    }

    fn handle_invite(&mut self, now: Instant, source: SocketAddr, key: &[u8], invite: &Message<'_>) {
        if let Some(call) = self.calls.get(key) {
            if let Some((destination, response)) = call.last.clone() {
                self.socket.send(now, destination, response);
            }
            return;
        }
        if self.calls.len() >= MOST_CALLS {
            return;
        }
        let call = Ringing {
            invite: invite.clone().into_owned(),
            source,
            tag: self.random.token(),
            rings_at: self.plan.ring_after.map(|after| now + after),
            answers_at: self.plan.answer.map(|(after, status)| (now + after, status)),
            last: None,
            state: State::Undecided,
        };
        self.calls.insert(key.to_vec(), call);
        self.act(now, key);
    }

    fn handle_cancel(&mut self, now: Instant, source: SocketAddr, key: &[u8], cancel: &Message<'_>) {
        let Some(call) = self.calls.get_mut(key) else { return self.answer(now, source, cancel, 481) };
        let tag = call.tag.clone();
        if let State::Undecided = call.state {
            call.answers_at = Some((now, 487));
        }
        if let Some((destination, response)) = Response::new(cancel, source, 200).finish(&tag) {
            self.socket.send(now, destination, response);
        }
        self.act(now, key);
    }

    /// Takes an ACK: that of a 2xx comes on a branch of its own.
    fn handle_ack(&mut self, now: Instant, ack: &Message<'_>) {
        let (Ok(call_id), Ok(to)) = (ack.call_id(), ack.to()) else { return };
        for call in self.calls.values_mut() {
            let is_of = call.invite.call_id().is_ok_and(|id| id == call_id);
            if is_of && to.tag() == Some(call.tag.as_bytes()) && matches!(call.state, State::Decided { .. }) {
                call.state = State::Acknowledged { until: now + 64 * T1 };
            }
        }
    }

    /// Does what is due of one call.
    fn act(&mut self, now: Instant, key: &[u8]) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let mut sent = None;
        match &mut call.state {
            State::Undecided => {
                if call.rings_at.is_some_and(|at| at <= now) {
                    call.rings_at = None;
                    sent = call.respond(180);
                    call.last.clone_from(&sent);
                }
                if let Some((_, status)) = call.answers_at.filter(|(at, _)| *at <= now) {
                    if let Some((destination, response)) = sent.take() {
                        self.socket.send(now, destination, response);
                    }
                    sent = call.respond(status);
                    call.last.clone_from(&sent);
                    call.state = State::Decided { repeat: Repeat::new(now, T2), until: now + 64 * T1 };
                    self.answered += u64::from((200..300).contains(&status));
                }
            }
            State::Decided { until, .. } | State::Acknowledged { until } if *until <= now => {
                self.calls.remove(key);
            }
            State::Decided { repeat, .. } => {
                if repeat.fire(now) {
                    sent.clone_from(&call.last);
                }
            }
            State::Acknowledged { .. } => {}
        }
        if let Some((destination, response)) = sent {
            self.socket.send(now, destination, response);
        }
    }

    fn answer(&mut self, now: Instant, source: SocketAddr, request: &Message<'_>, status: u16) {
        let tag = self.random.token();
        if let Some((destination, response)) = Response::new(request, source, status).finish(&tag) {
            self.socket.send(now, destination, response);
        }
    }
}

impl Ringing {
    fn respond(&self, status: u16) -> Option<(SocketAddr, Vec<u8>)> {
        let mut response = Response::new(&self.invite, self.source, status);
        if status < 300 {
            let uri = self.invite.request_uri().map(String::from_utf8_lossy).unwrap_or_default();
            response = response.header("Contact", format_args!("<{uri}>"));
            for route in self.invite.all(HeaderName::RecordRoute) {
                response = response.header("Record-Route", String::from_utf8_lossy(route));
            }
        }
        response.finish(&self.tag)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Undecided => {
                [self.rings_at, self.answers_at.map(|(at, _)| at)].into_iter().flatten().min()
            }
            State::Decided { repeat, until } => Some(repeat.at.min(*until)),
            State::Acknowledged { until } => Some(*until),
        }
    }
}

impl Node for Callee {
    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        self.socket.receive(now, source, datagram);
        let Ok(message) = Message::parse(datagram) else { return };
        let (Some(method), Ok(via), Ok(call_id)) = (message.method(), message.via(), message.call_id())
        else {
            return;
        };
        let key = [call_id, via.branch().unwrap_or_default()].join(&b' ');
        if method == Method::Invite {
            self.handle_invite(now, source, &key, &message);
        } else if method == Method::Cancel {
            self.handle_cancel(now, source, &key, &message);
        } else if method == Method::Ack {
            self.handle_ack(now, &message);
        } else {
            let is_known = method == Method::Bye || method == Method::Options;
            self.answer(now, source, &message, if is_known { 200 } else { 501 });
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let is_due = |call: &Ringing| call.poll_timeout().is_some_and(|at| at <= now);
        let due: Vec<_> =
            self.calls.iter().filter(|(_, call)| is_due(call)).map(|(key, _)| key.clone()).collect();
        for key in due {
            self.act(now, &key);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.calls.values().filter_map(Ringing::poll_timeout).min()
    }

    fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.socket.poll_transmit()
    }
}
