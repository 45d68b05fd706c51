//! What a binding is at, and what becomes of it.

use std::net::SocketAddr;
use std::time::Instant;

use crate::transport::ContactAddress;

/// Who takes its place when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Successor {
    Nobody,
    AnotherLine,
}

/// What is done, or waited for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    Resolving { until: Instant },
    Asking(Box<Asked>),
    Bound { refresh_at: Instant },
    Waiting { retry_at: Instant },
    Removing,
}

/// What the REGISTER on its way says of where we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) contact: ContactAddress,
    pub(super) local: SocketAddr,
}
