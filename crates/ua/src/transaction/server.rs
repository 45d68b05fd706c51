//! The non-INVITE server transaction (RFC 3261 section 17.2.2).
//!
//! ```text
//!  request            1xx from TU               200-699 from TU             timer J
//! ────────▶ Trying ───────────────▶ Proceeding ─────────────────▶ Completed ────────▶ Terminated
//!              │                                                      ▲
//!              └──────────────────────────────────────────────────────┘
//!                              200-699 from TU
//! ```

use std::fmt;
use std::time::Instant;

use super::timers::GIVE_UP;

/// One non-INVITE server transaction.
///
/// ```
/// use ringfence_ua::transaction::Server;
///
/// let now = std::time::Instant::now();
/// let mut transaction = Server::new(false);
/// transaction.respond(now, 200, b"SIP/2.0 200 OK\r\n...".to_vec());
/// assert!(transaction.poll_transmit().is_some());
/// ```
pub struct Server {
    state: State,
    is_reliable: bool,
    outbox: bool,
    response: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    Completed { timer_j: Instant },
    Terminated,
}

impl Server {
    /// Starts a transaction for a request other than INVITE and ACK that matched none.
    #[must_use]
    pub fn new(is_reliable: bool) -> Self {
        Self { state: State::Trying, is_reliable, outbox: false, response: Vec::new() }
    }

    /// Sends a response of the transaction user. Returns the buffer of the one before it, or `None` where it
    /// was not taken.
    pub fn respond(&mut self, now: Instant, status: u16, response: Vec<u8>) -> Option<Vec<u8>> {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
        //# Any other final responses passed by the TU to the server
        //# transaction MUST be discarded while in the "Completed" state.
        if matches!(self.state, State::Completed { .. } | State::Terminated) {
            return None;
        }
        let replaced = std::mem::replace(&mut self.response, response);
        self.outbox = true;
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
        //# While in the "Trying" state, if the TU passes a provisional response to the server
        //# transaction, the server transaction MUST enter the "Proceeding" state.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
        //# The response MUST be passed to the transport layer for transmission.
        self.state = if status < 200 {
            State::Proceeding
        } else {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
            //# When the server transaction enters the "Completed" state, it MUST set
            //# Timer J to fire in 64*T1 seconds for unreliable transports, and zero
            //# seconds for reliable transports.
            State::Completed { timer_j: if self.is_reliable { now } else { now + GIVE_UP } }
        };
        Some(replaced)
    }

    /// Takes a retransmission of the request.
    pub fn handle_request(&mut self) {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
        //# Once in the "Trying" state, any further request
        //# retransmissions are discarded.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
        //# If a retransmission of the request is received while in the "Proceeding" state, the most
        //# recently sent provisional response MUST be passed to the transport layer for
        //# retransmission.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
        //# While in the "Completed" state, the server transaction MUST pass the final response to
        //# the transport layer for retransmission whenever a retransmission of the request is
        //# received.
        self.outbox = matches!(self.state, State::Proceeding | State::Completed { .. });
    }

    /// Fires what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
        //# The server transaction remains in this state until Timer J fires, at which point it MUST
        //# transition to the "Terminated" state.
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.state = State::Terminated;
        }
    }

    /// Returns the next response to put on the wire.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        std::mem::take(&mut self.outbox).then_some(self.response.as_slice())
    }

    /// Returns when [`Server::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if let State::Completed { timer_j } = self.state { Some(timer_j) } else { None }
    }

    /// Returns whether the transaction is over.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }

    /// Gives the buffer of the response back, emptied of meaning, to be used again.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.response
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message holds numbers, names and answers to challenges.
        f.debug_struct("Server").field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::timers::epoch;
    use super::*;

    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
    //= type=test
    //# While in the "Completed" state, the server transaction MUST pass the final response to the
    //# transport layer for retransmission whenever a retransmission of the request is received.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
    //= type=test
    //# Any other final responses passed by the TU to the server transaction MUST be discarded while
    //# in the "Completed" state.
    #[test]
    fn retransmissions_before_a_response_are_discarded_and_after_it_answered() {
        let now = epoch();
        let mut transaction = Server::new(false);
        transaction.handle_request();
        assert_eq!(transaction.poll_transmit(), None);
        transaction.respond(now, 100, b"100".to_vec());
        transaction.respond(now, 200, b"200".to_vec());
        assert_eq!(transaction.poll_transmit(), Some(&b"200"[..]));
        assert_eq!(transaction.respond(now, 500, b"500".to_vec()), None);
        transaction.handle_request();
        assert_eq!(transaction.poll_transmit(), Some(&b"200"[..]));
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
    //= type=test
    //# While in the "Trying" state, if the TU passes a provisional response to the server
    //# transaction, the server transaction MUST enter the "Proceeding" state.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
    //= type=test
    //# The response MUST be passed to the transport layer for transmission.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
    //= type=test
    //# Any further provisional responses that are received from the TU while in the "Proceeding"
    //# state MUST be passed to the transport layer for transmission.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
    //= type=test
    //# If a retransmission of the request is received while in the "Proceeding" state, the most
    //# recently sent provisional response MUST be passed to the transport layer for retransmission.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
    //= type=test
    //# If the TU passes a final response (status codes 200-699) to the server while in the
    //# "Proceeding" state, the transaction MUST enter the "Completed" state, and the response MUST
    //# be passed to the transport layer for transmission.
    #[test]
    fn each_provisional_response_is_sent_and_the_newest_again_for_each_repetition() {
        let now = epoch();
        let mut transaction = Server::new(false);
        for (status, text) in [(100, b"100"), (183, b"183")] {
            assert!(transaction.respond(now, status, text.to_vec()).is_some());
            assert_eq!(transaction.poll_transmit(), Some(&text[..]));
            transaction.handle_request();
            assert_eq!(transaction.poll_transmit(), Some(&text[..]));
        }
        assert_eq!(transaction.poll_timeout(), None);
        assert!(transaction.respond(now, 200, b"200".to_vec()).is_some());
        assert_eq!(transaction.poll_transmit(), Some(&b"200"[..]));
        assert_eq!(transaction.poll_timeout(), Some(now + GIVE_UP), "it is completed");
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
    //= type=test
    //# When the server transaction enters the "Completed" state, it MUST set Timer J to fire in
    //# 64*T1 seconds for unreliable transports, and zero seconds for reliable transports.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
    //= type=test
    //# The server transaction remains in this state until Timer J fires, at which point it MUST
    //# transition to the "Terminated" state.
    #[test]
    fn timer_j_ends_it_after_64_t1_or_at_once_on_a_reliable_transport() {
        let now = epoch();
        for (is_reliable, ends) in [(false, now + GIVE_UP), (true, now)] {
            let mut transaction = Server::new(is_reliable);
            transaction.respond(now, 200, b"200".to_vec());
            assert_eq!(transaction.poll_timeout(), Some(ends));
            transaction.handle_timeout(ends);
            assert!(transaction.is_terminated());
        }
    }
}
