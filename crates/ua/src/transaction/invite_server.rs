//! The INVITE server transaction (RFC 3261 section 17.2.1, with the Accepted state of RFC 6026).
//!
//! ```text
//!  INVITE                  300-699 from TU               ACK                timer I
//! ────────▶ Proceeding ───────────────────▶ Completed ────────▶ Confirmed ──────────▶ Terminated
//!            │     │                          │  timer H                               ▲  ▲  ▲
//!            │     │ 2xx from TU              └────────────────────────────────────────┘  │  │
//!            │     └───────────────────────▶ Accepted ────────────────────────────────────┘  │
//!            │                                         timer L                               │
//!            └─ abandoned by the TU ───▶ Silent ─────────────────────────────────────────────┘
//!                                                      64*T1
//! ```
//!
//! *Silent* is not the RFC's: the transaction user decided to answer nothing at all, and the
//! retransmissions of that INVITE are absorbed here until the caller must have given up.
//!
//! To one whom nothing vouches for it says no more than he does, see [`InviteServer::towards_stranger`].
//!
//! It sends nothing itself: bytes come out of [`InviteServer::poll_transmit`], and the Trying
//! response and every other are made by the transaction user.

use std::fmt;
use std::time::Instant;

use super::timers::{GIVE_UP, Retransmit, T1, T4};

/// One INVITE server transaction.
///
/// ```
/// use ringfence_ua::transaction::InviteServer;
/// use std::time::{Duration, Instant};
///
/// let now = Instant::now();
/// let mut transaction = InviteServer::new(false);
/// transaction.respond(now, 486, b"SIP/2.0 486 Busy Here\r\n...".to_vec());
/// assert!(transaction.poll_transmit().is_some());
/// assert_eq!(transaction.poll_timeout(), Some(now + Duration::from_millis(500))); // timer G
/// ```
pub struct InviteServer {
    state: State,
    /// Whether the transport retransmits for us (TCP, TLS, WebSocket).
    is_reliable: bool,
    /// Whether `response` waits to be sent.
    outbox: bool,
    /// Whether anything was sent.
    has_sent: bool,
    /// How many responses may still be sent, where that is bounded.
    allowance: Option<u8>,
    /// The newest response, kept to answer retransmitted INVITEs.
    response: Vec<u8>,
}

/// How an INVITE server transaction ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteServerEnd {
    /// The ACK of a 300 to 699 response came, or the answer was a 2xx, whose ACK is not ours.
    Acknowledged,
    /// Timer H fired: 64*T1 passed without the ACK.
    Unacknowledged,
    /// Nothing was to be answered, and nothing was.
    Silent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Proceeding,
    Completed { timer_g: Option<Retransmit>, timer_h: Instant },
    Confirmed { timer_i: Instant },
    Accepted { timer_l: Instant },
    Silent { until: Instant },
    Terminated(InviteServerEnd),
}

impl InviteServer {
    /// Starts a transaction for an INVITE that matched none.
    #[must_use]
    pub fn new(is_reliable: bool) -> Self {
        Self {
            state: State::Proceeding,
            is_reliable,
            outbox: false,
            has_sent: false,
            allowance: None,
            response: Vec::new(),
        }
    }

    /// Sends no more responses than INVITEs come, the last of them the final one: whoever forges the source of a
    /// datagram is not to have it answered manifold. A provisional response goes out when the INVITE was repeated, the
    /// final one once, and again for each further repetition. Give it no 100, which would end the repetitions.
    #[must_use]
    pub fn towards_stranger(self) -> Self {
        Self { allowance: Some(1), ..self }
    }

    /// Sends a response of the transaction user. Returns the buffer of the one before it, or `None` where it
    /// was not taken: a transaction that has had its final response takes no other, except a
    /// retransmitted 2xx (RFC 6026).
    pub fn respond(&mut self, now: Instant, status: u16, response: Vec<u8>) -> Option<Vec<u8>> {
        match self.state {
            State::Proceeding => {}
            //= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
            //# Any retransmission of the 2xx response passed from the TU to
            //# the transaction while in the "Accepted" state MUST be passed to the
            //# transport layer for transmission.
            State::Accepted { .. } if (200..300).contains(&status) => {
                self.outbox = true;
                return Some(std::mem::replace(&mut self.response, response));
            }
            State::Completed { .. }
            | State::Confirmed { .. }
            | State::Accepted { .. }
            | State::Silent { .. }
            | State::Terminated(_) => return None,
        }
        let replaced = std::mem::replace(&mut self.response, response);
        self.outbox = true;
        self.state = match status {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
            //# So long as the server transaction is in the "Proceeding" state, each of these MUST
            //# be passed to the transport layer for transmission.
            100..200 => State::Proceeding,
            //= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
            //# If the SIP element's TU (Transaction User) issues a 2xx response for
            //# this transaction while the state machine is in the "Proceeding"
            //# state, the state machine MUST transition to the "Accepted" state and
            //# set Timer L to 64*T1
            200..300 => State::Accepted { timer_l: now + GIVE_UP },
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
            //# While in the "Proceeding" state, if the TU passes a response with status code from
            //# 300 to 699 to the server transaction, the response MUST be passed to the transport
            //# layer for transmission, and the state machine MUST enter the "Completed" state.
            _ => State::Completed {
                //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
                //# For unreliable transports, timer G is set to fire in T1 seconds, and is not
                //# set to fire for reliable transports.
                timer_g: (!self.is_reliable).then(|| Retransmit::first(now)),
                //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
                //# When the "Completed" state is entered, timer H MUST be set to fire in
                //# 64*T1 seconds for all transports.
                timer_h: now + GIVE_UP,
            },
        };
        Some(replaced)
    }

