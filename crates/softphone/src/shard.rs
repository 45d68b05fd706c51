//! One thread's loop: a socket, timers and commands go into a [`ringfence_ua::Endpoint`], and what comes out is
//! carried out. Nothing is shared between shards.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ringfence_ua::{
    CallEnd, CallNumber, Config, Decided, Endpoint, Event, Redirection, Rejection, Target, Unresolved,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::call::{Ended, How, IncomingCall};
use crate::error::{Kind, Result};
use crate::io::resolver::resolve;
use crate::io::udp::Udp;
use crate::line::{Line, LineId};
use crate::registration::RegistrationState;
use crate::screen::{CallId, Invite};
use crate::softphone::Hooks;
use crate::trace::{Direction, Traced};

/// What the handles ask of a shard. The queue has no bound of its own: each undecided call adds a few
/// commands, and those calls are bounded.
#[derive(Debug)]
pub(crate) enum Command {
    AddLine { account: Box<ringfence_ua::Account>, done: oneshot::Sender<Result<Line>> },
    Register { line: ringfence_ua::LineId },
    Unregister { line: ringfence_ua::LineId },
    Remove { line: ringfence_ua::LineId, done: oneshot::Sender<()> },
    Resolved { line: ringfence_ua::LineId, resolved: std::result::Result<Vec<Target>, Unresolved> },
    Ring { call: u64, done: oneshot::Sender<Decided> },
    Reject { call: u64, rejection: Arc<Rejection>, done: Option<oneshot::Sender<Decided>> },
    Redirect { call: u64, redirection: Arc<Redirection>, done: oneshot::Sender<Decided> },
    Ignore { call: u64 },
    Count { done: oneshot::Sender<ringfence_ua::Counters> },
    Shutdown { grace: Duration, done: oneshot::Sender<()> },
}

/// Datagrams and commands that are attended to before the other has its turn.
const BATCH: usize = 64;
/// The longest UDP payload.
const LONGEST_DATAGRAM: usize = 65_535;
/// Calls of one line that wait for [`Line::incoming`]; beyond them a call is answered 480.
const WAITING_CALLS: usize = 1024;

/// One thread's state.
pub(crate) struct Shard {
    index: u16,
    endpoint: Endpoint,
    udp: Udp,
    hooks: Hooks,
    commands: mpsc::UnboundedReceiver<Command>,
    /// For handles that are made here.
    sender: mpsc::UnboundedSender<Command>,
    lines: BTreeMap<ringfence_ua::LineId, LineState>,
    /// The offered calls that are undecided, to be told when they are over.
    offered: BTreeMap<u64, watch::Sender<bool>>,
    /// Decisions whose response waits to be sent.
    undone: Vec<(oneshot::Sender<Decided>, Decided)>,
    leaving: Option<Leaving>,
}

struct LineState {
    label: Arc<str>,
    states: watch::Sender<RegistrationState>,
    calls: mpsc::Sender<IncomingCall>,
    removed: Option<oneshot::Sender<()>>,
}

struct Leaving {
    until: Instant,
    done: oneshot::Sender<()>,
}

