//! Sockets, names and interfaces.

mod datagrams;
pub(crate) mod interfaces;
pub(crate) mod locate;
pub(crate) mod resolver;
pub(crate) mod rtp_pair;
mod rtp_ports;
mod shedding;
pub(crate) mod streams;
pub(crate) mod stun;
pub(crate) mod udp;

pub use resolver::{Lookup, LookupError, Naptr, Records, Resolver, Srv};
pub use rtp_pair::RtpPair;
pub use rtp_ports::RtpPorts;
pub use stun::is_stun_server;
