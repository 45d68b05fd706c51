//! Where requests go: what a look-up finds, or why it finds nothing.

use std::net::SocketAddr;

use crate::transport::Flow;

/// A next hop that can be sent to, and the local address that is used towards it.
///
/// ```
/// use ringfence_ua::Target;
///
/// let target = Target::udp("192.0.2.1:5060".parse()?, "192.0.2.9:5060".parse()?);
/// assert_eq!(target.flow.remote().port(), 5060);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// What requests go out on: a UDP peer, or a connection that is open.
    pub flow: Flow,
    /// Where they come from, which goes into Via and Contact.
    pub local: SocketAddr,
}

impl Target {
    /// Creates a target that is reached by UDP.
    #[must_use]
    pub fn udp(remote: SocketAddr, local: SocketAddr) -> Self {
        Self { flow: remote.into(), local }
    }

    /// Returns it with an address of ours that others may read: a zone is of this machine only, and must not stand in Via and
    /// Contact.
    pub(super) fn nameable(self) -> Self {
        Self { local: SocketAddr::new(self.local.ip(), self.local.port()), ..self }
    }
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

/// Why there is no target.
///
/// ```
/// use ringfence_ua::{Unreached, Unresolved};
///
/// let unreached = Unreached::from(Unresolved { error: "no such name".to_owned() });
/// assert_eq!(unreached.to_string(), "no such name");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// The host has no address.
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    /// It has, and none takes a connection.
    #[error("{error}")]
    Unconnected {
        /// What the system, or TLS, said.
        error: String,
    },
}
