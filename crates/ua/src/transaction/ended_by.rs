//! Why a transaction user gave its final response. A transaction keeps it until it ends, and reads it never.

/// What put an end to an incoming call.
///
/// ```
/// use ringfence_ua::EndedBy;
///
/// assert_eq!(EndedBy::default(), EndedBy::Decision);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndedBy {
    /// The verdict of the screen or a decision of the application, carried out at once.
    #[default]
    Decision,
    /// The caller gave up: CANCEL, or BYE while it rang.
    Caller,
    /// Another phone answered: the registrar or a peer said so in its CANCEL (`Reason: SIP;cause=200`, RFC 3326).
    Elsewhere,
    /// The limit of its wait was reached, or 10 minutes passed without a decision.
    Limit,
    /// The invitation expired: the seconds of its `Expires` passed without a decision (RFC 3261 section 13.3.1).
    Expires,
    /// It was to ring, and what stands against the INVITE was answered instead.
    Objection,
    /// A table was full (see [`Limits`](crate::Limits)), or there was no room where it would have waited to be decided.
    Overload,
    /// It still waited when all calls were ended.
    Shutdown,
}
