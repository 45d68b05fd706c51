//! What an endpoint is told once, and that it has no more room.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::limits::Limits;
use crate::transport::Transport;

/// What an endpoint is told once.
///
/// ```
/// use ringfence_ua::Config;
///
/// let config = Config::new("192.0.2.9:5060".parse()?);
/// assert_eq!(config.user_agent, concat!("ringfence/", env!("CARGO_PKG_VERSION")));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    /// The address of the socket, for what goes out before a better one is known.
    pub local: SocketAddr,
    /// Where peers connect to, by each transport that has connections.
    pub listening: BTreeMap<Transport, SocketAddr>,
    /// What `User-Agent` says.
    pub user_agent: String,
    /// Who warns, in `Warning: 399 <agent> "…"` (RFC 3261 section 20.43): a host or a pseudonym, a token.
    pub warning_agent: String,
    /// When an INVITE is answered 100 Trying.
    pub trying: Trying,
    /// The bounds of its tables.
    pub limits: Limits,
}

/// When an INVITE is answered 100 Trying (RFC 3261 section 17.2.1).
///
/// ```
/// use ringfence_ua::Trying;
///
/// assert_eq!(Trying::default(), Trying::AtOnce);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Trying {
    /// At once, whatever comes after it. Only a stranger who calls an open line by UDP gets none, for he would stop repeating his
    /// INVITE by it (RFC 3261 section 17.1.1.2), and is answered no more often than he asks.
    #[default]
    AtOnce,
    /// Only where nothing else is answered at once: a call that the screen rejects, redirects or lets ring has that
    /// answer alone.
    WhenWaiting,
}

impl Config {
    /// Creates a configuration with the product's name and the default bounds.
    #[must_use]
    pub fn new(local: SocketAddr) -> Self {
        Self {
            local,
            listening: BTreeMap::new(),
            user_agent: concat!("ringfence/", env!("CARGO_PKG_VERSION")).to_owned(),
            warning_agent: "ringfence".to_owned(),
            trying: Trying::default(),
            limits: Limits::default(),
        }
    }
}

/// A table is at its bound (see [`Limits`]).
///
/// ```
/// assert_eq!(ringfence_ua::Full.to_string(), "no room for another line");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room for another line")]
pub struct Full;
