//! Messages as they came and went, for those who ask to see them.

use std::net::SocketAddr;
use std::time::SystemTime;

use ringfence_ua::Transport;

/// One datagram, or what came or goes at once over a connection, shown by [`Builder::trace`](crate::Builder::trace) in
/// clear even where it goes by TLS. Keep-alives are shown too.
///
/// ```no_run
/// # async fn start() -> softphone::Result<()> {
/// use softphone::{Softphone, Traced};
///
/// let phone = Softphone::builder()
///     .trace(|traced: &Traced<'_>| eprintln!("{:?} {} bytes", traced.direction, traced.payload.len()))
///     .start()
///     .await?;
/// # drop(phone);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Traced<'a> {
    /// When.
    pub at: SystemTime,
    /// Which way.
    pub direction: Direction,
    /// By what.
    pub transport: Transport,
    /// The address that is listened on, which may be a wildcard; of a connection, its own.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
    /// The bytes. They contain numbers, names and digest responses.
    pub payload: &'a [u8],
}

/// Which way a datagram went.
///
/// ```
/// assert_ne!(softphone::Direction::Received, softphone::Direction::Sent);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the network.
    Received,
    /// To the network.
    Sent,
}
