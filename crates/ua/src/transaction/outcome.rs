//! What came of a message that was matched with the transactions, and of a transaction that is over.

use super::{EndedBy, InviteServerEnd};
use crate::transport::Flow;

/// What a request that matched a transaction was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matched {
    /// A retransmission, absorbed; what there is to repeat has been repeated.
    Retransmission,
    /// The ACK of a 300 to 699 response, absorbed.
    Ack,
    /// The ACK of a 2xx response.
    AckOfSuccess,
}

/// What the transaction user is told without having asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// An INVITE server transaction has its ACK, or gave up waiting for it.
    Invite { user: u64, status: u16, by: EndedBy, end: InviteServerEnd },
    /// A client transaction ended without a final response to what was sent on its flow.
    TimedOut { user: u64, flow: Flow },
}

/// The state of an INVITE server transaction that a CANCEL asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancellable {
    /// No final response was given yet.
    Undecided { user: u64 },
    /// Too late: a final response was given.
    Decided,
    /// Nothing was ever answered, and nothing is to be.
    Silent,
}

/// What a response that matched a client transaction was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is for the transaction user; its request may have gone out more than once.
    News { user: u64, is_repeated: bool },
    /// It was heard before.
    Retransmission,
}
