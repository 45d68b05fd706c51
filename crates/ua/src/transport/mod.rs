//! The transport layer's rules (RFC 3261 section 18): where a response goes, what the top Via
//! becomes, what keeps a flow open, and the datagrams that wait to be sent. The sockets
//! themselves are the caller's.

mod keepalive;
mod outbox;
pub(crate) mod via;

pub(crate) use keepalive::{KeepAlive, PING};
pub use outbox::{Outbox, Transmit, Transmits};
