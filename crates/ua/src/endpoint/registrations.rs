//! The lines' side of the door: adding and removing them, and carrying out what their bindings ask for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_wire::sip::{Message, StatusCode};

use super::lines::Turn;
use super::{Endpoint, Event, Full};
use crate::id::{LineId, LineToken};
use crate::registration::{Account, Action, Binding, RegistrationState};
use crate::transport::{Flow, Transport};

impl Endpoint {
    /// Adds a line, and begins to register it if its account says so, in its turn as [`Endpoint::register`].
    pub fn add_line(&mut self, now: Instant, account: Account) -> Result<LineId, Full> {
        if self.lines.len() >= self.limits.lines {
            return Err(Full);
        }
        for leaving in self.lines.leaving_like(&account) {
            self.give_way(leaving, &account);
        }
        let token = self.generator.kept_token();
        let (host, port) = (account.next_hop().0.to_owned(), account.next_hop().1);
        let account = Arc::new(self.lines.with_known_domain(account));
        let binding = account.is_registering.then(|| self.bind(&account, token, 1));
        let id = self.lines.add(Arc::clone(&account), binding, token);
        if account.is_registering {
            self.add_flows(id, &account, token);
            self.register(now, id);
        } else {
            self.look_up(id, host, port, None);
            self.settle_line(now, id);
        }
        Ok(id)
    }

    /// Adds the flows of a line through its other outbound proxies.
    fn add_flows(&mut self, id: LineId, account: &Account, token: LineToken) {
        //= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
        //# If the set has more than one URI, the UAC MUST send a REGISTER request to at least two
        //# of the default outbound proxies from the set.
        //= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
        //# The sequence of reg-id values does not have to be sequential but MUST be exactly the
        //# same sequence of reg-id values each time the UA instance power cycles or reboots, so
        //# that the reg-id values will collide with the previously used reg-id values.
        for (proxy, reg_id) in account.extras().other_proxies.iter().zip(2..) {
            let account = Arc::new(account.through_proxy(proxy.clone()));
            let binding = self.bind(&account, token, reg_id);
            self.lines.add_flow(id, account, binding);
        }
    }

    fn bind(&mut self, account: &Arc<Account>, token: LineToken, reg_id: u8) -> Binding {
        let crowd = self.lines.crowd_of(account, &self.agent.product);
        Binding::new(Arc::clone(account), token, reg_id, crowd, &mut self.generator)
    }

    /// Registers a line again that was unregistered, or tries at once what would be tried later. One that is being removed
    /// goes all the same.
    ///
    /// At each server a hundred lines at once have a REGISTER on its way for this and for [`Endpoint::unregister`]; the others have
    /// their turn one for each of those that is done, or after 10 ms in which none is.
    pub fn register(&mut self, now: Instant, id: LineId) {
        if self.lines.find(id).is_none() || self.lines.is_leaving(id) {
            return;
        }
        for id in self.lines.set_leaving(id, false) {
            self.lines.turns.withdraw(id);
            self.ask_turn(now, id, Turn::Register);
        }
    }

    /// Takes what the account of a line says now. Returns whether its binding is the same all the same: if not, or if the line is
    /// being removed, nothing is changed.
    ///
    /// It is where the accounts differ in credentials, in the name that people are shown, in how long they ask for, and in whose
    /// calls are taken alone. For the last nothing is sent. For the others the binding is asked for anew, within 10 ms for each
    /// line that is registered at the same server: what the registrar has of it stays until then, and when it refuses until its
    /// time is over.
    pub fn change_account(&mut self, now: Instant, id: LineId, account: Account) -> bool {
        let Some(line) = self.lines.find(id).filter(|_| !self.lines.is_leaving(id)) else { return false };
        if !line.account.has_binding_of(&account) {
            return false;
        }
        let (label, instance) = (Arc::clone(&line.account.label), line.account.instance.clone());
        let account = Arc::new(self.lines.with_known_domain(Account { label, instance, ..account }));
        for flow in self.lines.flows_of(id) {
            let proxy = self.lines.find(flow).and_then(|line| line.account.extras().outbound_proxy.clone());
            let account = match proxy.filter(|_| flow != id) {
                Some(proxy) => Arc::new(account.through_proxy(proxy)),
                None => Arc::clone(&account),
            };
            self.lines.set_account(flow, &account);
            if let Some(binding) = self.lines.find_mut(flow).and_then(|line| line.binding.as_mut()) {
                binding.change(now, account, &mut self.generator);
            }
            self.settle_line(now, flow);
        }
        true
    }

