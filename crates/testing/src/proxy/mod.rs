//! A stateful proxy with its registrar: it forks calls to all phones of a user (RFC 3261 section 16).
//!
//! ```text
//!             ┌─ Context ──────────────────────────────┐
//!  caller ──▶ │ Server ──▶ Branch ──────────────────── │ ──▶ phone
//!             │   ▲        Branch ──────────────────── │ ──▶ phone
//!             │   └─ the best response, or the first 2xx│
//!             └────────────────────────────────────────┘
//! ```
//!
//! What a phone or a caller can notice of one is there: forking in parallel or in turn, CANCEL of the others, the choice of
//! the best response, Max-Forwards, loops, Record-Route, timer C, repetitions. Left out: authentication of callers, strict
//! routers, recursion on 3xx, names of other domains, and what would come after a CANCEL of a request that it does not know
//! (it says 481, where RFC 3261 has it passed on).

mod branch;
mod config;
mod context;
mod message;
mod server;
mod targets;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use ringfence_wire::sip::{HeaderName, Message, Method};

pub use config::{Forking, ProxyConfig};

use crate::node::Node;
use crate::pbx::{Binding, Mode, PbxEvent, Registrar};
use crate::random::Random;
use crate::response::Response;
use crate::socket::{Record, Socket};
use context::{Context, Next, Own};
use message::{Hop, forwarded, loop_mark};
use server::{Sent, Server};

/// A forking proxy and registrar with one address.
///
/// ```
/// use std::time::Duration;
/// use ringfence_testing::{CallPlan, Caller, Network, Outcome, Proxy, ProxyConfig};
///
/// let mut network = Network::new(1);
/// let (proxy_address, caller_address) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
/// let mut proxy = Proxy::new(ProxyConfig::new(proxy_address), 1);
/// proxy.add_user("858", "secret");
/// network.add(proxy_address, proxy);
/// let caller = network.add(caller_address, Caller::new(caller_address, 1));
///
/// // No phone has registered as 858 yet.
/// let plan = CallPlan::new("1002", "sip:858@192.0.2.1");
/// let id = network.with(caller, |caller, now| caller.call(now, proxy_address, plan));
/// network.run_for(Duration::from_secs(1));
/// assert_eq!(network.node(caller).get(id).outcome().and_then(Outcome::status), Some(480));
/// ```
#[derive(Debug)]
pub struct Proxy {
    config: ProxyConfig,
    registrar: Registrar,
    socket: Socket,
    random: Random,
    contexts: BTreeMap<Key, Context>,
    /// Which context a branch belongs to.
    branches: BTreeMap<String, Key>,
    events: VecDeque<PbxEvent>,
}

/// What a server transaction is known by (RFC 3261 section 17.2.3).
type Key = Vec<u8>;

/// More requests at once are turned away.
const MOST_CONTEXTS: usize = 10_000;
/// RFC 3261 section 8.1.1.7.
const MAGIC_COOKIE: &str = "z9hG4bK";

impl Proxy {
    /// Makes a proxy without users. The same seed and the same datagrams give the same answers.
    #[must_use]
    pub fn new(config: ProxyConfig, seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self {
            registrar: Registrar::new(config.registrar.clone(), Random::new(random.next_u64())),
            socket: Socket::new(config.registrar.address),
            config,
            random,
            contexts: BTreeMap::new(),
            branches: BTreeMap::new(),
            events: VecDeque::new(),
        }
    }

    /// Adds a user whose authentication name is the user's own.
    pub fn add_user(&mut self, user: &str, password: &str) {
        self.registrar.add_user(user, user, password);
    }

    /// Adds a binding as if another phone of the user had registered it.
    pub fn add_binding(&mut self, user: &str, binding: Binding) {
        self.registrar.add_binding(user, binding);
    }

    /// Sets what the registrar does from now on.
    pub fn set_mode(&mut self, mode: Mode) {
        self.registrar.mode = mode;
    }

    /// Sets in which order the bindings of a user are rung from now on.
    pub fn set_forking(&mut self, forking: Forking) {
        self.config.forking = forking;
    }

    /// Forgets everything but its users, as after a loss of power: bindings, nonces, and all requests under way.
    pub fn restart(&mut self) {
        self.registrar.forget_bindings();
        self.registrar.forget_nonces();
        self.registrar.forget_transactions();
        self.contexts.clear();
        self.branches.clear();
    }

