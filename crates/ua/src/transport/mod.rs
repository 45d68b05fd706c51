//! The transport layer's rules (RFC 3261 section 18): where a response goes, what the top Via
//! becomes, what keeps a flow open, and what waits to be sent. The sockets and the connections themselves are
//! the caller's.

mod contact;
mod detour;
mod flow;
mod keepalive;
mod outbox;
pub(crate) mod via;

pub(crate) use contact::{ContactAddress, OwnContact, gruu_of, transport_parameter};
pub(crate) use detour::{Detours, Lost, Ready, Step};
pub use flow::{ConnectionId, Flow, Transport};
pub use keepalive::Ping;
pub(crate) use keepalive::{Crlf, Due, Failed, KeepAlive, PING, PONG};
pub use outbox::{Outbox, Transmit, Transmits, Write};