    /// Has a line that waits to try again, or those of its flows for which there was no connection, wait no longer: what kept
    /// it from its registrar may have changed. Many lines of one registrar try over 10 ms for each.
    pub fn retry(&mut self, now: Instant, id: LineId) {
        for id in self.lines.unconnected_flows_of(id) {
            if let Some(binding) = self.lines.find_mut(id).and_then(|line| line.binding.as_mut()) {
                binding.retry_within(now, Duration::ZERO, &mut self.generator);
            }
            self.settle_line(now, id);
        }
    }

    /// Removes a line's own bindings at its registrar. The line stays, unregistered, and takes calls that still come.
    /// Until it is its turn, as [`Endpoint::register`] says, it is registered as before.
    pub fn unregister(&mut self, now: Instant, id: LineId) {
        for id in self.lines.set_leaving(id, true) {
            self.ask_turn(now, id, Turn::Unregister);
        }
    }

    /// Has a line register or unregister as soon as it is its turn: at once, where nothing is to be sent for that, or few others of
    /// its server are under way.
    fn ask_turn(&mut self, now: Instant, id: LineId, turn: Turn) {
        let Some(binding) = self.lines.find(id).and_then(|line| line.binding.as_ref()) else { return };
        let (server, needs_turn) = match turn {
            Turn::Register => (binding.server(), binding.needs_turn_to_start()),
            Turn::Unregister => (binding.server(), binding.needs_turn_to_stop(now)),
        };
        if !needs_turn {
            self.lines.turns.withdraw(id);
            self.take_turn(now, id, turn);
        } else if self.lines.turns.ask(now, server, id, turn) {
            self.take_turn(now, id, turn);
        }
    }

    fn take_turn(&mut self, now: Instant, id: LineId, turn: Turn) {
        if let Some(binding) = self.lines.find_mut(id).and_then(|line| line.binding.as_mut()) {
            match turn {
                Turn::Register => binding.start(now),
                Turn::Unregister => binding.stop(now, &mut self.generator),
            }
        }
        self.settle_line(now, id);
    }

    /// Has those register and unregister whose turn it is.
    fn give_turns(&mut self, now: Instant) {
        // One that ends at once gives its turn to the next: that is done by who has begun.
        if std::mem::replace(&mut self.is_giving_turns, true) {
            return;
        }
        while let Some((id, turn)) = self.lines.turns.next(now) {
            self.take_turn(now, id, turn);
        }
        self.is_giving_turns = false;
    }

    /// Removes a line: unregisters it and then forgets it, which [`Event::Removed`] tells.
    pub fn remove_line(&mut self, now: Instant, id: LineId) {
        self.lines.leave(id);
        let Some(line) = self.lines.find(id) else { return };
        if line.binding.is_some() {
            self.unregister(now, id);
        } else {
            self.forget_line(id);
        }
    }

    /// Removes a line as [`Endpoint::remove_line`] does, as one of another account takes its place, which is added now or a moment
    /// later. Where that has the same address-of-record and label, and the registrar tells lines by instance and flow (RFC 5626
    /// section 6), nothing is sent: the requests of the two might come in any order, and the binding of the new one would be
    /// removed.
    pub fn replace_line(&mut self, now: Instant, id: LineId, next: &Account) {
        self.give_way(id, next);
        self.remove_line(now, id);
    }

    fn give_way(&mut self, id: LineId, next: &Account) {
        if !self.lines.find(id).is_some_and(|line| line.account.is_same_line(next)) {
            return;
        }
        let flows = 1 + next.extras().other_proxies.len();
        for id in self.lines.flows_of(id) {
            if let Some(binding) = self.lines.find_mut(id).and_then(|line| line.binding.as_mut()) {
                binding.give_way(flows);
            }
        }
    }