    /// Returns whether a user has a binding.
    #[must_use]
    pub fn is_registered(&self, user: &str) -> bool {
        !self.bindings(user).is_empty()
    }

    /// Returns a user's bindings.
    #[must_use]
    pub fn bindings(&self, user: &str) -> &[Binding] {
        self.registrar.bindings(user)
    }

    /// Returns how many requests are under way, or were a short time ago.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.contexts.len()
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

    /// Returns the next thing that has happened.
    pub fn poll_event(&mut self) -> Option<PbxEvent> {
        self.events.pop_front()
    }

    fn address(&self) -> SocketAddr {
        self.config.registrar.address
    }

    fn handle_request(
        &mut self,
        now: Instant,
        source: SocketAddr,
        method: Method<'_>,
        request: &Message<'_>,
    ) {
        let Some(key) = key_of(request, method) else { return };
        if let Some(context) = self.contexts.get_mut(&key) {
            let is_absorbed = method != Method::Ack || context.server.acknowledged(now);
            let again = (method != Method::Ack).then(|| context.server.retransmitted()).flatten();
            self.send(now, again);
            if is_absorbed {
                return;
            }
        }
        if method == Method::Ack {
            self.pass_on_ack(now, source, request);
        } else if method == Method::Cancel {
            self.cancel(now, source, request);
        } else if method == Method::Register && self.is_ours(request) {
            let answer = self.registrar.handle_register(now, source, request, &mut self.events);
            self.send(now, answer);
        } else {
            match self.targets(method, request) {
                Ok(targets) => self.fork(now, source, (key, method), request, targets),
                Err(status) => self.answer(now, source, request, status),
            }
        }
    }

