//! What a transaction is known by on the wire.

use ringfence_wire::sip::{Message, Method};

/// What a transaction is known by on the wire: the top Via, Call-ID and `CSeq`, where ACK belongs to its INVITE.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) call_id: Vec<u8>,
    pub(super) rest: Vec<u8>,
}

impl Key {
    pub(super) fn of(message: &Message<'_>) -> Option<Self> {
        let cseq = message.cseq().ok()?;
        Self::of_method(message, if cseq.method == Method::Ack { Method::Invite } else { cseq.method })
    }

    /// What a transaction of another method would be known by.
    pub(super) fn of_method(message: &Message<'_>, method: Method<'_>) -> Option<Self> {
        let (via, call_id, cseq) = (message.via().ok()?, message.call_id().ok()?, message.cseq().ok()?);
        let number = cseq.number.to_string();
        let method = method.as_str().as_bytes();
        let parts = [via.sent_by(), via.branch().unwrap_or_default(), number.as_bytes(), method];
        Some(Self { call_id: call_id.to_vec(), rest: parts.join(&b'\n') })
    }
}
