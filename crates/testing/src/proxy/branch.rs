//! One branch of a request that was passed on: its client transaction (RFC 3261 section 17.1), timer C and CANCEL.
//!
//! ```text
//!           1xx               3xx-6xx ▸ ACK             timer D, K
//!  Calling ─────▶ Proceeding ───────────────▶ Completed ───────────▶ Over
//!     │ timer B, F   │ timer C ▸ CANCEL, 64*T1 ▸ 408                  ▲
//!     └──────────────┴─ 2xx to INVITE ──▶ Accepted ── timer M ────────┘
//! ```

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_wire::sip::{HeaderName, Message};

use super::message::of_branch;
use super::server::Sent;
use crate::repeat::{Repeat, T1, T2, T4};

#[derive(Debug)]
pub(super) struct Branch {
    /// The branch parameter of its Via.
    pub(super) id: String,
    destination: SocketAddr,
    request: Vec<u8>,
    is_invite: bool,
    timer_c: Duration,
    state: State,
    cancel: Cancel,
}

#[derive(Debug)]
enum State {
    Calling { repeat: Repeat, until: Instant },
    Proceeding { repeat: Option<Repeat>, until: Instant },
    Completed { until: Instant },
    Accepted { until: Instant },
    Over,
}

#[derive(Debug)]
enum Cancel {
    No,
    /// It waits for a provisional response.
    Due(Option<&'static str>),
    Sent {
        cancel: Vec<u8>,
        repeat: Repeat,
        until: Instant,
    },
    Done,
}

/// What a response, or its absence, is to the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing new.
    Nothing,
    /// Pass it on.
    Provisional,
    /// It is over, with this.
    Final,
    /// A further 2xx.
    Success,
}