    /// Unregisters every line: what [`Event::Registration`] tells of each.
    pub fn unregister_all(&mut self, now: Instant) {
        for id in self.lines.ids() {
            if self.lines.leader_of(id) == id {
                self.unregister(now, id);
            }
        }
    }

    /// Returns the account of a line.
    #[must_use]
    pub fn account(&self, id: LineId) -> Option<&Account> {
        self.lines.find(id).map(|line| &*line.account)
    }

    /// Returns where the packets of a line leave from towards its registrar, once that was found.
    #[must_use]
    pub fn local_address(&self, id: LineId) -> Option<SocketAddr> {
        self.lines.find(id)?.local()
    }

    /// Takes that time has passed which the clock of `now` has not seen, as while the machine slept: bindings may
    /// have expired meanwhile, so every line registers again within 5 s, or 10 ms for each line that is registered at
    /// the same server.
    pub fn handle_clock_jump(&mut self, now: Instant) {
        for id in self.lines.ids() {
            if let Some(binding) = self.lines.find_mut(id).and_then(|line| line.binding.as_mut()) {
                binding.handle_clock_jump(now, &mut self.generator);
            }
            self.settle_line(now, id);
        }
    }

    pub(super) fn handle_lines_due(&mut self, now: Instant) {
        while let Some(id) = self.lines.pop_due(now) {
            let is_lookup_due = self.lines.is_lookup_due(now, id);
            let Some(line) = self.lines.find_mut(id) else { continue };
            if let Some(binding) = &mut line.binding {
                binding.handle_timeout(now, &mut self.generator);
            } else if is_lookup_due {
                let (host, port) = line.account.next_hop();
                let host = host.to_owned();
                self.look_up(id, host, port, None);
            }
            self.settle_line(now, id);
        }
        self.give_turns(now);
    }

    /// Takes the response to a request of ours.
    pub(super) fn handle_answered(
        &mut self,
        now: Instant,
        user: u64,
        response: &Message<'_>,
        is_repeated: bool,
    ) {
        let id = line_of(user);
        let detour = self.detour_of(id);
        if let Some(flow) = self.flow_of(id) {
            //= https://www.rfc-editor.org/rfc/rfc3263#section-4.3
            //# For SIP requests, failure occurs if the transaction layer reports a
            //# 503 error response or a transport failure of some sort
            match response.status().map(StatusCode::as_u16) {
                Some(503) => {
                    let asked = response.retry_after().and_then(Result::ok);
                    let asked = asked.map(|asked| Duration::from_secs(asked.seconds.into()));
                    // The server has said so itself, whatever it was asked over.
                    let others = [detour.map(|detour| detour.flow), self.way_by_udp(id)];
                    for flow in others.into_iter().flatten().chain([flow]) {
                        self.penalties.add(now, flow, asked);
                    }
                }
                // One that is overloaded challenges many while it sends others away.
                Some(200..300) => self.penalties.remove(detour.map_or(flow, |detour| detour.flow)),
                Some(_) | None => {}
            }
        }
        if let Some(binding) = self.lines.find_mut(id).and_then(|line| line.binding.as_mut()) {
            binding.handle_response(now, response, detour, is_repeated, &mut self.generator);
        }
        if let Some(detour) = detour.filter(|_| self.is_by_udp(id)) {
            // Where it has become the way to the line, it has to last first.
            self.detours.answered(detour.flow.remote());
        }
        self.settle_line(now, id);
    }

