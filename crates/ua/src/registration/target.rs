//! Where requests go: what a look-up finds, or why it finds nothing.

use std::net::SocketAddr;

/// A resolved next hop, and the local address that is used towards it.
///
/// ```
/// use ringfence_ua::Target;
///
/// let target = Target { remote: "192.0.2.1:5060".parse()?, local: "192.0.2.9:5060".parse()? };
/// assert_eq!(target.remote.port(), 5060);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Where requests go.
    pub remote: SocketAddr,
    /// Where they come from, which goes into Via and Contact.
    pub local: SocketAddr,
}

/// Why a host has no address.
///
/// ```
/// let unresolved = ringfence_ua::Unresolved { error: "no such name".to_owned() };
/// assert_eq!(unresolved.to_string(), "no such name");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Unresolved {
    /// What the resolver said.
    pub error: String,
}
