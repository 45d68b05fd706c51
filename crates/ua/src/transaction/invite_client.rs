//! The INVITE client transaction (RFC 3261 section 17.1.1, with the Accepted state of RFC 6026).
//!
//! ```text
//!  INVITE             1xx                  300-699, ACK sent            timer D
//! ────────▶ Calling ───────▶ Proceeding ──────────────────▶ Completed ──────────▶ Terminated
//!             │ │ │              │ 2xx                          ▲                    ▲ ▲
//!             │ │ └──────────────┼────────▶ Accepted ───────────┼────────────────────┘ │
//!             │ │                └──────────▲  timer M          │                      │
//!             │ └───────────────────────────────────────────────┘                      │
//!             └────────────────────────── timer B ─────────────────────────────────────┘
//! ```
//!
//! The ACK of a 300 to 699 response is made here, by [`InviteClient::handle_response`]; the ACK
//! of a 2xx is the transaction user's.

use std::fmt;
use std::time::{Duration, Instant};

use ringfence_wire::sip::{HeaderName, Message, Printer};

use super::timers::{GIVE_UP, Retransmit, T1};

/// RFC 3261 section 17.1.1.2: "an absolute minimum of 32s is used instead of basing Timer D on T1".
const TIMER_D: Duration = Duration::from_secs(32);

/// One INVITE client transaction.
///
/// ```
/// use ringfence_ua::transaction::InviteClient;
///
/// let now = std::time::Instant::now();
/// let mut transaction = InviteClient::new(now, false, b"INVITE sip:bob@example.com SIP/2.0\r\n...".to_vec());
/// assert!(transaction.poll_transmit().is_some());
/// ```
pub struct InviteClient {
    state: State,
    is_reliable: bool,
    outbox: bool,
    invite: Vec<u8>,
    /// The ACK of the 300 to 699 response, once there is one.
    ack: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Calling { timer_a: Option<Retransmit>, timer_b: Instant },
    Proceeding,
    Completed { timer_d: Instant },
    Accepted { timer_m: Instant },
    Terminated { timed_out: bool },
}