    /// Begins a response context.
    fn fork(
        &mut self,
        now: Instant,
        source: SocketAddr,
        (key, method): (Key, Method<'_>),
        request: &Message<'_>,
        targets: Vec<(String, SocketAddr)>,
    ) {
        if self.contexts.len() >= MOST_CONTEXTS {
            return self.answer(now, source, request, 503);
        }
        let is_invite = method == Method::Invite;
        let is_new_dialog = is_invite && request.to().is_ok_and(|to| to.tag().is_none());
        let mark = loop_mark(request, self.address());
        let mut next = Vec::new();
        for (target, destination) in targets {
            let id = format!("{MAGIC_COOKIE}{}.{mark}", self.random.token());
            let records_route = is_new_dialog && self.config.record_routes;
            let hop = Hop { address: self.address(), source, target: &target, branch: &id, records_route };
            let request = forwarded(request, &hop);
            self.branches.insert(id.clone(), key.clone());
            next.push(Next { id, destination, request });
        }
        let server = Server::new(request.clone().into_owned(), source, is_invite);
        let context = Context::new(server, self.config.forking, next);
        self.contexts.insert(key.clone(), context);
        if is_invite {
            self.respond(now, &key, 100);
        }
        self.drive(now, &key, |_, _| {});
    }

    /// Lets a context act, and does what follows from it.
    fn drive(&mut self, now: Instant, key: &Key, act: impl FnOnce(&mut Context, &mut Vec<Sent>)) {
        let timer_c = self.config.timer_c;
        let mut out = Vec::new();
        let Some(context) = self.contexts.get_mut(key) else { return };
        act(context, &mut out);
        if context.wants_next() {
            let is_invite = context.server.request.method() == Some(Method::Invite);
            context.advance(now, is_invite, timer_c, &mut out);
        }
        let own = context.conclude(now, &mut out);
        self.send(now, out);
        match own {
            Own::Nothing => {}
            Own::Final(status) => self.respond(now, key, status),
        }
        if self.contexts.get(key).is_some_and(Context::is_over) {
            for id in self.contexts.remove(key).into_iter().flat_map(|context| context.ids) {
                self.branches.remove(&id);
            }
        }
    }

    /// Answers the request of a context by ourselves.
    fn respond(&mut self, now: Instant, key: &Key, status: u16) {
        let tag = self.random.token();
        let product = self.config.registrar.product.clone();
        let Some(context) = self.contexts.get_mut(key) else { return };
        let response = Response::new(&context.server.request, context.server.source, status);
        let Some((_, response)) = response.header("Server", product).finish(&tag) else { return };
        let sent = context.server.respond(now, status, response);
        self.send(now, sent);
    }

    /// Answers a request without keeping anything of it.
    fn answer(&mut self, now: Instant, source: SocketAddr, request: &Message<'_>, status: u16) {
        let mut response =
            Response::new(request, source, status).header("Server", &self.config.registrar.product);
        if status == 420 {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-16.3
            //# The response MUST include an Unsupported (Section
            //# 20.40) header field listing those option-tags the element did not
            //# understand.
            for tags in request.all(HeaderName::ProxyRequire) {
                response = response.header("Unsupported", String::from_utf8_lossy(tags));
            }
        }
        // The same request gets the same tag, whenever it comes again.
        let sent = response.finish(&loop_mark(request, self.address()));
        self.send(now, sent);
    }

    fn cancel(&mut self, now: Instant, source: SocketAddr, request: &Message<'_>) {
        let key = key_of(request, Method::Invite).filter(|key| self.contexts.contains_key(key));
        let Some(key) = key else { return self.answer(now, source, request, 481) };
        //= https://www.rfc-editor.org/rfc/rfc3261#section-16.10
        //# If a matching response context is found, the element MUST
        //# immediately return a 200 (OK) response to the CANCEL request.
        self.answer(now, source, request, 200);
        self.drive(now, &key, |context, out| context.cancel(now, out));
    }

    /// Passes the ACK of a 2xx on, which is no transaction of ours: it goes to where the callee says that he is.
    fn pass_on_ack(&mut self, now: Instant, source: SocketAddr, request: &Message<'_>) {
        if self.is_ours(request) {
            return;
        }
        let Ok(targets) = self.targets(Method::Ack, request) else { return };
        for (target, destination) in targets {
            let branch =
                format!("{MAGIC_COOKIE}{}.{}", self.random.token(), loop_mark(request, self.address()));
            let hop = Hop {
                address: self.address(),
                source,
                target: &target,
                branch: &branch,
                records_route: false,
            };
            let ack = forwarded(request, &hop);
            self.send(now, Some((destination, ack)));
        }
    }

    fn handle_response(&mut self, now: Instant, response: &Message<'_>) {
        let (Ok(via), Ok(cseq)) = (response.via(), response.cseq()) else { return };
        if via.sent_by() != self.address().to_string().as_bytes() {
            return;
        }
        let id = text(via.branch().unwrap_or_default());
        //= https://www.rfc-editor.org/rfc/rfc6026#section-8.2
        //# If none is found, the element MUST NOT
        //# forward the response.
        let Some(key) = self.branches.get(&id).cloned() else { return };
        let is_cancel = cseq.method == Method::Cancel;
        self.drive(now, &key, |context, out| {
            let Some(index) = context.branches.iter().position(|branch| branch.id == id) else { return };
            if is_cancel {
                context.branches[index].handle_cancel_answered();
            } else {
                context.handle_response(now, index, response, out);
            }
        });
    }

    fn send(&mut self, now: Instant, messages: impl IntoIterator<Item = Sent>) {
        for (destination, message) in messages {
            self.socket.send(now, destination, message);
        }
    }
}

impl Node for Proxy {
    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        self.socket.receive(now, source, datagram);
        let Ok(message) = Message::parse(datagram) else { return };
        match message.method() {
            Some(method) => self.handle_request(now, source, method, &message),
            None => self.handle_response(now, &message),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.registrar.handle_timeout(now, &mut self.events);
        let is_due = |context: &Context| context.poll_timeout().is_some_and(|at| at <= now);
        let due: Vec<Key> =
            self.contexts.iter().filter(|(_, it)| is_due(it)).map(|(key, _)| key.clone()).collect();
        for key in due {
            self.drive(now, &key, |context, out| context.handle_timeout(now, out));
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let contexts = self.contexts.values().filter_map(Context::poll_timeout);
        contexts.chain(self.registrar.poll_timeout()).min()
    }

    fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.socket.poll_transmit()
    }
}

fn key_of(request: &Message<'_>, method: Method<'_>) -> Option<Key> {
    let (via, cseq) = (request.via().ok()?, request.cseq().ok()?);
    let method = if method == Method::Ack { Method::Invite } else { method };
    let number = cseq.number.to_string();
    let parts = [via.sent_by(), via.branch()?, number.as_bytes(), method.as_str().as_bytes()];
    Some(parts.join(&b' '))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
