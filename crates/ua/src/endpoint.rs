//! The only door: datagrams, time and commands in; datagrams, events and deadlines out.
//!
//! ```text
//!  handle_datagram ─▶ wire ─▶ transport (Via) ─▶ transaction ─▶ core ─▶ call ─▶ screen
//!                                                    │                            │ verdict
//!  poll_transmit ◀────────────── outbox ◀────────────┴────────────────────────────┘
//! ```
//!
//! What every table does at its bound is said in [`Limits`].

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use ringfence_wire::sip::{Message, ParseError};
use ringfence_wire::stun::{binding_request, is_stun};

use crate::call::{CallEnd, CallNumber, Screen, Verdict, Waiting};
use crate::core::{Agent, Echo};
use crate::id::{Generator, LineId};
use crate::limits::Limits;
use crate::registration::{Penalties, Target, Unreached};
use crate::transaction::awaited::Awaited;
use crate::transaction::key::Secret;
use crate::transaction::outcome::Ended;
use crate::transaction::table::Table;
use crate::transaction::{EndedBy, InviteServerEnd};
use crate::transport::{
    Crlf, Detours, Due, Flow, KeepAlive, Outbox, PING, PONG, Transmit, Transmits, Transport, Write,
};

mod cancellation;
mod config;
mod counters;
mod decided;
mod detours;
mod early_dialog;
mod event;
mod final_answer;
mod flows;
mod inbound;
mod incoming_calls;
mod lines;
mod new_calls;
mod registrations;
mod removals;
mod routes;
mod share;
mod steps;
mod together;
mod turned_away;
mod unreadable;

pub use config::{Config, Full, Trying};
pub use counters::Counters;
pub use decided::Decided;
pub use event::Event;
use lines::Lines;
pub use removals::Removals;
use share::Shares;
pub use together::MOST_TOGETHER;
use unreadable::Unreadable;

/// The sans-IO user agent: one socket's worth of lines and calls.
///
/// Every method that depends on time takes `now`. After each call, take what there is from
/// [`Endpoint::poll_transmit`] and [`Endpoint::poll_event`], in any order, and call
/// [`Endpoint::handle_timeout`] at [`Endpoint::poll_timeout`].
///
/// ```
/// use ringfence_ua::{Account, Config, Endpoint, Event};
/// use std::time::Instant;
///
/// let mut endpoint = Endpoint::new(Config::new("192.0.2.9:5060".parse()?), [0; 32]);
/// let line = endpoint.add_line(Instant::now(), Account::new("858", "pbx.example.com", 5060))?;
/// assert!(std::iter::from_fn(|| endpoint.poll_event())
///     .any(|event| matches!(event, Event::Resolve { line: which, .. } if which == line)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Endpoint {
    local: SocketAddr,
    listening: BTreeMap<Transport, SocketAddr>,
    limits: Limits,
    trying: Trying,
    agent: Agent,
    screen: Option<Screen>,
    generator: Generator,
    secret: Secret,
    lines: Lines,
    transactions: Table,
    awaited: Awaited,
    calls: Waiting,
    keep_alive: KeepAlive,
    detours: Detours,
    penalties: Penalties,
    shares: Shares,
    unreadable: Unreadable,
    outbox: Outbox,
    events: VecDeque<Event>,
    counters: Counters,
    removals: Removals,
    next_call: u64,
    /// Whether it takes no call any more.
    is_leaving: bool,
    /// Whether lines are being given their turn just now.
    is_giving_turns: bool,
    /// What the responses to the newest requests have in common.
    echoes: Vec<Echo>,
    /// What the screen says of the newest calls.
    verdicts: Vec<Verdict>,
}

impl Endpoint {
    /// Creates an endpoint without lines. The seed is to come from the operating system's
    /// randomness: whoever guesses it can forge responses.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let mut generator = Generator::new(seed);
        Self {
            secret: Secret::new(generator.key()),
            generator,
            screen: None,
            lines: Lines::new(),
            transactions: Table::new(config.limits),
            awaited: Awaited::default(),
            calls: Waiting::new(config.limits),
            keep_alive: KeepAlive::default(),
            detours: Detours::default(),
            penalties: Penalties::default(),
            shares: Shares::new(config.limits.requests_per_source),
            unreadable: Unreadable::default(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            counters: Counters::default(),
            removals: Removals::default(),
            next_call: 0,
            is_leaving: false,
            is_giving_turns: false,
            echoes: Vec::new(),
            verdicts: Vec::new(),
            local: config.local,
            listening: config.listening,
            limits: config.limits,
            trying: config.trying,
            agent: Agent::new(config.user_agent, config.warning_agent),
        }
    }

