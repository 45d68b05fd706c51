//! Incoming calls (RFC 3261 sections 9 and 13.3): the INVITE as it is shown to who decides, the
//! verdict, and the calls that wait for one.

mod answer;
mod incoming;
mod invite;
mod redirection;
pub(crate) mod sips;
mod wait;

pub use answer::{InvalidAnswer, Rejection};
pub(crate) use incoming::{Due, Incoming, Ring, UNDECIDED_FOR, Waiting};
pub use invite::{Invite, Origin, Screen, Verdict};
pub use redirection::Redirection;
pub(crate) use wait::Then;
pub use wait::Wait;

use std::fmt;

/// One incoming call, numbered from 1 as they come to an endpoint.
///
/// ```
/// assert_eq!(ringfence_ua::CallNumber::new(7).to_string(), "7");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallNumber(u64);

impl CallNumber {
    /// Makes a number; those of real calls come with their INVITE.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CallNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How an incoming call ended.
///
/// ```
/// assert_ne!(ringfence_ua::CallEnd::Acknowledged, ringfence_ua::CallEnd::Unacknowledged);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallEnd {
    /// The caller acknowledged the final response.
    Acknowledged,
    /// No ACK of the final response came within 32 s (64*T1).
    Unacknowledged,
    /// The call was left unanswered, as was decided.
    Ignored,
    /// The final response was given without keeping state, at a bound: whether it arrived is not known.
    Stateless,
}
