//! Calls.

mod incoming;

pub(crate) use incoming::Facts;
pub use incoming::IncomingCall;

use crate::screen::CallId;

/// How an incoming call ended.
///
/// ```
/// fn describe(ended: &softphone::Ended) -> String {
///     format!("call {} ended {:?} with {:?}", ended.call, ended.how, ended.status)
/// }
/// # let _ = describe;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Which call.
    pub call: CallId,
    /// The final status, if one was sent.
    pub status: Option<u16>,
    /// How.
    pub how: How,
}

/// How the end of a call was seen.
///
/// ```
/// assert_ne!(softphone::How::Acknowledged, softphone::How::Unacknowledged);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum How {
    /// The caller acknowledged the final response.
    Acknowledged,
    /// No ACK of the final response came within 32 s (RFC 3261 timer H).
    Unacknowledged,
    /// The call was left unanswered, as was decided.
    Ignored,
    /// The final response was given without keeping state, at a bound: whether it arrived is not known.
    Stateless,
}