impl Branch {
    /// Sends a request.
    pub(super) fn new(
        now: Instant,
        id: String,
        (destination, request): Sent,
        is_invite: bool,
        timer_c: Duration,
    ) -> (Self, Sent) {
        let repeat = Repeat::new(now, if is_invite { Duration::MAX } else { T2 });
        let state = State::Calling { repeat, until: now + 64 * T1 };
        let sent = (destination, request.clone());
        (Self { id, destination, request, is_invite, timer_c, state, cancel: Cancel::No }, sent)
    }

    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        status: u16,
        response: &Message<'_>,
        out: &mut Vec<Sent>,
    ) -> Heard {
        let is_success = self.is_invite && (200..300).contains(&status);
        match (&self.state, status) {
            (State::Calling { .. } | State::Proceeding { .. }, 100..200) => {
                self.proceed(now, status);
                self.cancel_if_due(now, out);
                if status == 100 { Heard::Nothing } else { Heard::Provisional }
            }
            (State::Calling { .. } | State::Proceeding { .. }, _) => {
                let until = now + if self.is_invite { 64 * T1 } else { T4 };
                self.state = if is_success { State::Accepted { until } } else { State::Completed { until } };
                if let Cancel::Due(_) = self.cancel {
                    self.cancel = Cancel::Done;
                }
                self.acknowledge(status, response, out);
                Heard::Final
            }
            (State::Accepted { .. }, 200..300) => Heard::Success,
            (State::Completed { .. }, 300..) => {
                self.acknowledge(status, response, out);
                Heard::Nothing
            }
            (State::Completed { .. } | State::Accepted { .. } | State::Over, _) => Heard::Nothing,
        }
    }

    /// Takes the answer to its CANCEL.
    pub(super) fn handle_cancel_answered(&mut self) {
        if let Cancel::Sent { .. } = self.cancel {
            self.cancel = Cancel::Done;
        }
    }

    /// Gives it up, as soon as RFC 3261 section 9.1 allows.
    pub(super) fn cancel(&mut self, now: Instant, reason: Option<&'static str>, out: &mut Vec<Sent>) {
        if self.is_invite && self.is_pending() && matches!(self.cancel, Cancel::No) {
            self.cancel = Cancel::Due(reason);
            self.cancel_if_due(now, out);
        }
    }

    /// Does what is due. Returns whether it ends so, as if 408 had come.
    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Sent>) -> bool {
        if let Cancel::Sent { cancel, repeat, until } = &mut self.cancel {
            if *until <= now {
                self.cancel = Cancel::Done;
            } else if repeat.fire(now) {
                out.push((self.destination, cancel.clone()));
            }
        }
        match &mut self.state {
            State::Calling { until, .. } if *until <= now => {
                self.state = State::Over;
                return true;
            }
            //= https://www.rfc-editor.org/rfc/rfc3261#section-16.8
            //# If the
            //# client transaction has received a provisional response, the proxy
            //# MUST generate a CANCEL request matching that transaction.
            State::Proceeding { until, .. } if *until <= now => {
                if !self.is_invite || !matches!(self.cancel, Cancel::No) {
                    self.state = State::Over;
                    return true;
                }
                self.cancel(now, None, out);
            }
            State::Completed { until } | State::Accepted { until } if *until <= now => {
                self.state = State::Over;
            }
            State::Calling { repeat, .. } | State::Proceeding { repeat: Some(repeat), .. } => {
                if repeat.fire(now) {
                    out.push((self.destination, self.request.clone()));
                }
            }
            State::Proceeding { repeat: None, .. }
            | State::Completed { .. }
            | State::Accepted { .. }
            | State::Over => {}
        }
        false
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let of_cancel = match &self.cancel {
            Cancel::Sent { repeat, until, .. } => Some(repeat.at.min(*until)),
            Cancel::No | Cancel::Due(_) | Cancel::Done => None,
        };
        let of_state = match &self.state {
            State::Calling { repeat, until } => Some(repeat.at.min(*until)),
            State::Proceeding { repeat, until } => {
                Some(repeat.map_or(*until, |repeat| repeat.at.min(*until)))
            }
            State::Completed { until } | State::Accepted { until } => Some(*until),
            State::Over => None,
        };
        [of_cancel, of_state].into_iter().flatten().min()
    }

    /// Returns whether no final response has come yet.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.state, State::Calling { .. } | State::Proceeding { .. })
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over) && !matches!(self.cancel, Cancel::Sent { .. })
    }

    fn proceed(&mut self, now: Instant, status: u16) {
        let is_first = matches!(self.state, State::Calling { .. });
        let was_until = match &self.state {
            State::Calling { until, .. } | State::Proceeding { until, .. } => *until,
            State::Completed { .. } | State::Accepted { .. } | State::Over => return,
        };
        if !self.is_invite {
            let repeat = Some(Repeat::slowly(now));
            self.state = State::Proceeding { repeat, until: was_until };
        } else if is_first || (status > 100 && matches!(self.cancel, Cancel::No)) {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-16.7
            //# For an INVITE transaction, if the response is a provisional
            //# response with status codes 101 to 199 inclusive (i.e., anything
            //# but 100), the proxy MUST reset timer C for that client
            //# transaction.
            self.state = State::Proceeding { repeat: None, until: now + self.timer_c };
        }
    }

    fn cancel_if_due(&mut self, now: Instant, out: &mut Vec<Sent>) {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-9.1
        //# If no provisional response has been received, the CANCEL request MUST
        //# NOT be sent; rather, the client MUST wait for the arrival of a
        //# provisional response before sending the request.
        let (Cancel::Due(reason), State::Proceeding { until, .. }) = (&self.cancel, &mut self.state) else {
            return;
        };
        let cancel = of_branch(&self.request, "CANCEL", None, *reason);
        out.push((self.destination, cancel.clone()));
        *until = now + 64 * T1;
        self.cancel = Cancel::Sent { cancel, repeat: Repeat::new(now, T2), until: now + 64 * T1 };
    }

    fn acknowledge(&self, status: u16, response: &Message<'_>, out: &mut Vec<Sent>) {
        if self.is_invite && status >= 300 {
            let to = response.first(HeaderName::To);
            out.push((self.destination, of_branch(&self.request, "ACK", to, None)));
        }
    }
}
