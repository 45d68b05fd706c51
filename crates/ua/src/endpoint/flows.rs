//! What becomes of lines whose flow is no more: a connection that is lost, and what the answers to keep-alives say of a UDP
//! flow (RFC 5626 sections 4.4.2 and 8).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_wire::stun::Answer;

use super::Endpoint;
use crate::transaction::key::Key;
use crate::transaction::outcome::Cancellable;
use crate::transport::{ConnectionId, Failed, Flow};

/// How long a call waits whose connection is no more: a little longer than a proxy must wait for the end of an INVITE that rings (timer
/// C, RFC 3261 section 16.6), behind which nobody sends a CANCEL any more.
const LOST_FOR: Duration = Duration::from_secs(200);

impl Endpoint {
    /// Takes that a connection is no more: what was asked over it is not answered any more, and lines that were
    /// registered over it register again within 3 s, or 10 ms for each line that is registered at the same server. Calls that wait
    /// over it go on where their INVITE, or its CANCEL, comes again over another connection of the peer, and end after 200 s
    /// where nothing comes; a copy of one that a proxy sends another way is a call by itself. Other responses that are made for
    /// it go nowhere.
    pub fn handle_disconnected(&mut self, now: Instant, connection: ConnectionId, error: &str) {
        self.handle_half_closed(now, connection);
        let lines = self.lines.disconnected(connection);
        let has_lasted = self.handle_detour_lost(now, connection, &lines);
        for id in lines {
            if self.is_by_udp(id) {
                self.leave_detour(now, id, has_lasted);
            } else {
                self.handle_line_disconnected(now, id, error);
            }
        }
    }

    /// Takes that the peer says no more over a connection: it may be gone, or only wait for its answers. Calls that wait over it are
    /// answered over it still, unless their callers come back over another one, as [`Endpoint::handle_disconnected`] says.
    pub fn handle_half_closed(&mut self, now: Instant, connection: ConnectionId) {
        for key in self.calls.lose(connection, now + LOST_FOR) {
            self.transactions.part(key);
        }
    }

    /// Takes that the INVITE of a transaction, or the CANCEL of it, has come over a flow: it may be of a call whose connection is
    /// no more.
    pub(super) fn take_back(&mut self, key: Key, flow: Flow) {
        if !flow.is_reliable() || !self.calls.has_lost() {
            return;
        }
        let Some(Cancellable::Undecided { user }) = self.transactions.cancellable(key) else { return };
        //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
        //# the response MUST be sent using
        //# the existing connection to the source of the original request
        //# that created the transaction, if that connection is still open.
        // One over which the peer says no more is closed by now, as far as can be seen from here.
        if self.calls.is_lost(user) && self.transactions.move_to(key, flow) {
            self.calls.found(user, flow);
        }
    }

    /// Returns whether a line is registered over a connection, or asks to be, or has sent what was too long for UDP, or a call
    /// waits that came over it.
    #[must_use]
    pub fn uses(&self, connection: ConnectionId) -> bool {
        self.lines.use_connection(connection) || self.calls.use_connection(connection)
    }

    /// Takes a STUN message.
    pub(super) fn handle_stun(&mut self, now: Instant, flow: Flow, datagram: &[u8]) {
        let answer = match Answer::parse(datagram) {
            Ok(answer) => answer,
            Err(error) => return self.drop_malformed(error),
        };
        let (is_ours, failed) = self.keep_alive.handle_answer(now, flow, &answer, &mut self.generator);
        if is_ours {
            self.counters.keep_alives += 1;
        } else {
            self.counters.dropped_unmatched_response += 1;
        }
        match failed {
            //= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
            //# If the XOR-MAPPED-ADDRESS in the STUN
            //# Binding Response changes, the UA MUST treat this event as a failure
            //# on the flow.
            Some(Failed::Moved(seen)) => {
                self.handle_flow_failed(now, flow, Some(seen), "we are seen at another address than before");
            }
            Some(Failed::Refused) => self.handle_flow_failed(now, flow, None, "keep-alives are refused"),
            None => {}
        }
    }

    /// Has the lines of a flow that failed register anew, over one that is made anew.
    pub(super) fn handle_flow_failed(
        &mut self,
        now: Instant,
        flow: Flow,
        seen: Option<SocketAddr>,
        error: &str,
    ) {
        for id in self.lines.ids() {
            let binding = self.lines.find_mut(id).and_then(|line| line.binding.as_mut());
            let Some(binding) = binding.filter(|binding| binding.keeps_open(flow)) else { continue };
            binding.handle_flow_failed(now, seen, error, &mut self.generator);
            self.settle_line(now, id);
        }
    }
}
