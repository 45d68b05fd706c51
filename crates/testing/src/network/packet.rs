//! What is sent, and what the network does with it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What the network does to packets.
///
/// ```
/// use std::time::Duration;
/// use ringfence_testing::Conditions;
///
/// let bad = Conditions { loss: 0.2, jitter: Duration::from_millis(80), ..Conditions::default() };
/// assert_eq!(bad.delay, Duration::from_millis(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// The probability that a packet is lost.
    pub loss: f64,
    /// The probability that a packet arrives twice.
    pub duplication: f64,
    /// How long every packet takes.
    pub delay: Duration,
    /// How much longer a packet may take; packets overtake each other within it.
    pub jitter: Duration,
}

impl Default for Conditions {
    /// A local network: every packet arrives once, in order, after a millisecond.
    fn default() -> Self {
        Self { loss: 0.0, duplication: 0.0, delay: Duration::from_millis(1), jitter: Duration::ZERO }
    }
}

/// One packet that was sent, whether it arrived or not.
///
/// ```
/// use ringfence_testing::{Fate, Network};
///
/// let network = Network::new(1);
/// assert_eq!(network.packets().iter().filter(|packet| packet.fate == Fate::Lost).count(), 0);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// When it was sent.
    pub sent_at: Instant,
    /// Who sent it, as the receiver sees it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// What.
    pub payload: Vec<u8>,
    /// What the network did with it.
    pub fate: Fate,
}

/// What became of a packet.
///
/// ```
/// use ringfence_testing::Fate;
///
/// assert_ne!(Fate::Delivered, Fate::Lost);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Delivered,
    /// It arrives twice.
    Duplicated,
    /// It is lost.
    Lost,
    /// No node has the address, or one of the two is cut off.
    Unreachable,
    /// It was written to a connection: it arrives once and in order, if the connection lasts.
    Streamed,
}
