//! One thread's loop: a socket, connections, timers and commands go into a [`ringfence_ua::Endpoint`], and what comes out is
//! carried out. Nothing is shared between shards.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use ringfence_ua::{CallNumber, Config, Decided, Endpoint, Event, Flow, Transport};
use tokio::sync::mpsc;

use crate::call::{Facts, IncomingCall};
use crate::error::{Kind, Result};
use crate::hooks::Hooks;
use crate::io::RtpPorts;
use crate::io::locate::Names;
use crate::io::streams::Streams;
use crate::io::stun::StunServer;
use crate::io::udp::Udp;
use crate::line::LineId;
use crate::listener::Listener;
use crate::newest::Tells;
use crate::screen::screen_of;
use crate::trace::{Direction, Traced};

mod asking;
mod calls;
mod clock;
mod command;
mod connections;
mod leaving;
mod lines;
mod long_requests;
mod lookups;
mod media;
mod routes;
mod telling;
#[cfg(test)]
mod tests;
mod ways;

use asking::Asking;
use clock::Clocks;
pub(crate) use command::Command;
pub(crate) use connections::Sockets;
use connections::nth_port;
use leaving::Leaving;
use lines::LineState;
use lookups::NextHop;
use routes::Routes;
use telling::Telling;
pub(crate) use telling::Waiter;
use ways::Ways;
pub(crate) use ways::ways_to;

/// Commands that are attended to before datagrams have their turn.
const BATCH: usize = 64;

/// One thread's state.
pub(crate) struct Shard {
    index: u16,
    endpoint: Endpoint,
    udp: Udp,
    names: Names,
    streams: Streams,
    /// Where others connect to.
    listening: Vec<Listener>,
    hooks: Hooks,
    commands: mpsc::UnboundedReceiver<Command>,
    /// For handles that are made here.
    sender: mpsc::UnboundedSender<Command>,
    lines: BTreeMap<ringfence_ua::LineId, LineState>,
    /// Of the lines that wait for a connection.
    ways: BTreeMap<ringfence_ua::LineId, Ways>,
    /// The offered calls that are undecided, to be told when they are over.
    offered: BTreeMap<u64, Tells<bool>>,
    /// The lines that were offered calls, once for each: whoever waits for one is woken when all that came at once is
    /// attended to, or each would take the core from this thread.
    untold: Vec<ringfence_ua::LineId>,
    /// The calls that are to be told of at one place for all lines, for the same reason at once.
    for_attendant: VecDeque<IncomingCall>,
    /// Who decided, where the response waits to be sent.
    undone: Telling,
    rtp_ports: RtpPorts,
    stun: Option<StunServer>,
    asking: Asking,
    leaving: Option<Leaving>,
}

