//! Finding servers (RFC 3263): from the host of an account to the addresses, ports and transports to try, in order.
//!
//! ```text
//! names ──▶ procedure ──▶ naptr     which transport, and where its servers are listed
//!               │    └──▶ srv       in which order its servers are tried
//!               │    └──▶ families  in which order a server's addresses are tried
//!               ▼
//!             cache ──▶ Resolver    the DNS
//! ```
//!
//! Section 5 (where responses go when the connection is lost) needs no look-up over UDP, and is not here.

use std::net::SocketAddr;

use ringfence_ua::Transport;

pub(crate) mod cache;
mod families;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod host;
mod names;
mod naptr;
mod procedure;
mod srv;

pub(crate) use host::{is_one_host, literal};
pub(crate) use names::{Found, Names, Wanted, find_by, unresolved};
pub(crate) use procedure::Unlocated;

/// What can be used, the preferred first: where a domain does not say what it wants, UDP is what every server has.
/// WebSocket is for those lines that ask for it, as no record names its resource.
pub(crate) const SUPPORTED: &[Transport] =
    &[Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

/// Where a server is, and by what it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    pub(crate) transport: Transport,
    /// Of its SRV record, the lowest first: one that is lower is tried before any that is higher.
    pub(crate) priority: u16,
}
