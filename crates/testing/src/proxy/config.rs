//! How a proxy is set up.

use std::net::SocketAddr;
use std::time::Duration;

use crate::pbx::PbxConfig;

/// How a [`Proxy`](super::Proxy) is set up.
///
/// ```
/// use std::time::Duration;
/// use ringfence_testing::{Forking, ProxyConfig};
///
/// let config = ProxyConfig {
///     forking: Forking::Serial { ring: Duration::from_secs(20) },
///     ..ProxyConfig::new("192.0.2.1:5060".parse().unwrap())
/// };
/// assert!(config.record_routes);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyConfig {
    /// Its address, its domain, and what its registrar is like.
    pub registrar: PbxConfig,
    /// In which order the bindings of a user are rung.
    pub forking: Forking,
    /// Whether it stays on the way of later requests of a dialog.
    pub record_routes: bool,
    /// How long a phone may ring without another provisional response (RFC 3261 section 16.6).
    pub timer_c: Duration,
}

/// In which order the bindings of a user are rung.
///
/// ```
/// use ringfence_testing::Forking;
///
/// assert_eq!(Forking::default(), Forking::Parallel);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Forking {
    /// All at once.
    #[default]
    Parallel,
    /// One after the other, the newest binding first.
    Serial {
        /// How long each may ring before it is cancelled and the next one is tried.
        ring: Duration,
    },
}

impl ProxyConfig {
    /// Makes the configuration of a proxy that forks to all bindings at once and stays on the way.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let mut registrar = PbxConfig::new(address);
        "Ringfence-Testing Proxy".clone_into(&mut registrar.product);
        Self { registrar, forking: Forking::Parallel, record_routes: true, timer_c: TIMER_C }
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-16.6
//# The timer MUST be larger than 3 minutes.
const TIMER_C: Duration = Duration::from_secs(181);
