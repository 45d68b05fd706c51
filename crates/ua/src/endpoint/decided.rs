//! What an application hears of its decision.

use crate::core::Objection;

/// What became of a decision.
///
/// ```
/// use ringfence_ua::Decided;
///
/// assert!(Decided::Gone != Decided::Sent);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// It is carried out: what there is to send is on its way.
    Sent,
    /// The call was over: cancelled, or decided before.
    Gone,
    /// The call cannot ring, and was answered with this instead.
    Objected(Objection),
}
