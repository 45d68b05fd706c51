//! The non-INVITE client transaction (RFC 3261 section 17.1.2).
//!
//! ```text
//!  request           1xx                   200-699               timer K
//! ────────▶ Trying ───────▶ Proceeding ──────────────▶ Completed ────────▶ Terminated
//!             │  │              │  timer F                 ▲                  ▲
//!             │  │              └──────────────────────────┼──────────────────┤
//!             │  └─────────────────────────────────────────┘                  │
//!             │                  200-699                       timer F        │
//!             └───────────────────────────────────────────────────────────────┘
//! ```

use std::fmt;
use std::time::Instant;

use super::timers::{GIVE_UP, Retransmit, T2, T4};

/// One non-INVITE client transaction.
///
/// ```
/// use ringfence_ua::transaction::Client;
///
/// let now = std::time::Instant::now();
/// let mut transaction = Client::new(now, false, b"REGISTER sip:example.com SIP/2.0\r\n...".to_vec());
/// assert!(transaction.poll_transmit().is_some());
/// assert!(transaction.handle_response(now, 200), "the first final response is the user's");
/// assert!(!transaction.handle_response(now, 200), "its retransmission is not");
/// ```
pub struct Client {
    state: State,
    is_reliable: bool,
    outbox: bool,
    /// Whether the request has gone out more than once.
    is_repeated: bool,
    request: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Trying { timer_e: Option<Retransmit>, timer_f: Instant },
    Proceeding { timer_e: Option<Retransmit>, timer_f: Instant },
    Completed { timer_k: Instant },
    Terminated { timed_out: bool },
}

impl Client {
    /// Starts the transaction: the request is the first thing to send.
    #[must_use]
    pub fn new(now: Instant, is_reliable: bool, request: Vec<u8>) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
        //# If an unreliable transport is in use, the client transaction MUST set timer
        //# E to fire in T1 seconds.
        let timer_e = (!is_reliable).then(|| Retransmit::first(now));
        let state = State::Trying { timer_e, timer_f: now + GIVE_UP };
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
        //# The request MUST be passed to the transport layer for transmission.
        Self { state, is_reliable, outbox: true, is_repeated: false, request }
    }

    /// Takes a response that matched, and returns whether it is news for the transaction user.
    pub fn handle_response(&mut self, now: Instant, status: u16) -> bool {
        let (timer_e, timer_f) = match self.state {
            State::Trying { timer_e, timer_f } | State::Proceeding { timer_e, timer_f } => (timer_e, timer_f),
            State::Completed { .. } | State::Terminated { .. } => return false,
        };
        self.outbox = false;
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
        //# If a provisional response is received while in the "Trying" state, the response MUST be
        //# passed to the TU, and then the client transaction SHOULD move to the "Proceeding" state.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
        //# If a final response (status codes 200-699) is received while in the "Trying" state, the
        //# response MUST be passed to the TU, and the client transaction MUST transition to the
        //# "Completed" state.
        self.state = if status < 200 {
            State::Proceeding { timer_e, timer_f }
        } else {
            // It is not sent again. Where thousands of lines register at once, requests are most of what they hold.
            self.request = Vec::new();
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
            //# Once the client transaction enters the "Completed" state, it MUST set
            //# Timer K to fire in T4 seconds for unreliable transports, and zero
            //# seconds for reliable transports.
            State::Completed { timer_k: if self.is_reliable { now } else { now + T4 } }
        };
        true
    }

    /// Returns whether the request has gone out more than once: who is asked may have answered it before.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    /// Fires what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        self.state = match self.state {
            State::Trying { timer_e: Some(e), timer_f } if now < timer_f => {
                (self.outbox, self.is_repeated) = (true, true);
                State::Trying { timer_e: Some(e.next_capped(now)), timer_f }
            }
            State::Proceeding { timer_e: Some(_), timer_f } if now < timer_f => {
                //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
                //# If Timer E fires while in the "Proceeding" state, the request MUST be
                //# passed to the transport layer for retransmission, and Timer E MUST be
                //# reset with a value of T2 seconds.
                (self.outbox, self.is_repeated) = (true, true);
                State::Proceeding { timer_e: Some(Retransmit::after(now, T2)), timer_f }
            }
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
            //# If timer F fires while in the
            //# "Proceeding" state, the TU MUST be informed of a timeout, and the
            //# client transaction MUST transition to the terminated state.
            State::Trying { .. } | State::Proceeding { .. } => State::Terminated { timed_out: true },
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
            //# If Timer K fires while in this state, the client transaction MUST transition to the
            //# "Terminated" state.
            State::Completed { .. } => State::Terminated { timed_out: false },
            State::Terminated { timed_out } => State::Terminated { timed_out },
        };
    }

    /// Returns the request when it is to be put on the wire.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        std::mem::take(&mut self.outbox).then_some(self.request.as_slice())
    }

    /// Returns when [`Client::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Trying { timer_e: Some(e), timer_f } | State::Proceeding { timer_e: Some(e), timer_f } => {
                Some(e.at().min(timer_f))
            }
            State::Trying { timer_e: None, timer_f: due }
            | State::Proceeding { timer_e: None, timer_f: due }
            | State::Completed { timer_k: due } => Some(due),
            State::Terminated { .. } => None,
        }
    }

    /// Returns whether the transaction is over.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated { .. })
    }

    /// Returns whether it ended by timer F, without a final response.
    #[must_use]
    pub fn has_timed_out(&self) -> bool {
        self.state == State::Terminated { timed_out: true }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message holds numbers, names and answers to challenges.
        f.debug_struct("Client").field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
