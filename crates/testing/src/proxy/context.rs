//! One request and its branches: the response context of RFC 3261 section 16.7.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_wire::sip::{Message, StatusCode};

use super::branch::{Branch, Heard};
use super::config::Forking;
use super::message::backward;
use super::server::{Sent, Server};

#[derive(Debug)]
pub(super) struct Context {
    pub(super) server: Server,
    pub(super) branches: Vec<Branch>,
    /// The branch parameters of all that it has or may get.
    pub(super) ids: Vec<String>,
    /// Where it goes when the branches before have ended without success.
    waiting: VecDeque<Next>,
    forking: Forking,
    /// When the newest branch has rung long enough.
    rings_until: Option<Instant>,
    best: Option<Best>,
    is_cancelled: bool,
}

/// A request that is to go out on a branch of its own.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) id: String,
    pub(super) destination: SocketAddr,
    pub(super) request: Vec<u8>,
}

/// The best final response so far, as it would be passed back; none of a branch that ended without one.
#[derive(Debug)]
struct Best {
    status: u16,
    response: Option<Vec<u8>>,
}

/// What the caller is to be answered by the proxy itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    Nothing,
    Final(u16),
}

/// RFC 3326 has a CANCEL say why: another phone has answered, or nobody wants the call.
const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";
const NOWHERE: &str = "SIP;cause=600;text=\"Busy Everywhere\"";

impl Context {
    pub(super) fn new(server: Server, forking: Forking, targets: Vec<Next>) -> Self {
        Self {
            server,
            branches: Vec::new(),
            ids: targets.iter().map(|next| next.id.clone()).collect(),
            waiting: targets.into(),
            forking,
            rings_until: None,
            best: None,
            is_cancelled: false,
        }
    }

    /// Sends the request to all that are to have it now.
    pub(super) fn advance(&mut self, now: Instant, is_invite: bool, timer_c: Duration, out: &mut Vec<Sent>) {
        while let Some(Next { id, destination, request }) = self.waiting.pop_front() {
            let (branch, sent) = Branch::new(now, id, (destination, request), is_invite, timer_c);
            self.branches.push(branch);
            out.push(sent);
            if let Forking::Serial { ring } = self.forking {
                self.rings_until = Some(now + ring);
                break;
            }
        }
    }

    /// Takes a response to a branch.
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        branch: usize,
        response: &Message<'_>,
        out: &mut Vec<Sent>,
    ) {
        let status = response.status().map_or(0, StatusCode::as_u16);
        match self.branches[branch].handle_response(now, status, response, out) {
            Heard::Nothing => {}
            //= https://www.rfc-editor.org/rfc/rfc3261#section-16.7
            //# After a final response has been sent on the server transaction,
            //# the following responses MUST be forwarded immediately:
            Heard::Success => out.extend(self.server.respond(now, status, backward(response))),
            Heard::Provisional => {
                if !self.server.is_decided() {
                    out.extend(self.server.respond(now, status, backward(response)));
                }
            }
            Heard::Final if (200..300).contains(&status) => {
                out.extend(self.server.respond(now, status, backward(response)));
                self.cancel_others(now, Some(ELSEWHERE), out);
            }
            Heard::Final => {
                self.keep(Best { status, response: Some(backward(response)) });
                if status >= 600 {
                    self.cancel_others(now, Some(NOWHERE), out);
                }
            }
        }
    }

    /// Takes the caller's CANCEL.
    pub(super) fn cancel(&mut self, now: Instant, out: &mut Vec<Sent>) {
        self.is_cancelled = true;
        self.cancel_others(now, None, out);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Sent>) {
        out.extend(self.server.handle_timeout(now));
        for branch in &mut self.branches {
            let ended = branch.handle_timeout(now, out);
            if ended {
                //= https://www.rfc-editor.org/rfc/rfc3261#section-16.8
                //# If the
                //# client transaction has not received a provisional response, the proxy
                //# MUST behave as if the transaction received a 408 (Request Timeout)
                //# response.
                let late = Best { status: 408, response: None };
                self.best = Some(better(self.best.take(), late));
            }
        }
        if self.rings_until.is_some_and(|until| until <= now) {
            self.rings_until = None;
            if let Some(branch) = self.branches.last_mut() {
                branch.cancel(now, None, out);
            }
        }
    }

    /// Returns whether the next branch is to begin: no other is pending, and none has succeeded.
    pub(super) fn wants_next(&self) -> bool {
        !self.waiting.is_empty() && !self.is_pending() && !self.server.is_decided()
    }

    /// Passes the best response back when all branches have ended. Returns what the proxy is to say itself where there
    /// is none.
    pub(super) fn conclude(&mut self, now: Instant, out: &mut Vec<Sent>) -> Own {
        if self.server.is_decided() || self.is_pending() || !self.waiting.is_empty() {
            return Own::Nothing;
        }
        match self.best.take() {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-16.7
            //# A proxy which receives a 503 (Service Unavailable) response
            //# SHOULD NOT forward it upstream unless it can determine that any
            //# subsequent requests it might proxy will also generate a 503.
            Some(Best { status: 503, .. }) => Own::Final(500),
            Some(Best { status, response: Some(response) }) => {
                out.extend(self.server.respond(now, status, response));
                Own::Nothing
            }
            Some(Best { status, response: None }) => Own::Final(if self.is_cancelled { 487 } else { status }),
            None => Own::Final(if self.is_cancelled { 487 } else { 480 }),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let branches = self.branches.iter().map(Branch::poll_timeout);
        branches.chain([self.server.poll_timeout(), self.rings_until]).flatten().min()
    }

    pub(super) fn is_over(&self) -> bool {
        self.server.is_over() && self.branches.iter().all(Branch::is_over)
    }

    fn is_pending(&self) -> bool {
        self.branches.iter().any(Branch::is_pending)
    }

    fn keep(&mut self, next: Best) {
        self.best = Some(better(self.best.take(), next));
    }

    fn cancel_others(&mut self, now: Instant, reason: Option<&'static str>, out: &mut Vec<Sent>) {
        self.waiting.clear();
        self.rings_until = None;
        for branch in &mut self.branches {
            branch.cancel(now, reason, out);
        }
    }
}

/// Chooses the better one of two final responses; of two that are as good, the first.
fn better(best: Option<Best>, next: Best) -> Best {
    match best {
        Some(best) if rank(best.status) <= rank(next.status) => best,
        Some(_) | None => next,
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-16.7
//# If no 6xx class responses are present, the proxy SHOULD choose from
//# the lowest response class stored in the response context.
/// Within its class one that tells the caller what to do comes first: 401, 407, 415, 420, 484.
fn rank(status: u16) -> (u16, bool) {
    let class = if status >= 600 { 0 } else { status / 100 };
    (class, !matches!(status, 401 | 407 | 415 | 420 | 484))
}
