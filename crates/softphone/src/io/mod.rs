//! Sockets, names and interfaces.

mod datagrams;
pub(crate) mod interfaces;
pub(crate) mod resolver;
mod rtp_ports;
pub(crate) mod streams;
pub(crate) mod udp;

pub use rtp_ports::RtpPorts;