impl Shard {
    /// Binds the socket. Needs the runtime that [`Shard::run`] will run on.
    pub(crate) fn bind(index: u16, address: SocketAddr, hooks: Hooks, config: &Config) -> Result<Self> {
        let udp = Udp::bind(address).map_err(|error| Kind::Socket { address, error })?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| Kind::System { what: "no randomness", error: io::Error::other(error) })?;
        let mut endpoint = Endpoint::new(Config { local: udp.local(), ..config.clone() }, seed);
        if let Some(screen) = hooks.screen.clone() {
            endpoint = endpoint.with_screen(Box::new(move |invite| {
                let line = LineId { shard: index, line: invite.line };
                screen(&Invite {
                    message: invite.message,
                    id: CallId { shard: index, number: invite.call.as_u64() },
                    line,
                    label: invite.label,
                    source: invite.source,
                    origin: invite.origin,
                    objection: invite.objection,
                })
                .into_inner()
            }));
        }
        let (sender, commands) = mpsc::unbounded_channel();
        Ok(Self {
            index,
            endpoint,
            udp,
            hooks,
            commands,
            sender,
            lines: BTreeMap::new(),
            offered: BTreeMap::new(),
            undone: Vec::new(),
            leaving: None,
        })
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.udp.local()
    }

    pub(crate) fn commands(&self) -> mpsc::UnboundedSender<Command> {
        self.sender.clone()
    }

    /// Runs until it is shut down.
    pub(crate) async fn run(mut self) {
        let mut buffer = vec![0; LONGEST_DATAGRAM];
        while !self.has_left() {
            let due = self.next_due();
            let timer = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                readable = self.udp.readable() => if let Err(error) = readable {
                    tracing::error!(%error, "socket lost");
                    return;
                },
                command = self.commands.recv() => if let Some(command) = command {
                    self.handle_command(command);
                },
                () = timer => {}
            }
            self.receive(&mut buffer).await;
            for _ in 0..BATCH {
                let Ok(command) = self.commands.try_recv() else { break };
                self.handle_command(command);
            }
            self.endpoint.handle_timeout(Instant::now());
            self.settle().await;
        }
        if let Some(leaving) = self.leaving {
            // Nobody may wait for it.
            let _ = leaving.done.send(());
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let leaving = self.leaving.as_ref().map(|leaving| leaving.until);
        [self.endpoint.poll_timeout(), leaving].into_iter().flatten().min()
    }

    fn has_left(&self) -> bool {
        let is_unregistered = |line: &LineState| *line.states.borrow() == RegistrationState::Unregistered;
        self.leaving.as_ref().is_some_and(|leaving| {
            Instant::now() >= leaving.until || self.lines.values().all(is_unregistered)
        })
    }

    /// Takes the datagrams that are there, up to a batch.
    async fn receive(&mut self, buffer: &mut [u8]) {
        for _ in 0..BATCH {
            match self.udp.try_receive(buffer) {
                Ok((length, source)) => {
                    let datagram = &buffer[..length];
                    self.trace(Direction::Received, source, datagram);
                    self.endpoint.handle_datagram(Instant::now(), source, datagram);
                    self.send().await;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An ICMP error of an earlier datagram, which names no transaction.
                Err(error) => tracing::debug!(%error, "receive"),
            }
        }
    }

    /// Sends what waits.
    async fn send(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            trace(&self.hooks, self.udp.local(), Direction::Sent, transmit.destination, transmit.payload);
            if let Err(error) = self.udp.send(transmit.payload, transmit.destination).await {
                // The transaction retransmits, and tells when it gives up.
                tracing::debug!(%error, "send");
            }
        }
    }

    /// Sends what waits, and tells what there is to tell.
    async fn settle(&mut self) {
        self.send().await;
        for (done, decided) in self.undone.drain(..) {
            // Who decided may not wait for it.
            let _ = done.send(decided);
        }
        while let Some(event) = self.endpoint.poll_event() {
            self.handle_event(event);
        }
        self.send().await;
    }

    fn handle_command(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::AddLine { account, done } => {
                let line = self.add_line(now, *account);
                // A future that was dropped leaves its line behind, as if it had been dropped later.
                let _ = done.send(line);
            }
            Command::Register { line } => self.endpoint.register(now, line),
            Command::Unregister { line } => self.endpoint.unregister(now, line),
            Command::Remove { line, done } => {
                if let Some(state) = self.lines.get_mut(&line) {
                    state.removed = Some(done);
                }
                self.endpoint.remove_line(now, line);
            }
            Command::Resolved { line, resolved } => self.endpoint.handle_resolved(now, line, resolved),
            Command::Ring { call, done } => {
                let decided = self.endpoint.ring(now, CallNumber::new(call));
                if let Decided::Objected(_) = decided {
                    self.offered.remove(&call);
                }
                self.undone.push((done, decided));
            }
            Command::Reject { call, rejection, done } => {
                let decided = self.endpoint.reject(now, CallNumber::new(call), &rejection);
                self.offered.remove(&call);
                self.undone.extend(done.map(|done| (done, decided)));
            }
            Command::Redirect { call, redirection, done } => {
                let decided = self.endpoint.redirect(now, CallNumber::new(call), &redirection);
                self.offered.remove(&call);
                self.undone.push((done, decided));
            }
            Command::Ignore { call } => {
                self.endpoint.ignore(now, CallNumber::new(call));
                self.offered.remove(&call);
            }
            Command::Count { done } => {
                let _ = done.send(self.endpoint.counters());
            }
            Command::Shutdown { grace, done } => {
                self.endpoint.reject_all(now);
                self.endpoint.unregister_all(now);
                self.leaving = Some(Leaving { until: now + grace, done });
            }
        }
    }

    fn add_line(&mut self, now: Instant, account: ringfence_ua::Account) -> Result<Line> {
        if self.leaving.is_some() {
            return Err(Kind::Closed.into());
        }
        let (label, address_of_record) = (Arc::clone(&account.label), account.address_of_record());
        let first = if account.is_registering {
            RegistrationState::Registering { attempt: 1 }
        } else {
            RegistrationState::Unregistered
        };
        let line = self.endpoint.add_line(now, account).map_err(|_| Kind::Full)?;
        let (states, watched) = watch::channel(first);
        let (calls, waiting) = mpsc::channel(WAITING_CALLS);
        self.lines.insert(line, LineState { label: Arc::clone(&label), states, calls, removed: None });
        let id = LineId { shard: self.index, line };
        Ok(Line::new(id, label, address_of_record, self.sender.clone(), watched, waiting))
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Resolve { line, host, port } => {
                let (sender, listening) = (self.sender.clone(), self.udp.local());
                tokio::spawn(async move {
                    let resolved = resolve(host, port, listening).await;
                    // A shard that has ended needs no address.
                    let _ = sender.send(Command::Resolved { line, resolved });
                });
            }
            Event::Registration { line, state } => {
                if let Some(known) = self.lines.get(&line) {
                    let state = RegistrationState::from_inner(state, Instant::now());
                    known.states.send_replace(state);
                }
            }
            Event::Removed { line } => {
                let removed = self.lines.remove(&line).and_then(|state| state.removed);
                if let Some(removed) = removed {
                    let _ = removed.send(());
                }
            }
            Event::Incoming { call, line, invite, source, origin, objection } => {
                let facts = crate::call::Facts {
                    id: CallId { shard: self.index, number: call.as_u64() },
                    line: LineId { shard: self.index, line },
                    label: self.lines.get(&line).map_or_else(|| "".into(), |line| Arc::clone(&line.label)),
                    message: invite,
                    source,
                    origin,
                    objection,
                };
                self.offer(line, facts);
            }
            Event::Cancelled { call } => {
                if let Some(cancelled) = self.offered.remove(&call.as_u64()) {
                    cancelled.send_replace(true);
                }
            }
            Event::Ended { call, status, end } => self.tell_ended(call, status, end),
            _ => {}
        }
    }

    fn offer(&mut self, line: ringfence_ua::LineId, facts: crate::call::Facts) {
        let (cancel, cancelled) = watch::channel(false);
        self.offered.insert(facts.id.number, cancel);
        let call = IncomingCall { facts, commands: self.sender.clone(), cancelled, is_decided: false };
        if let Some(known) = self.lines.get(&line) {
            // What has no room, or no line, is dropped here and so answered 480.
            let _ = known.calls.try_send(call);
        }
    }

    fn tell_ended(&self, call: CallNumber, status: Option<u16>, end: CallEnd) {
        let Some(ended) = &self.hooks.ended else { return };
        let how = match end {
            CallEnd::Acknowledged => How::Acknowledged,
            CallEnd::Unacknowledged => How::Unacknowledged,
            CallEnd::Ignored => How::Ignored,
            CallEnd::Stateless | _ => How::Stateless,
        };
        ended(&Ended { call: CallId { shard: self.index, number: call.as_u64() }, status, how });
    }

    fn trace(&self, direction: Direction, remote: SocketAddr, payload: &[u8]) {
        trace(&self.hooks, self.udp.local(), direction, remote, payload);
    }
}

fn trace(hooks: &Hooks, local: SocketAddr, direction: Direction, remote: SocketAddr, payload: &[u8]) {
    if let Some(trace) = &hooks.trace {
        trace(&Traced { at: SystemTime::now(), direction, local, remote, payload });
    }
}
