//! Where a REGISTER goes that is too long for UDP: by TCP, where there is a connection to be had (RFC 3261 section 18.1.1).

use std::net::SocketAddr;
use std::time::Instant;

use ringfence_wire::sip::Message;

use super::{Endpoint, Event};
use crate::id::LineId;
use crate::registration::{Binding, Target, Unreached};
use crate::transport::{ConnectionId, Detours, Flow, Lost, Ready, Step};

impl Endpoint {
    /// Takes a connection to a server that [`Event::Connect`] asked for, or why there is none. One that is told too late is
    /// used for what comes next.
    pub fn handle_connected(
        &mut self,
        now: Instant,
        server: SocketAddr,
        connected: Result<Target, Unreached>,
    ) {
        let waited = match connected {
            Ok(Target { flow, local }) => {
                // The lines' UDP flow is kept open by itself. A registrar that takes the connection for the way to a line,
                // as behind a NAT many do, is to find it open.
                self.keep_alive.add(now, flow, None, false, &mut self.generator);
                self.detours.opened(now, server, flow, local)
            }
            Err(why) => {
                tracing::debug!(%why, "a long request goes by UDP");
                self.detours.refused(now, server)
            }
        };
        self.send_waiting(now, waited);
    }

    pub(super) fn handle_detours_due(&mut self, now: Instant) {
        while let Some(waited) = self.detours.pop_due(now) {
            tracing::debug!("long requests go by UDP: there is no connection yet");
            self.send_waiting(now, waited);
        }
    }

    /// Sends a REGISTER on its flow, or, where it is too long for that, by TCP.
    pub(super) fn send_register(&mut self, now: Instant, id: LineId, flow: Flow, request: Vec<u8>) {
        if !Detours::is_needed(flow, &request) {
            return self.start_register(now, id, flow, request);
        }
        let (server, room) = (flow.remote(), self.limits.client_transactions);
        match self.detours.take(now, id, server, request, room) {
            Step::Send(Ready { line, flow, request }) => self.start_register(now, line, flow, request),
            Step::Connect => {
                self.lines.stop_asking(id);
                self.events.push_back(Event::Connect { server });
            }
            Step::Wait => {
                self.lines.stop_asking(id);
            }
        }
    }

    fn send_waiting(&mut self, now: Instant, waited: Vec<Ready>) {
        for Ready { line, flow, request } in waited {
            // It may have been removed meanwhile.
            if self.lines.find(line).is_some() {
                self.start_register(now, line, flow, request);
                self.settle_line(now, line);
            }
        }
    }

    fn start_register(&mut self, now: Instant, id: LineId, flow: Flow, request: Vec<u8>) {
        // What the response has to match is read from the request itself.
        let Some(key) = Message::parse(&request)
            .ok()
            .and_then(|request| Some(self.secret.client_key(&request.via().ok()?, "REGISTER")))
        else {
            return;
        };
        let user = u64::from(id.as_u32());
        self.counters.requests_by_tcp += u64::from(flow.is_reliable() && self.is_by_udp(id));
        self.lines.asks(id, key, flow);
        if self.transactions.start_client(now, key, flow, user, request, &mut self.outbox) {
            return;
        }
        if let Some(binding) = self.lines.find_mut(id).and_then(|line| line.binding.as_mut()) {
            binding.handle_overload(now, &mut self.generator);
        }
    }

    /// Forgets a connection that is no more, given the lines whose newest REGISTER went over it. Returns whether it was one of
    /// these, and was there for long.
    pub(super) fn handle_detour_lost(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        lines: &[LineId],
    ) -> bool {
        let Some(Lost { flow, has_lasted }) = self.detours.disconnected(now, connection) else {
            return false;
        };
        self.keep_alive.remove(flow);
        // Where it is the way to a line, what it is worth shows in how long it lasts.
        let is_of_use = |id: LineId| if self.is_by_udp(id) { !self.is_asking(id) } else { has_lasted };
        if !lines.iter().copied().all(is_of_use) {
            tracing::debug!(
                "long requests go by UDP: a connection brings no answer to one, or does not last"
            );
            self.detours.mute(now, flow.remote());
        }
        has_lasted
    }

    /// Has a line by UDP do without a connection that is no more and took its newest REGISTER: what waits for its answer is
    /// asked by UDP.
    pub(super) fn leave_detour(&mut self, now: Instant, id: LineId, has_lasted: bool) {
        if let Some(asked) = self.lines.stop_asking(id) {
            self.transactions.abandon(asked);
        }
        let Some(binding) = self.lines.find_mut(id).and_then(|line| line.binding.as_mut()) else { return };
        if binding.is_asking() {
            binding.ask_again(now, &mut self.generator);
        } else if has_lasted {
            binding.refresh_soon(now, &mut self.generator);
        }
        self.settle_line(now, id);
    }

    /// Returns the connection that took the newest REGISTER of a line by UDP.
    pub(super) fn detour_of(&self, id: LineId) -> Option<Target> {
        let server = self.flow_of(id).filter(|own| !own.is_reliable())?.remote();
        let asked = self.lines.asks_over(id)?;
        let (flow, local) = self.detours.to(server)?;
        (flow.connection_id() == Some(asked)).then_some(Target { flow, local })
    }

    /// Returns the way by UDP to the server of a line whose own way was a detour first.
    pub(super) fn way_by_udp(&self, id: LineId) -> Option<Flow> {
        let own = self.flow_of(id)?;
        let (detour, _) = self.detours.to(own.remote())?;
        (detour == own).then(|| own.remote().into())
    }

    fn is_asking(&self, id: LineId) -> bool {
        let binding = self.lines.find(id).and_then(|line| line.binding.as_ref());
        binding.is_some_and(Binding::is_asking)
    }

    /// Returns whether a line's own way is by UDP.
    pub(super) fn is_by_udp(&self, id: LineId) -> bool {
        self.flow_of(id).is_some_and(|own| !own.is_reliable())
    }

    /// Returns what a line's last REGISTER was for.
    pub(super) fn flow_of(&self, id: LineId) -> Option<Flow> {
        self.lines.find(id).and_then(|line| line.binding.as_ref()).and_then(Binding::flow)
    }
}
