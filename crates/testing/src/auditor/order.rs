//! What has to hold of a response, given what was sent in its transaction before.

use ringfence_wire::sip::StatusCode;

use super::form::Written;
use super::served::Served;
use super::{Judged, Rule, Time};

/// The next response of a transaction.
pub(super) struct Next<'a> {
    /// When it is sent, where that is known.
    pub(super) time: Option<Time>,
    pub(super) written: Written<'a>,
    pub(super) served: &'a Served,
}

pub(super) struct Order;

impl Judged for Order {
    type With<'a> = Next<'a>;
}

pub(super) const RULES: &[Rule<Order>] = &[
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
    //# Any other final responses passed by the TU to the server
    //# transaction MUST be discarded while in the "Completed" state.
    Rule {
        section: "17.2",
        says: "a request has one final response, which is the same each time",
        holds: |it| {
            !it.is_final() || it.served.last.as_ref().is_none_or(|last| last.bytes == it.written.bytes)
        },
    },
    Rule {
        section: "17.2",
        says: "nothing provisional comes after what is final",
        holds: |it| it.is_final() || it.is_first(),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.1
    //# UASs SHOULD NOT issue a provisional response for a
    //# non-INVITE request.
    Rule {
        section: "8.2.6.1",
        says: "what is no INVITE has no provisional response",
        holds: |it| it.is_final() || it.is_invite(),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
    //# While in the
    //# "Completed" state, the server transaction MUST pass the final
    //# response to the transport layer for retransmission whenever a
    //# retransmission of the request is received.
    // And at no other time.
    Rule {
        section: "17.2.2",
        says: "what is no INVITE is answered when it comes, and not again",
        holds: |it| it.is_invite() || it.is_first() || it.is_asked(),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
    //# If timer G fires, the response
    //# is passed to the transport layer once more for retransmission, and
    //# timer G is set to fire in MIN(2*T1, T2) seconds.
    Rule {
        section: "17.2.1",
        says: "the final response to an INVITE is not repeated before its time",
        holds: |it| {
            let last = it.served.last.as_ref();
            it.is_asked() || last.zip(it.time).is_none_or(|(last, time)| time.is_from(last.again_at))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
    //# The purpose of the "Confirmed" state is to absorb any additional ACK
    //# messages that arrive, triggered from retransmissions of the final
    //# response.
    Rule {
        section: "17.2.1",
        says: "a final response that was acknowledged is not repeated by itself",
        holds: |it| {
            let acknowledged = it.served.acknowledged.zip(it.time);
            it.is_asked() || !it.is_final() || acknowledged.is_none()
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
    //# For unreliable transports,
    //# timer G is set to fire in T1 seconds, and is not set to fire for
    //# reliable transports.
    Rule {
        section: "17.2.1",
        says: "nothing final is repeated over a connection",
        holds: |it| it.is_asked() || it.is_first() || !it.written.transport.is_reliable(),
    },
];

impl Next<'_> {
    fn is_final(&self) -> bool {
        self.written.message.status().is_some_and(StatusCode::is_final)
    }

    fn is_invite(&self) -> bool {
        self.served.is_invite()
    }

    /// Returns whether nothing final was sent yet.
    fn is_first(&self) -> bool {
        self.served.last.is_none()
    }

    /// Returns whether a request has come since the final response that was not answered yet.
    fn is_asked(&self) -> bool {
        self.served.unanswered > 0
    }
}