    /// Takes that a request of ours was never answered, which was sent on a flow.
    pub(super) fn handle_unanswered(&mut self, now: Instant, user: u64, flow: Flow) {
        let id = line_of(user);
        if self.lines.asks_over(id) != flow.connection_id() {
            // With another line's its connection was found to lead nowhere, and it is asked anew already.
            return;
        }
        // A connection over which nothing came for 32 s may lead nowhere: the next attempt is to have its own.
        if let Some(connection) = self.lines.silent_connection_of(now, id) {
            self.events.push_back(Event::Disconnect { connection });
            if self.detour_of(id).is_some() {
                return self.handle_disconnected(now, connection, "it brings no answer");
            }
        }
        self.penalties.add(now, flow, None);
        if let Some(binding) = self.lines.find_mut(id).and_then(|line| line.binding.as_mut()) {
            let unreadable = self.unreadable.while_waiting(now, flow.remote());
            binding.handle_unanswered(now, unreadable, &mut self.generator);
        }
        self.settle_line(now, id);
    }

    /// Takes that a connection is no more over which a line is registered or asks to be.
    pub(super) fn handle_line_disconnected(&mut self, now: Instant, id: LineId, error: &str) {
        if let Some(asked) = self.lines.stop_asking(id) {
            self.transactions.abandon(asked);
        }
        if let Some(binding) = self.lines.find_mut(id).and_then(|line| line.binding.as_mut()) {
            binding.handle_disconnected(now, error, &mut self.generator);
        }
        self.settle_line(now, id);
    }

    /// Carries out what a line's binding asks for, until it asks for nothing more.
    pub(super) fn settle_line(&mut self, now: Instant, id: LineId) {
        while let Some(action) =
            self.lines.find_mut(id).and_then(|line| line.binding.as_mut()).and_then(Binding::poll_action)
        {
            match action {
                Action::Resolve { host, port, transport } => self.look_up(id, host, port, transport),
                Action::Tell(state) => self.tell_registration(now, id, state),
                Action::Left { is_confirmed } => self.note_left(id, is_confirmed),
                Action::KeepOpen { flow, within, by_stun, is_open: true } => {
                    self.keep_alive.add(now, flow, within, by_stun, &mut self.generator);
                }
                Action::KeepOpen { flow, is_open: false, .. } => self.keep_alive.remove(flow),
                Action::Send { flow, request } => self.send_register(now, id, flow, request),
            }
        }
        self.lines.schedule(id);
        let binding = self.lines.find(id).and_then(|line| line.binding.as_ref());
        if self.lines.turns.is_under_way(id) && !binding.is_some_and(Binding::is_under_way) {
            self.lines.turns.end(id);
        }
        self.give_turns(now);
    }

    /// Has the next hop of a line looked up, and with it the registrar that stands behind a proxy.
    fn look_up(&mut self, id: LineId, host: String, port: Option<u16>, by: Option<Transport>) {
        let Some(line) = self.lines.find(id) else { return };
        let Account { transport, is_secure, .. } = *line.account;
        let transport = by.or(transport);
        let (is_connecting, path) = (line.binding.is_some(), line.account.extras().websocket_path.clone());
        let event = Event::Resolve { line: id, host, port, transport, is_secure, is_connecting, path };
        self.events.push_back(event);
        let behind = Some(line).filter(|line| line.account.extras().outbound_proxy.is_some());
        if let Some(Account { domain, port, .. }) = behind.map(|line| &*line.account) {
            self.events.push_back(Event::Locate { line: id, host: domain.to_string(), port: *port });
        }
    }

    fn tell_registration(&mut self, now: Instant, id: LineId, state: RegistrationState) {
        if state == RegistrationState::Unregistered {
            // Nothing is asked any more, and what it was asked over need not be kept.
            self.lines.stop_asking(id);
        }
        let combined = self.lines.combine(now, id, state, &mut self.generator);
        let Some((id, state)) = combined else { return };
        let is_gone = self.lines.is_leaving(id) && state == RegistrationState::Unregistered;
        self.events.push_back(Event::Registration { line: id, state });
        if is_gone {
            self.forget_line(id);
        }
    }

    fn forget_line(&mut self, id: LineId) {
        if self.lines.remove(id).is_some() {
            self.events.push_back(Event::Removed { line: id });
        }
    }
}

/// A client transaction's user is the line that it works for.
fn line_of(user: u64) -> LineId {
    LineId::new(u32::try_from(user).unwrap_or(u32::MAX))
}
