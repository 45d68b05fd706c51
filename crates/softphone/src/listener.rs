//! Where others reach a softphone.

use std::fmt;
use std::net::SocketAddr;

use ringfence_ua::Transport;

/// An address that a softphone listens on, and by which transport.
///
/// ```
/// # async fn run() -> softphone::Result<()> {
/// let phone = softphone::Softphone::builder().start().await?;
/// for listener in phone.listeners() {
///     println!("{listener}"); // UDP 0.0.0.0:40213
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Listener {
    /// By what it is reached.
    pub transport: Transport,
    /// Where, with the port that was taken where any would do.
    pub address: SocketAddr,
}

/// Writes such as `TCP 192.0.2.7:5060`.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transport, self.address)
    }
}
