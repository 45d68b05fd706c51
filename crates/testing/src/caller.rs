//! A host that places calls, each by its script.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use ringfence_wire::sip::{Message, Method};

use crate::call::{Call, CallPlan, Identity};
use crate::node::Node;
use crate::random::Random;
use crate::response::Response;
use crate::socket::{Record, Socket};

/// Calls phones directly, without a registrar: a stranger, a trunk, or a PBX's other half.
///
/// ```
/// use std::time::Duration;
/// use ringfence_testing::{Caller, CallPlan, Network, Outcome};
///
/// let mut network = Network::new(1);
/// let address = "192.0.2.1:5060".parse().unwrap();
/// let caller = network.add(address, Caller::new(address, 1));
/// let nobody = "192.0.2.7:5060".parse().unwrap();
/// let id = network.with(caller, |caller, now| caller.call(now, nobody, CallPlan::new("1002", "858")));
/// network.run_for(Duration::from_secs(33));
/// assert_eq!(network.node(caller).get(id).outcome(), Some(&Outcome::TimedOut));
/// assert_eq!(network.packets().len(), 7); // the INVITE at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s
/// ```
#[derive(Debug)]
pub struct Caller {
    socket: Socket,
    domain: String,
    product: String,
    random: Random,
    calls: Vec<Call>,
    /// The calls in which something can still happen.
    active: BTreeSet<usize>,
    ended: VecDeque<CallId>,
}

/// Names a call of one [`Caller`] or [`Pbx`](crate::Pbx). Another one knows no such call, and panics.
///
/// ```
/// use std::time::Instant;
/// use ringfence_testing::{Caller, CallPlan};
///
/// let mut caller = Caller::new("192.0.2.1:5060".parse().unwrap(), 1);
/// let phone = "192.0.2.7:5060".parse().unwrap();
/// let first = caller.call(Instant::now(), phone, CallPlan::new("1002", "858"));
/// let second = caller.call(Instant::now(), phone, CallPlan::new("1003", "858"));
/// assert_ne!(first, second);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(usize);

impl Caller {
    /// Makes a caller whose Via, From and Contact show `address`.
    #[must_use]
    pub fn new(address: SocketAddr, seed: u64) -> Self {
        let host = match address {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
        };
        Self {
            socket: Socket::new(address),
            domain: host,
            product: "Ringfence-Testing".to_owned(),
            random: Random::new(seed),
            calls: Vec::new(),
            active: BTreeSet::new(),
            ended: VecDeque::new(),
        }
    }

    /// Sets the domain of users and numbers that are no whole URIs.
    pub fn set_domain(&mut self, domain: &str) {
        domain.clone_into(&mut self.domain);
    }

    /// Sets what User-Agent says.
    pub fn set_product(&mut self, product: &str) {
        product.clone_into(&mut self.product);
    }

    /// Places a call to a host.
    pub fn call(&mut self, now: Instant, destination: SocketAddr, plan: CallPlan) -> CallId {
        self.call_contact(now, destination, None, plan)
    }

    /// Sends a call's INVITE once more on another branch, as a proxy does that forks and meets itself again:
    /// the callee is to answer one of the two with 482 (Loop Detected).
    pub fn merge(&mut self, now: Instant, id: CallId) -> CallId {
        let call = &self.calls[id.0];
        let (plan, destination) = (call.plan().clone(), call.destination());
        let identity = call.identity().merged(&mut self.random);
        let (call, messages) = Call::new(now, destination, plan, identity);
        self.add(now, call, messages)
    }

    /// Sends a call's INVITE once more, the same bytes, however long after.
    pub fn resend_invite(&mut self, now: Instant, id: CallId) {
        let call = &self.calls[id.0];
        let (destination, invite) = (call.destination(), call.identity().invite(call.plan()));
        self.socket.send(now, destination, invite);
    }

    /// Gives a call up: CANCEL is sent as soon as a provisional response is there.
    pub fn cancel(&mut self, now: Instant, id: CallId) {
        let messages = self.calls[id.0].cancel(now);
        self.send(now, id.0, messages);
    }

    /// Returns a call.
    #[must_use]
    pub fn get(&self, id: CallId) -> &Call {
        &self.calls[id.0]
    }