    /// Answers nothing more, whatever comes: retransmissions are absorbed until the caller must
    /// have given up.
    pub fn silence(&mut self, now: Instant) {
        if self.state == State::Proceeding {
            self.outbox = false;
            self.state = State::Silent { until: now + GIVE_UP };
        }
    }

    /// Takes a retransmission of the INVITE.
    pub fn handle_invite(&mut self) {
        self.allowance = self.allowance.map(|allowance| allowance.saturating_add(1));
        match self.state {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
            //# If a request
            //# retransmission is received while in the "Proceeding" state, the most
            //# recent provisional response that was received from the TU MUST be
            //# passed to the transport layer for retransmission.
            State::Proceeding |
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
            //# Furthermore,
            //# while in the "Completed" state, if a request retransmission is
            //# received, the server SHOULD pass the response to the transport for
            //# retransmission.
            State::Completed { .. } => self.outbox = !self.response.is_empty(),
            State::Confirmed { .. } | State::Accepted { .. } | State::Silent { .. } | State::Terminated(_) => {}
        }
    }

    /// Takes an ACK, and returns whether it is absorbed here; the ACK of a 2xx is the
    /// transaction user's.
    pub fn handle_ack(&mut self, now: Instant) -> bool {
        match self.state {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
            //# If an ACK is received while the server transaction is in the
            //# "Completed" state, the server transaction MUST transition to the
            //# "Confirmed" state.
            State::Completed { .. } => {
                let timer_i = if self.is_reliable { now } else { now + T4 };
                self.state = State::Confirmed { timer_i };
                self.outbox = false;
                true
            }
            //= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
            //# Any ACKs received from the network while in the "Accepted" state MUST be passed
            //# directly to the TU and not absorbed.
            State::Accepted { .. } => false,
            State::Proceeding | State::Confirmed { .. } | State::Silent { .. } | State::Terminated(_) => true,
        }
    }

    /// Fires what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        self.state = match self.state {
            State::Completed { timer_g: Some(g), timer_h } if now < timer_h => {
                //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
                //# From then on, when timer G fires, the response is
                //# passed to the transport again for transmission, and timer G is
                //# reset with a value that doubles, unless that value exceeds T2, in
                //# which case it is reset with the value of T2.
                self.outbox = true;
                State::Completed { timer_g: Some(g.next_capped(now)), timer_h }
            }
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
            //# In this case, the server transaction MUST transition to the "Terminated" state, and
            //# MUST indicate to the TU that a transaction failure has occurred.
            State::Completed { .. } => State::Terminated(InviteServerEnd::Unacknowledged),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
            //# Once timer I fires, the server MUST transition to the "Terminated" state.
            //= https://www.rfc-editor.org/rfc/rfc6026#section-8.7
            //# If Timer L fires while the INVITE server transaction is in the "Accepted" state, the
            //# transaction MUST transition to the "Terminated" state.
            State::Confirmed { .. } | State::Accepted { .. } => {
                State::Terminated(InviteServerEnd::Acknowledged)
            }
            State::Silent { .. } => State::Terminated(InviteServerEnd::Silent),
            idle @ (State::Proceeding | State::Terminated(_)) => idle,
        };
    }

    /// Returns the next response to put on the wire.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        let reserved = u8::from(self.state == State::Proceeding);
        let is_allowed = self.allowance.is_none_or(|allowance| allowance > reserved);
        let is_sent = std::mem::take(&mut self.outbox) && is_allowed;
        if is_sent {
            self.has_sent = true;
            self.allowance = self.allowance.map(|allowance| allowance - 1);
        }
        is_sent.then_some(self.response.as_slice())
    }

    /// Returns when [`InviteServer::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Proceeding | State::Terminated(_) => None,
            State::Completed { timer_g: Some(g), timer_h } => Some(g.at().min(timer_h)),
            State::Completed { timer_g: None, timer_h: due }
            | State::Confirmed { timer_i: due }
            | State::Accepted { timer_l: due }
            | State::Silent { until: due } => Some(due),
        }
    }

    /// Returns whether a final response may still be given.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.state == State::Proceeding
    }

    /// Returns whether anything, be it a 100, was ever sent.
    #[must_use]
    pub fn has_answered(&self) -> bool {
        self.has_sent
    }

    /// Returns `None` until the transaction is over, then how it ended.
    #[must_use]
    pub fn end(&self) -> Option<InviteServerEnd> {
        if let State::Terminated(end) = self.state { Some(end) } else { None }
    }

    /// Returns how the transaction has ended, where nothing more is to come.
    #[must_use]
    pub fn end_by_now(&self) -> InviteServerEnd {
        match self.state {
            State::Terminated(end) => end,
            State::Proceeding | State::Completed { .. } => InviteServerEnd::Unacknowledged,
            State::Confirmed { .. } | State::Accepted { .. } => InviteServerEnd::Acknowledged,
            State::Silent { .. } => InviteServerEnd::Silent,
        }
    }

    /// Returns whether the ACK of a 300 to 699 response has come.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        matches!(self.state, State::Confirmed { .. })
    }

    /// Returns whether a 300 to 699 response waits for its ACK.
    #[must_use]
    pub fn awaits_ack(&self) -> bool {
        matches!(self.state, State::Completed { .. })
    }

    /// Gives the buffer of the response back, emptied of meaning, to be used again.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.response
    }
}

impl fmt::Debug for InviteServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message holds numbers, names and answers to challenges.
        f.debug_struct("InviteServer").field("state", &self.state).finish_non_exhaustive()
    }
}

const _: () =
    assert!(T1.as_millis() == 500, "the drawing above and timer G's first interval are RFC 3261 table 4's");

#[cfg(test)]
mod tests;