impl InviteClient {
    /// Starts the transaction: the INVITE is the first thing to send.
    #[must_use]
    pub fn new(now: Instant, is_reliable: bool, invite: Vec<u8>) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
        //# If an unreliable transport is being
        //# used, the client transaction MUST start timer A with a value of T1.
        let timer_a = (!is_reliable).then(|| Retransmit::first(now));
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
        //# For any transport, the client transaction MUST start timer B with a value of 64*T1
        //# seconds (Timer B controls transaction timeouts).
        let state = State::Calling { timer_a, timer_b: now + GIVE_UP };
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
        //# The client transaction MUST pass the request to the transport layer for transmission
        //# (see Section 18).
        Self { state, is_reliable, outbox: true, invite, ack: Vec::new() }
    }

    /// Takes a response that matched, and returns whether it is news for the transaction user.
    pub fn handle_response(&mut self, now: Instant, response: &Message<'_>) -> bool {
        let Some(status) = response.status() else { return false };
        let status = status.as_u16();
        match self.state {
            State::Calling { .. } | State::Proceeding => match status {
                //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
                //# Furthermore, the provisional response MUST be passed to the TU.
                100..200 => {
                    self.outbox = false;
                    self.state = State::Proceeding;
                    true
                }
                //= https://www.rfc-editor.org/rfc/rfc6026#section-7.2
                //# If a 2xx response is
                //# received while the client INVITE state machine is in the "Calling" or
                //# "Proceeding" states, it MUST transition to the "Accepted" state, pass
                //# the 2xx response to the TU, and set Timer M to 64*T1.
                200..300 => {
                    self.outbox = false;
                    self.state = State::Accepted { timer_m: now + GIVE_UP };
                    true
                }
                _ => {
                    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
                    //# the client
                    //# transaction MUST generate an ACK request, even if the transport is
                    //# reliable
                    self.ack = acknowledge(&self.invite, response);
                    self.outbox = true;
                    self.state =
                        State::Completed { timer_d: if self.is_reliable { now } else { now + TIMER_D } };
                    true
                }
            },
            State::Completed { .. } => {
                //= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
                //# Any retransmissions of a response with status code 300-699 that
                //# are received while in the "Completed" state MUST cause the ACK to
                //# be re-passed to the transport layer for retransmission, but the
                //# newly received response MUST NOT be passed up to the TU.
                self.outbox |= status >= 300;
                false
            }
            //= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
            //# Any 2xx responses that match this client transaction and that are received while in
            //# the "Accepted" state MUST be passed up to the TU.
            State::Accepted { .. } => (200..300).contains(&status),
            State::Terminated { .. } => false,
        }
    }

    /// Fires what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        self.state = match self.state {
            State::Calling { timer_a: Some(a), timer_b } if now < timer_b => {
                //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
                //# When timer A fires, the client transaction MUST retransmit the
                //# request by passing it to the transport layer, and MUST reset the
                //# timer with a value of 2*T1.
                self.outbox = true;
                State::Calling { timer_a: Some(a.next_uncapped(now)), timer_b }
            }
            State::Calling { .. } => State::Terminated { timed_out: true },
            //= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
            //# If Timer D fires while the client transaction is in the "Completed" state, the
            //# client transaction MUST move to the "Terminated" state.
            //= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
            //# If Timer M fires while the client transaction is in the "Accepted" state, the client
            //# transaction MUST move to the "Terminated" state.
            State::Completed { .. } | State::Accepted { .. } => State::Terminated { timed_out: false },
            idle @ (State::Proceeding | State::Terminated { .. }) => idle,
        };
    }

    /// Returns the next request to put on the wire: the INVITE, or the ACK of its rejection.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        let bytes = if self.ack.is_empty() { &self.invite } else { &self.ack };
        std::mem::take(&mut self.outbox).then_some(bytes.as_slice())
    }

    /// Returns when [`InviteClient::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Calling { timer_a: Some(a), timer_b } => Some(a.at().min(timer_b)),
            State::Calling { timer_a: None, timer_b: due }
            | State::Completed { timer_d: due }
            | State::Accepted { timer_m: due } => Some(due),
            State::Proceeding | State::Terminated { .. } => None,
        }
    }

    /// Returns the INVITE as it was sent.
    #[must_use]
    pub fn invite(&self) -> &[u8] {
        &self.invite
    }

    /// Returns whether the transaction is over.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated { .. })
    }

    /// Returns whether it ended by timer B, without any response.
    #[must_use]
    pub fn has_timed_out(&self) -> bool {
        self.state == State::Terminated { timed_out: true }
    }

    /// Returns whether a CANCEL may be sent: a provisional response has come and no final one.
    #[must_use]
    pub fn is_proceeding(&self) -> bool {
        self.state == State::Proceeding
    }
}

/// Builds the ACK of a 300 to 699 response (RFC 3261 section 17.1.1.3).
fn acknowledge(invite: &[u8], response: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let Ok(invite) = Message::parse(invite) else { return out };
    let Some(uri) = invite.request_uri() else { return out };
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3
    //# The ACK request constructed by the client transaction MUST contain values for the Call-ID,
    //# From, and Request-URI that are equal to the values of those header fields in the request
    //# passed to the transport by the client transaction (call this the "original request").
    let mut ack = Printer::request(&mut out, "ACK", uri);
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3
    //# The ACK MUST contain a single Via header field, and
    //# this MUST be equal to the top Via header field of the original
    //# request.
    if let Some(via) = invite.values(HeaderName::Via).next() {
        ack.header("Via", via);
    }
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3
    //# If the INVITE request whose response is being acknowledged had Route
    //# header fields, those header fields MUST appear in the ACK.
    ack.copy(&invite, HeaderName::Route);
    ack.header("Max-Forwards", b"70");
    ack.copy(&invite, HeaderName::From);
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3
    //# The To
    //# header field in the ACK MUST equal the To header field in the
    //# response being acknowledged
    ack.copy(response, HeaderName::To);
    ack.copy(&invite, HeaderName::CallId);
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3
    //# The CSeq header field in the ACK MUST contain the same value for the sequence number as was
    //# present in the original request, but the method parameter MUST be equal to "ACK".
    if let Ok(cseq) = invite.cseq() {
        ack.header_fmt("CSeq", format_args!("{} ACK", cseq.number));
    }
    ack.finish();
    out
}

impl fmt::Debug for InviteClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message holds numbers, names and answers to challenges.
        f.debug_struct("InviteClient").field("state", &self.state).finish_non_exhaustive()
    }
}

const _: () = assert!(TIMER_D.as_millis() >= 64 * T1.as_millis(), "timer D outlasts the server's timer H");

#[cfg(test)]
mod tests;
