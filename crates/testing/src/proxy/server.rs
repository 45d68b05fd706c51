//! The server transaction towards the caller (RFC 3261 section 17.2, RFC 6026).
//!
//! ```text
//!               3xx-6xx                   ACK              timer I
//!  Proceeding ───────────▶ Completed ──────────▶ Confirmed ────────▶ Over
//!      │ 2xx to INVITE         └── timer H, or J of any but INVITE ──▶ ▲
//!      └───────────────▶ Accepted ── timer L ─────────────────────────┘
//! ```

use std::net::SocketAddr;
use std::time::Instant;

use ringfence_wire::sip::Message;

use crate::repeat::{Repeat, T1, T2, T4};
use crate::response::destination;

#[derive(Debug)]
pub(super) struct Server {
    pub(super) request: Message<'static>,
    pub(super) source: SocketAddr,
    is_invite: bool,
    state: State,
    /// The newest response.
    last: Option<Vec<u8>>,
}

#[derive(Debug)]
enum State {
    Proceeding,
    /// Repeated by itself where it answers an INVITE.
    Completed {
        repeat: Option<Repeat>,
        until: Instant,
    },
    Confirmed {
        until: Instant,
    },
    Accepted {
        until: Instant,
    },
    Over,
}

/// What is to be sent, and where.
pub(super) type Sent = (SocketAddr, Vec<u8>);

impl Server {
    pub(super) fn new(request: Message<'static>, source: SocketAddr, is_invite: bool) -> Self {
        Self { request, source, is_invite, state: State::Proceeding, last: None }
    }

    /// Sends a response, unless a final one was sent that forbids it.
    pub(super) fn respond(&mut self, now: Instant, status: u16, response: Vec<u8>) -> Option<Sent> {
        let is_success = (200..300).contains(&status);
        match self.state {
            State::Proceeding => {}
            // Another branch has answered too, or a 2xx comes again.
            State::Accepted { .. } if is_success => return Some((self.destination()?, response)),
            State::Completed { .. } | State::Confirmed { .. } | State::Accepted { .. } | State::Over => {
                return None;
            }
        }
        let until = now + 64 * T1;
        self.state = match status {
            100..200 => State::Proceeding,
            200..300 if self.is_invite => State::Accepted { until },
            _ => State::Completed { repeat: self.is_invite.then(|| Repeat::new(now, T2)), until },
        };
        self.last = Some(response.clone());
        Some((self.destination()?, response))
    }

    /// Takes the request again.
    pub(super) fn retransmitted(&self) -> Option<Sent> {
        match self.state {
            State::Proceeding | State::Completed { .. } => Some((self.destination()?, self.last.clone()?)),
            State::Confirmed { .. } | State::Accepted { .. } | State::Over => None,
        }
    }

    /// Takes an ACK. Returns whether it was that of a 3xx to 6xx, which goes no further.
    pub(super) fn acknowledged(&mut self, now: Instant) -> bool {
        match self.state {
            State::Completed { .. } => {
                self.state = State::Confirmed { until: now + T4 };
                true
            }
            State::Confirmed { .. } => true,
            State::Proceeding | State::Accepted { .. } | State::Over => false,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Sent> {
        match &mut self.state {
            State::Completed { until, .. } | State::Confirmed { until } | State::Accepted { until }
                if *until <= now =>
            {
                self.state = State::Over;
                None
            }
            State::Completed { repeat: Some(repeat), .. } => {
                repeat.fire(now).then(|| Some((self.destination()?, self.last.clone()?))).flatten()
            }
            State::Completed { repeat: None, .. }
            | State::Proceeding
            | State::Confirmed { .. }
            | State::Accepted { .. }
            | State::Over => None,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Completed { repeat, until } => Some(repeat.map_or(until, |repeat| repeat.at.min(until))),
            State::Confirmed { until } | State::Accepted { until } => Some(until),
            State::Proceeding | State::Over => None,
        }
    }

    pub(super) fn is_decided(&self) -> bool {
        !matches!(self.state, State::Proceeding)
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn destination(&self) -> Option<SocketAddr> {
        self.request.via().ok().map(|via| destination(&via, self.source))
    }
}