impl Shard {
    /// Binds the socket. Needs the runtime that [`Shard::run`] will run on.
    pub(crate) fn bind(
        index: u16,
        sockets: &Sockets,
        names: Names,
        hooks: Hooks,
        config: &Config,
    ) -> Result<Self> {
        let address = nth_port(sockets.udp, index);
        let by_udp = Listener { transport: Transport::Udp, address };
        let udp = Udp::bind(address).map_err(|error| Kind::Socket { listener: by_udp, error })?;
        let mut streams = Streams::new(udp.local(), sockets.tls.clone(), sockets.room.clone());
        streams.set_origins(sockets.origins.clone());
        let mut listening = Vec::new();
        for (&transport, &address) in &sockets.streams {
            listening.push(streams.listen(Listener { transport, address: nth_port(address, index) })?);
        }
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| Kind::System { what: "no randomness", error: io::Error::other(error) })?;
        let connections = listening.iter().map(|listener| (listener.transport, listener.address));
        let own = Config { local: udp.local(), listening: connections.collect(), ..config.clone() };
        let mut endpoint = Endpoint::new(own, seed);
        if hooks.screen.is_some() {
            let hooks = hooks.clone();
            endpoint = endpoint.with_screen(screen_of(index, move |invites, verdicts| {
                hooks.screen(invites, verdicts);
            }));
        }
        let (sender, commands) = mpsc::unbounded_channel();
        Ok(Self {
            index,
            endpoint,
            udp,
            names,
            streams,
            listening,
            hooks,
            commands,
            sender,
            lines: BTreeMap::new(),
            ways: BTreeMap::new(),
            offered: BTreeMap::new(),
            untold: Vec::new(),
            for_attendant: VecDeque::new(),
            undone: Telling::default(),
            rtp_ports: RtpPorts::new(&sockets.rtp_ports)?,
            stun: sockets.stun.clone(),
            asking: Asking::new(sockets.busy_poll),
            leaving: None,
        })
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.udp.local()
    }

    /// Returns where others connect to.
    pub(crate) fn listening(&self) -> &[Listener] {
        &self.listening
    }

    pub(crate) fn commands(&self) -> mpsc::UnboundedSender<Command> {
        self.sender.clone()
    }

    /// Runs until it is shut down.
    pub(crate) async fn run(mut self) {
        let mut clocks = Clocks::new(Instant::now(), SystemTime::now());
        let mut routes = Routes::new(self.udp.local());
        while !self.has_left() {
            let due = self.next_due();
            let timer = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            let mut is_look = false;
            tokio::select! {
                readable = self.udp.readable() => if let Err(error) = readable {
                    tracing::error!(%error, "socket lost");
                    break;
                },
                event = self.streams.next() => if let Some(event) = event {
                    self.handle_stream(Instant::now(), event);
                },
                command = self.commands.recv() => if let Some(command) = command {
                    self.handle_command(command);
                },
                () = timer => {}
                () = routes.are_due() => is_look = true,
                () = self.asking.again() => {}
            }
            let now = Instant::now();
            let have_jumped = clocks.have_jumped(now, SystemTime::now());
            if have_jumped {
                tracing::debug!("slept: the lines register again");
                self.endpoint.handle_clock_jump(now);
            }
            let changes = routes.changes(self.endpoint.correspondents());
            if is_look && !have_jumped && changes.is_empty() {
                // At rest this is all that happens: the rest of the loop, and its pages, are for what does.
                continue;
            }
            for change in changes {
                self.take_route(now, &change);
            }
            self.receive(now);
            for _ in 0..BATCH {
                let Some(event) = self.streams.try_next() else { break };
                self.handle_stream(now, event);
            }
            for _ in 0..BATCH {
                let Ok(command) = self.commands.try_recv() else { break };
                self.handle_command(command);
            }
            self.handle_due(Instant::now());
            self.settle().await;
        }
        self.leave().await;
    }

    fn next_due(&self) -> Option<Instant> {
        let leaving = self.leaving.as_ref().and_then(Leaving::poll_timeout);
        let due =
            [self.endpoint.poll_timeout(), self.streams.poll_timeout(), self.udp.poll_timeout(), leaving];
        due.into_iter().flatten().min()
    }

    /// Attends to what is to be done by now.
    fn handle_due(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        if let Some(leaving) = &mut self.leaving {
            leaving.handle_timeout(now);
        }
        if self.udp.is_shedding_due(now) {
            self.udp.shed(now, self.endpoint.correspondents());
        }
        self.streams.close_unused(now, |id| self.endpoint.uses(id));
    }

    /// Takes the datagrams that are there, up to a batch.
    fn receive(&mut self, now: Instant) {
        let Self { udp, endpoint, hooks, asking, .. } = self;
        match udp.try_receive() {
            Ok(count) => {
                asking.heard(now);
                let datagrams = (0..count).filter_map(|index| udp.received(index));
                endpoint.handle_datagrams(
                    now,
                    datagrams.inspect(|(source, datagram)| {
                        trace(hooks, udp.local(), Direction::Received, (*source).into(), datagram);
                    }),
                );
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // An ICMP error of an earlier datagram, which names no transaction.
            Err(error) => tracing::debug!(%error, "receive"),
        }
    }

    /// Sends what waits.
    async fn send(&mut self) {
        let Self { udp, endpoint, hooks, .. } = self;
        let transmits = endpoint.transmits();
        if transmits.is_empty() {
            return;
        }
        if hooks.trace.is_some() {
            for transmit in transmits.iter() {
                trace(hooks, udp.local(), Direction::Sent, transmit.destination.into(), transmit.payload);
            }
        }
        udp.send(transmits).await;
        endpoint.clear_transmits();
    }

    /// Tells what there is to tell, and then sends what waits: a caller who has got 487 has no call left that the
    /// application could still take for open. Whoever waits for a call is told last: it may run at once in this thread's place.
    async fn settle(&mut self) {
        while let Some(event) = self.endpoint.poll_event() {
            self.handle_event(event);
        }
        self.write();
        self.send().await;
        self.tell_offered();
        self.undone.tell();
    }

    fn handle_command(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::AddLine { account, done } => {
                let line = self.add_line(now, *account);
                // The line of a future that was dropped goes with it.
                let _ = done.send(line);
            }
            Command::Register { line } => self.register(now, line),
            Command::Unregister { line, done } => self.unregister(now, line, done),
            Command::Remove { line, next, done } => self.remove(now, line, next.as_deref(), done),
            Command::Change { line, account, done } => {
                // Whoever asked may have gone.
                let _ = done.send(self.endpoint.change_account(now, line, *account));
            }
            Command::Located { line, addresses } => self.endpoint.handle_located(line, &addresses),
            Command::Resolved { line, resolved } => self.endpoint.handle_resolved(now, line, resolved),
            Command::Found { line, ways } => self.take_ways(now, line, ways),
            Command::Ring { call, done } => {
                let decided = self.endpoint.ring(now, CallNumber::new(call));
                if let Decided::Objected(_) = decided {
                    self.offered.remove(&call);
                }
                self.undone.add(done, decided);
            }
            Command::Reject { call, rejection, done } => {
                let decided = self.endpoint.reject(now, CallNumber::new(call), &rejection);
                self.offered.remove(&call);
                if let Some(done) = done {
                    self.undone.add(done, decided);
                }
            }
            Command::TurnAway { call } => {
                self.endpoint.give_up(now, CallNumber::new(call));
                self.offered.remove(&call);
            }
            Command::Redirect { call, redirection, done } => {
                let decided = self.endpoint.redirect(now, CallNumber::new(call), &redirection);
                self.offered.remove(&call);
                self.undone.add(done, decided);
            }
            Command::Wait { call, wait, done } => {
                let decided = self.endpoint.wait(now, CallNumber::new(call), &wait.into_inner());
                self.offered.remove(&call);
                self.undone.add(done, decided);
            }
            Command::Ignore { call } => {
                self.endpoint.ignore(now, CallNumber::new(call));
                self.offered.remove(&call);
            }
            Command::BindMedia { line, done } => self.bind_media(line, done),
            Command::SetTls { tls, done } => {
                // Who asked may have gone.
                let _ = done.send(self.set_tls(now, tls));
            }
            Command::Count { done } => {
                let mut counters = self.endpoint.counters();
                self.udp.count(&mut counters);
                self.streams.count(&mut counters);
                let _ = done.send(counters);
            }
            Command::Shutdown { grace, done } => self.shut_down(now, now.checked_add(grace), done),
        }
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Resolve { line, host, port, transport, is_secure, is_connecting, path } => {
                self.resolve(line, NextHop { host, port, transport, is_secure, path }, is_connecting);
            }
            Event::Connect { server } => self.connect_for_long_requests(Instant::now(), server),
            Event::Disconnect { connection } => self.disconnect(connection, "the registrar is silent"),
            Event::Locate { line, host, port } => self.locate(line, host, port),
            Event::Registration { line, state } => {
                self.tell_registration(line, state);
            }
            Event::Unconfirmed { line } => self.tell_unconfirmed(line),
            Event::Removed { line } => self.tell_removed(line),
            Event::Incoming { call, line, invite, source, origin, objection } => {
                let facts = Facts {
                    id: self.call_id(call),
                    line: LineId { shard: self.index, line },
                    label: self.lines.get(&line).map_or_else(|| "".into(), |line| Arc::clone(line.label())),
                    message: invite,
                    source,
                    origin,
                    objection,
                };
                self.offer(line, facts);
            }
            Event::Cancelled { call } => {
                if let Some(cancelled) = self.offered.remove(&call.as_u64()) {
                    cancelled.tell(true);
                }
            }
            Event::Ended { call, status, by, end } => self.tell_ended(call, status, by, end),
            _ => {}
        }
    }
}

fn trace(hooks: &Hooks, local: SocketAddr, direction: Direction, flow: Flow, payload: &[u8]) {
    if hooks.trace.is_some() {
        let (transport, remote) = (flow.transport(), flow.remote());
        hooks.trace(&Traced { at: SystemTime::now(), direction, transport, local, remote, payload });
    }
}
