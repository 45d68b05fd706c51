//! A small PBX: a registrar with digest authentication, and calls to whoever has registered.

mod binding;
mod config;
mod registrar;
mod stun;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_wire::sip::{Message, Method};
use ringfence_wire::stun::is_stun;

pub use binding::Binding;
pub use config::{Oddity, PbxConfig};
pub use registrar::Mode;

use crate::call::{Call, CallPlan, Outcome};
use crate::caller::{CallId, Caller};
use crate::node::Node;
use crate::random::Random;
use crate::socket::Record;
use crate::verifier::Refusal;
pub(crate) use registrar::Registrar;

/// A PBX with one address.
///
/// ```
/// use ringfence_testing::{Pbx, PbxConfig, CallPlan, Network, Outcome};
///
/// let mut network = Network::new(1);
/// let address = "192.0.2.1:5060".parse().unwrap();
/// let mut pbx = Pbx::new(PbxConfig::new(address), 1);
/// pbx.add_user("858", "secret");
/// let pbx = network.add(address, pbx);
///
/// // Nobody has registered as 858 yet.
/// let id = network.with(pbx, |pbx, now| pbx.call(now, CallPlan::new("1002", "858")));
/// assert_eq!(network.node(pbx).get(id).outcome(), Some(&Outcome::NotRegistered));
/// ```
///
/// It is not bound to the simulated network: a program that hands it datagrams and time, and sends what it
/// wants sent, runs it on a real socket.
#[derive(Debug)]
pub struct Pbx {
    registrar: Registrar,
    caller: Caller,
    events: VecDeque<PbxEvent>,
    answers_stun: bool,
}

/// What has happened at a PBX.
///
/// ```
/// use std::time::Duration;
/// use ringfence_testing::PbxEvent;
///
/// let contact = "sip:858@192.0.2.7:5060".to_owned();
/// let event = PbxEvent::Registered { user: "858".into(), contact, expires: Duration::from_secs(3600) };
/// assert!(matches!(event, PbxEvent::Registered { .. }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PbxEvent {
    /// A binding was made or refreshed.
    Registered {
        /// Whose.
        user: String,
        /// The contact's URI.
        contact: String,
        /// For how long.
        expires: Duration,
    },
    /// A binding was removed by its owner.
    Unregistered {
        /// Whose.
        user: String,
        /// The contact's URI.
        contact: String,
    },
    /// A binding was not refreshed in time.
    Expired {
        /// Whose.
        user: String,
        /// The contact's URI.
        contact: String,
    },
    /// A REGISTER was challenged, or refused for its credentials.
    Refused {
        /// Whose.
        user: String,
        /// Why.
        refusal: Refusal,
    },
    /// A call has ended.
    CallEnded {
        /// Which.
        id: CallId,
        /// How.
        outcome: Outcome,
    },
}

impl Pbx {
    /// Makes a PBX without users. The same seed and the same datagrams give the same answers.
    #[must_use]
    pub fn new(config: PbxConfig, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut caller = Caller::new(config.address, random.next_u64());
        caller.set_domain(&config.domain);
        caller.set_product(&config.product);
        let answers_stun = config.answers_stun;
        Self { registrar: Registrar::new(config, random), caller, events: VecDeque::new(), answers_stun }
    }

    /// Adds a user whose authentication name is the user's own.
    pub fn add_user(&mut self, user: &str, password: &str) {
        self.registrar.add_user(user, user, password);
    }

    /// Adds a user with another authentication name.
    pub fn add_user_with_auth_name(&mut self, user: &str, auth_user: &str, password: &str) {
        self.registrar.add_user(user, auth_user, password);
    }

    /// Adds a binding as if another phone of the user had registered it.
    pub fn add_binding(&mut self, user: &str, binding: Binding) {
        self.registrar.add_binding(user, binding);
    }

    /// Calls a user at the contact that was registered last.
    pub fn call(&mut self, now: Instant, plan: CallPlan) -> CallId {
        let id = match self.registrar.bindings(&plan.to).last() {
            Some(binding) => {
                let (source, contact) = (binding.source, binding.contact.clone());
                self.caller.call_contact(now, source, Some(&contact), plan)
            }
            None => self.caller.call_nobody(now, plan),
        };
        self.collect();
        id
    }

    /// Gives a call up.
    pub fn cancel(&mut self, now: Instant, id: CallId) {
        self.caller.cancel(now, id);
        self.collect();
    }

    /// Sets what the registrar does from now on.
    pub fn set_mode(&mut self, mode: Mode) {
        self.registrar.mode = mode;
    }

    /// Sets whether STUN Binding requests are answered from now on.
    pub fn set_answers_stun(&mut self, answers_stun: bool) {
        self.answers_stun = answers_stun;
    }

    /// Changes the realm of the challenges.
    pub fn set_realm(&mut self, realm: &str) {
        self.registrar.set_realm(realm);
    }

    /// Forgets all bindings without telling anyone.
    pub fn forget_bindings(&mut self) {
        self.registrar.forget_bindings();
    }

    /// Forgets all nonces, so that the next use of one is stale.
    pub fn forget_nonces(&mut self) {
        self.registrar.forget_nonces();
    }

    /// Forgets everything but its users, as after a loss of power: bindings, nonces and calls.
    pub fn restart(&mut self) {
        self.forget_bindings();
        self.forget_nonces();
        self.registrar.forget_transactions();
        self.caller.abandon();
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

    /// Returns a call.
    #[must_use]
    pub fn get(&self, id: CallId) -> &Call {
        self.caller.get(id)
    }

    /// Returns the calls in the order they were placed.
    pub fn calls(&self) -> impl Iterator<Item = (CallId, &Call)> {
        self.caller.calls()
    }

    /// Returns what was sent and received, at most the last 10,000 messages.
    pub fn messages(&self) -> impl Iterator<Item = &Record> {
        self.caller.messages()
    }

    /// Returns how many messages it has sent and received before those.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.caller.forgotten()
    }

    /// Returns what was sent and received for a call.
    pub fn messages_of(&self, id: CallId) -> impl Iterator<Item = &Record> {
        self.caller.messages_of(id)
    }

    /// Returns the next thing that has happened.
    pub fn poll_event(&mut self) -> Option<PbxEvent> {
        self.events.pop_front()
    }

    /// Turns the ends of calls into events.
    fn collect(&mut self) {
        while let Some(id) = self.caller.poll_ended() {
            if let Some(outcome) = self.caller.get(id).outcome().cloned() {
                self.events.push_back(PbxEvent::CallEnded { id, outcome });
            }
        }
    }
}

impl Node for Pbx {
    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        self.caller.socket().receive(now, source, datagram);
        if is_stun(datagram) {
            if let Some(answer) = self.answers_stun.then(|| stun::answer(source, datagram)).flatten() {
                self.caller.socket().send(now, source, answer);
            }
            return;
        }
        let Ok(message) = Message::parse(datagram) else { return };
        if message.method() == Some(Method::Register) {
            let answer = self.registrar.handle_register(now, source, &message, &mut self.events);
            if let Some((destination, response)) = answer {
                self.caller.socket().send(now, destination, response);
            }
        } else {
            self.caller.handle_message(now, source, &message);
        }
        self.collect();
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.registrar.handle_timeout(now, &mut self.events);
        self.caller.handle_timeout(now);
        self.collect();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.registrar.poll_timeout(), self.caller.poll_timeout()].into_iter().flatten().min()
    }

    fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.caller.poll_transmit()
    }
}