    /// Returns the calls in the order they were placed.
    pub fn calls(&self) -> impl Iterator<Item = (CallId, &Call)> {
        self.calls.iter().enumerate().map(|(index, call)| (CallId(index), call))
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

    /// Returns what was sent and received for a call.
    pub fn messages_of(&self, id: CallId) -> impl Iterator<Item = &Record> {
        let call_id = self.calls[id.0].call_id();
        self.messages().filter(move |record| {
            Message::parse(&record.message)
                .is_ok_and(|message| message.call_id().is_ok_and(|found| found == call_id.as_bytes()))
        })
    }

    /// Returns the next call that has ended.
    pub fn poll_ended(&mut self) -> Option<CallId> {
        self.ended.pop_front()
    }

    /// Places a call to a contact that a registrar knows.
    pub(crate) fn call_contact(
        &mut self,
        now: Instant,
        destination: SocketAddr,
        contact: Option<&str>,
        plan: CallPlan,
    ) -> CallId {
        let identity = self.identify(&plan, contact);
        let (call, messages) = Call::new(now, destination, plan, identity);
        self.add(now, call, messages)
    }

    /// Notes a call that cannot be placed.
    pub(crate) fn call_nobody(&mut self, now: Instant, plan: CallPlan) -> CallId {
        let identity = self.identify(&plan, None);
        let call = Call::unreachable(now, self.socket.address, plan, identity);
        self.add(now, call, Vec::new())
    }

    /// Forgets every call in progress, as a host does that is switched off.
    pub(crate) fn abandon(&mut self) {
        self.active.clear();
    }

    /// The records and the queue that the registrar shares.
    pub(crate) fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Takes a message that is recorded already.
    pub(crate) fn handle_message(&mut self, now: Instant, source: SocketAddr, message: &Message<'_>) {
        match message.method() {
            None => self.handle_response(now, message),
            Some(method) => self.handle_request(now, source, method, message),
        }
    }

    fn identify(&mut self, plan: &CallPlan, contact: Option<&str>) -> Identity {
        Identity::new(plan, self.socket.address, &self.domain, &self.product, contact, &mut self.random)
    }

    fn add(&mut self, now: Instant, call: Call, messages: Vec<Vec<u8>>) -> CallId {
        let index = self.calls.len();
        self.calls.push(call);
        self.active.insert(index);
        self.send(now, index, messages);
        self.settle(index, false);
        CallId(index)
    }

    fn handle_response(&mut self, now: Instant, response: &Message<'_>) {
        let (Ok(call_id), Ok(via)) = (response.call_id(), response.via()) else { return };
        let is_of = |call: &Call| call.identity().is_of(call_id, via.branch(), call.plan());
        if let Some(index) = self.calls.iter().position(is_of) {
            let had_ended = self.calls[index].outcome().is_some();
            let messages = self.calls[index].handle_response(now, response);
            self.send(now, index, messages);
            self.settle(index, had_ended);
        }
    }

    fn handle_request(
        &mut self,
        now: Instant,
        source: SocketAddr,
        method: Method<'_>,
        request: &Message<'_>,
    ) {
        let call_id = request.call_id().unwrap_or_default();
        let known = self.calls.iter().position(|call| call.call_id().as_bytes() == call_id);
        let status = match (method, known) {
            (Method::Ack, _) => return,
            (Method::Bye, Some(index)) => {
                let had_ended = self.calls[index].outcome().is_some();
                self.calls[index].handle_bye();
                self.settle(index, had_ended);
                200
            }
            (Method::Options, _) => 200,
            (Method::Bye | Method::Cancel, _) => 481,
            _ => 501,
        };
        let tag = self.random.token();
        if let Some((destination, response)) = Response::new(request, source, status).finish(&tag) {
            self.socket.send(now, destination, response);
        }
    }

    fn send(&mut self, now: Instant, index: usize, messages: Vec<Vec<u8>>) {
        for message in messages {
            self.socket.send(now, self.calls[index].destination(), message);
        }
    }

    /// Tells of a call's end, once, and lets go of one in which nothing is due any more.
    fn settle(&mut self, index: usize, had_ended: bool) {
        let call = &self.calls[index];
        if call.outcome().is_some() && !had_ended {
            self.ended.push_back(CallId(index));
        }
        if call.poll_timeout().is_none() && call.outcome().is_some() {
            self.active.remove(&index);
        }
    }
}

impl Node for Caller {
    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        self.socket.receive(now, source, datagram);
        if let Ok(message) = Message::parse(datagram) {
            self.handle_message(now, source, &message);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let due = |index: &usize| self.calls[*index].poll_timeout().is_some_and(|at| at <= now);
        for index in self.active.iter().copied().filter(due).collect::<Vec<_>>() {
            let had_ended = self.calls[index].outcome().is_some();
            let messages = self.calls[index].handle_timeout(now);
            self.send(now, index, messages);
            self.settle(index, had_ended);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.active.iter().filter_map(|index| self.calls[*index].poll_timeout()).min()
    }

    fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.socket.poll_transmit()
    }
}
