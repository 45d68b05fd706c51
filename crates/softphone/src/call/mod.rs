//! Calls.

mod incoming;

pub(crate) use incoming::Facts;
pub use incoming::IncomingCall;

use ringfence_ua::{CallEnd, CallNumber, EndedBy};

use crate::screen::CallId;

/// How an incoming call ended, told by [`Builder::ended`](crate::Builder::ended).
///
/// ```
/// fn describe(ended: &softphone::Ended) -> String {
///     format!("{} ended by {:?} with {:?}: {:?}", ended.call, ended.by, ended.status, ended.how)
/// }
/// # let _ = describe;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Which call.
    pub call: CallId,
    /// The status of the final response, if one was sent; 487 where the caller gave up.
    pub status: Option<u16>,
    /// What put an end to it.
    pub by: EndedBy,
    /// How its end was seen.
    pub how: How,
}

impl Ended {
    /// Makes it of what an endpoint tells, which a shard has.
    pub(crate) fn of(shard: u16, call: CallNumber, status: Option<u16>, by: EndedBy, end: CallEnd) -> Self {
        let how = match end {
            CallEnd::Acknowledged => How::Acknowledged,
            CallEnd::Unacknowledged => How::Unacknowledged,
            CallEnd::Ignored => How::Ignored,
            CallEnd::Stateless | _ => How::Stateless,
        };
        Self { call: CallId { shard, number: call.as_u64() }, status, by, how }
    }
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
    /// The final response was given without keeping state, because a table was full (RFC 3261 section 8.2.7): whether it
    /// arrived is not known.
    Stateless,
}
