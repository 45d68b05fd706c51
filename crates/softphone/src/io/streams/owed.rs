//! The answers that a peer is still to be given: one that says that it will say no more may wait for them.
//!
//! What is never answered (a call that is ignored, a request that is dropped) is counted as well: such a connection is kept
//! as long as any may be, 32 s.

/// How many requests have come that have no final response yet.
#[derive(Debug, Default)]
pub(super) struct Owed(usize);

impl Owed {
    /// Takes a message that has come. Returns whether it is one that is answered.
    pub(super) fn heard(&mut self, message: &[u8]) -> bool {
        let is_answered = is_answered(message);
        self.0 += usize::from(is_answered);
        is_answered
    }

    /// Takes that so many final responses are to be written. One that answers what is no more is none too many.
    pub(super) fn answered(&mut self, final_responses: usize) {
        self.0 = self.0.saturating_sub(final_responses);
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.0 == 0
    }
}

/// Tells whether a message is one that is answered: a request, and no ACK (RFC 3261 section 17.1.1.3).
pub(super) fn is_answered(message: &[u8]) -> bool {
    let end = message.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(message.len());
    let line = &message[..end];
    let version = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    is_version(version) && !is_version(line) && !line.starts_with(b"ACK ")
}

/// Tells whether something begins as the version of any SIP.
fn is_version(text: &[u8]) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_but_an_ack_is_owed_one_final_response() {
        let mut owed = Owed::default();
        let unanswered =
            ["ACK sip:a SIP/2.0", "SIP/2.0 200 OK", "sip/3.0 100", "SIP/2.0 200 SIP/2.0", "What?", "", "\n"];
        for first in ["INVITE sip:a SIP/2.0", "CANCEL sip:a sip/3.0"].iter().chain(&unanswered) {
            owed.heard(format!("{first}\r\nVia: SIP/2.0/TCP SIP/2.0\r\n\r\n").as_bytes());
        }
        owed.answered(1);
        assert!(!owed.is_nothing());
        owed.answered(2);
        assert!(owed.is_nothing(), "one more than is owed");
    }
}
