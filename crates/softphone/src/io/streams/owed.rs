//! The answers that a peer is still to be given: one that says that it will say no more may wait for them.
//!
//! What is never answered (a call that is ignored, a request that is dropped) is counted as well: such a connection is kept
//! as long as any may be, 32 s.

use ringfence_wire::sip::{Frame, Framer};

/// How many requests have come that have no final response yet.
#[derive(Debug, Default)]
pub(super) struct Owed(usize);

/// How every response begins.
const VERSION: &[u8] = b"SIP/2.0 ";

impl Owed {
    /// Takes a message that has come. Nobody answers an ACK (RFC 3261 section 17.1.1.3).
    pub(super) fn heard(&mut self, message: &[u8]) {
        if !message.starts_with(VERSION) && !message.starts_with(b"ACK ") {
            self.0 += 1;
        }
    }

    /// Takes what is written: whole messages.
    pub(super) fn written(&mut self, mut bytes: &[u8]) {
        let mut framer = Framer::default();
        while self.0 > 0
            && let Ok(Some(frame)) = framer.next(bytes)
            && let Some((message, rest)) = bytes.split_at_checked(frame.length())
        {
            let is_message = matches!(frame, Frame::Message { .. });
            self.0 -= usize::from(is_message && is_final(message));
            bytes = rest;
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.0 == 0
    }
}

fn is_final(message: &[u8]) -> bool {
    message
        .strip_prefix(VERSION)
        .and_then(|rest| rest.first())
        .is_some_and(|class| (b'2'..=b'6').contains(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16) -> Vec<u8> {
        format!("SIP/2.0 {status} So\r\nContent-Length: 0\r\n\r\n").into_bytes()
    }

    #[test]
    fn each_request_but_an_ack_is_owed_one_final_response() {
        let mut owed = Owed::default();
        for message in
            ["INVITE sip:a SIP/2.0\r\n\r\n", "ACK sip:a SIP/2.0\r\n\r\n", "CANCEL sip:a SIP/2.0\r\n\r\n"]
        {
            owed.heard(message.as_bytes());
        }
        owed.heard(&response(200));
        owed.written(&[response(100), response(200), b"\r\n\r\n".to_vec()].concat());
        assert!(!owed.is_nothing());
        owed.written(
            &[b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n".to_vec(), response(487)].concat(),
        );
        assert!(owed.is_nothing());
        owed.written(&response(603));
        assert!(owed.is_nothing(), "one that answers what is no more is none too many");
    }
}
