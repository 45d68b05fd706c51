//! The answers that a peer is still to be given: one that says that it will say no more may wait for them.
//!
//! What is never answered (a call that is ignored, a request that is dropped) is counted as well: such a connection is kept
//! as long as any may be, 32 s.

/// How many requests have come that have no final response yet.
#[derive(Debug, Default)]
pub(super) struct Owed(usize);

/// How every response begins.
const VERSION: &[u8] = b"SIP/2.0 ";

impl Owed {
    /// Takes a message that has come. Nobody answers an ACK (RFC 3261 section 17.1.1.3).
    pub(super) fn heard(&mut self, message: &[u8]) {
        if !is_response(message) && !message.starts_with(b"ACK ") {
            self.0 += 1;
        }
    }

    /// Takes that so many final responses are to be written. One that answers what is no more is none too many.
    pub(super) fn answered(&mut self, final_responses: usize) {
        self.0 = self.0.saturating_sub(final_responses);
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.0 == 0
    }
}

/// Tells whether a message is a response.
pub(super) fn is_response(message: &[u8]) -> bool {
    message.starts_with(VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_but_an_ack_is_owed_one_final_response() {
        let mut owed = Owed::default();
        for first in ["INVITE sip:a SIP/2.0", "ACK sip:a SIP/2.0", "CANCEL sip:a SIP/2.0", "SIP/2.0 200 OK"] {
            owed.heard(first.as_bytes());
        }
        owed.answered(1);
        assert!(!owed.is_nothing());
        owed.answered(2);
        assert!(owed.is_nothing(), "one more than is owed");
    }
}