    /// Decides on new calls before the application is asked.
    #[must_use]
    pub fn with_screen(mut self, screen: Screen) -> Self {
        self.screen = Some(screen);
        self
    }

    /// Takes a datagram.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        self.counters.datagrams += 1;
        if is_stun(datagram) {
            return self.handle_stun(now, source.into(), datagram);
        }
        self.handle_message(now, source.into(), datagram);
    }

    /// Takes a message that came over a connection: one whole message, as
    /// [`Framer`](ringfence_wire::sip::Framer) cuts it out of the stream.
    ///
    /// Returns whether it came from one who may call: by his address, or by what this message says. A connection over
    /// which nothing else comes need not be kept.
    pub fn handle_stream_message(&mut self, now: Instant, flow: Flow, message: &[u8]) -> bool {
        self.counters.stream_messages += 1;
        self.lines.heard(now, flow.connection_id());
        let is_heeded = self.handle_message(now, flow, message);
        is_heeded || self.may_call(flow.remote().ip())
    }

    /// Returns whether there is a line that a source may call by its address alone: its registrar, a peer, or anyone.
    #[must_use]
    pub fn may_call(&self, source: IpAddr) -> bool {
        self.lines.knows(source)
    }

    /// Takes a double CRLF that came over a connection between messages, and answers it. That of a stranger, who is told
    /// nothing, is not to be handed over.
    pub fn handle_ping(&mut self, flow: Flow) {
        self.counters.keep_alives += 1;
        //= https://www.rfc-editor.org/rfc/rfc5626#section-5.4
        //# When a server receives a double CRLF sequence between SIP messages on a
        //# connection-oriented transport such as TCP or SCTP, it MUST immediately respond with a
        //# single CRLF over the same connection.
        self.outbox.push(flow, PONG);
    }

    /// Takes a single CRLF that came over a connection between messages: the answer to our ping, where one went out within
    /// the last 10 s.
    pub fn handle_pong(&mut self, now: Instant, flow: Flow) {
        self.counters.keep_alives += 1;
        self.keep_alive.handle_crlf(now, flow, Crlf::Alone, &mut self.generator);
    }

    /// Takes a single CRLF that came over a connection together with a message, directly before or behind it: it may belong
    /// to that, or be the answer to our ping. The connection lives, and is not closed for a pong that does not come where
    /// there were none but such.
    pub fn handle_line_end(&mut self, now: Instant, flow: Flow) {
        self.counters.keep_alives += 1;
        self.keep_alive.handle_crlf(now, flow, Crlf::BesideMessage, &mut self.generator);
    }

    /// Takes a message. Returns whether it shows by itself that who sends it may call.
    fn handle_message(&mut self, now: Instant, flow: Flow, bytes: &[u8]) -> bool {
        if self.absorb_ack(now, bytes) {
            self.tell_ended(now);
            return false;
        }
        self.handle_other_message(now, flow, bytes)
    }

    /// Takes a message that is no ACK of a call that waits for it.
    fn handle_other_message(&mut self, now: Instant, flow: Flow, bytes: &[u8]) -> bool {
        // By reference: a message is moved where it is taken out of its result.
        let is_heeded = match &Message::parse(bytes) {
            Ok(message) if message.is_request() => self.handle_request(now, flow, message),
            Ok(message) => self.handle_response(now, flow, message),
            Err(ParseError::KeepAlive) => {
                self.counters.keep_alives += 1;
                false
            }
            Err(error) if bytes.starts_with(b"SIP/") => {
                self.drop_response(now, flow, error);
                false
            }
            Err(error) => {
                self.drop_malformed(error);
                false
            }
        };
        self.tell_ended(now);
        is_heeded
    }

    /// Fires what is due at `now`. When much is due at once it does a part: ask
    /// [`Endpoint::poll_timeout`] again.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now, &mut self.outbox);
        self.tell_ended(now);
        self.handle_lines_due(now);
        self.handle_detours_due(now);
        self.handle_calls_due(now);
        while let Some(due) = self.keep_alive.pop_due(now, &mut self.generator) {
            match due {
                Due::Ping(flow) => self.outbox.push(flow, PING),
                Due::Probe(flow, id) => self.outbox.push(flow, &binding_request(id)),
                Due::Silent(flow) => self.handle_flow_failed(now, flow, None, "keep-alives are not answered"),
                Due::Dead(connection) => self.events.push_back(Event::Disconnect { connection }),
            }
        }
    }

    /// Tells how each call has ended that was decided: an ACK that has not come by now is not waited for. It is for who
    /// closes the sockets; calls that still wait are to be ended before, by [`Endpoint::reject_all`].
    pub fn close(&mut self, now: Instant) {
        self.transactions.close();
        self.tell_ended(now);
    }

    /// Returns the next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.outbox.pop()
    }

    /// Returns all datagrams that wait to be sent, for who sends many at once; [`Endpoint::clear_transmits`] takes them.
    #[must_use]
    pub fn transmits(&self) -> Transmits<'_> {
        self.outbox.all()
    }

    /// Takes all datagrams that wait to be sent.
    pub fn clear_transmits(&mut self) {
        self.outbox.clear();
    }

    /// Returns what is to be sent next over a connection.
    pub fn poll_write(&mut self) -> Option<Write> {
        self.outbox.pop_write()
    }

    /// Returns the next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Returns when [`Endpoint::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [
            self.transactions.poll_timeout(),
            self.lines.poll_timeout(),
            self.calls.poll_timeout(),
            self.keep_alive.poll_timeout(),
            self.detours.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Returns what was counted since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            lines: self.lines.len() as u64,
            transactions: self.transactions.len() as u64,
            undecided_calls: self.calls.len() as u64,
            dropped_too_long: self.outbox.too_long,
            ..self.counters
        }
    }

    /// Takes the addresses of a host that [`Event::Resolve`] asked for, the preferred first. Those that failed in the last
    /// five minutes, for any line, are tried last.
    pub fn handle_resolved(
        &mut self,
        now: Instant,
        line: LineId,
        mut resolved: Result<Vec<Target>, Unreached>,
    ) {
        if let Ok(targets) = &mut resolved {
            self.penalties.put_last(now, targets);
        }
        self.lines.located(now, line, resolved.as_deref().ok());
        if let Some(binding) = self.lines.find_mut(line).and_then(|line| line.binding.as_mut()) {
            binding.handle_resolved(now, resolved, &mut self.generator);
        }
        self.settle_line(now, line);
    }

    /// Takes that the servers of a host are found that [`Event::Resolve`] asked for, and are connected to now. That has 30 s of
    /// its own, as the look-up had, until [`Endpoint::handle_resolved`].
    pub fn handle_found(&mut self, now: Instant, line: LineId) {
        if let Some(binding) = self.lines.find_mut(line).and_then(|line| line.binding.as_mut()) {
            binding.handle_found(now);
        }
        self.settle_line(now, line);
    }

    /// Takes that a server could not be connected to. As one that does not answer it is tried last, by all lines, for five
    /// minutes.
    pub fn handle_unconnected(&mut self, now: Instant, server: SocketAddr, transport: Transport) {
        self.penalties.add_unconnected(now, server, transport);
    }

    /// Returns whether a server has failed in the last five minutes, for any line: it did not answer, could not be connected
    /// to, or said 503.
    #[must_use]
    pub fn has_failed(&self, now: Instant, server: SocketAddr, transport: Transport) -> bool {
        self.penalties.has(now, server, transport)
    }

    /// Takes the addresses of a host that [`Event::Locate`] asked for. One that has none need not be told.
    pub fn handle_located(&mut self, line: LineId, addresses: &[IpAddr]) {
        self.lines.located_behind_proxy(line, addresses);
    }

    fn tell_ended(&mut self, now: Instant) {
        while let Some(ended) = self.transactions.poll_ended() {
            match ended {
                Ended::TimedOut { user, flow } => self.handle_unanswered(now, user, flow),
                // A request that was answered before it became a call.
                Ended::Invite { user: 0, .. } => {}
                Ended::Invite { user, status, by, end } => self.tell_call_ended(user, status, by, end),
            }
        }
    }

    fn tell_call_ended(&mut self, call: u64, status: u16, by: EndedBy, end: InviteServerEnd) {
        let end = match end {
            InviteServerEnd::Acknowledged => CallEnd::Acknowledged,
            InviteServerEnd::Unacknowledged => {
                self.counters.unacknowledged += 1;
                CallEnd::Unacknowledged
            }
            InviteServerEnd::Silent => CallEnd::Ignored,
        };
        let status = (status >= 200).then_some(status);
        self.events.push_back(Event::Ended { call: CallNumber::new(call), status, by, end });
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("local", &self.local)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}
