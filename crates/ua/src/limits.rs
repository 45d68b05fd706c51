//! The bound of every table, and what happens at it.

use std::num::NonZeroU32;

/// The bounds of one endpoint.
///
/// ```
/// use ringfence_ua::Limits;
///
/// let limits = Limits { undecided_calls: 100, ..Limits::default() };
/// assert!(limits.server_transactions > limits.undecided_calls);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Server transactions kept at once. At the bound a request is answered without keeping
    /// anything: the same bytes for each retransmission, and nothing is retransmitted by us.
    pub server_transactions: usize,
    /// Bytes of responses that server transactions keep at once. At the bound the same is done; INVITEs that come together are let
    /// in before the first of them is answered.
    pub response_bytes: usize,
    /// Client transactions at once. At the bound a registration is tried again later.
    pub client_transactions: usize,
    /// Calls that wait for a decision, ring or are held in silence. At the bound a call that would wait is
    /// answered at once: what was chosen for its limit, or 503 with Retry-After. Those that the screen decides at
    /// once go on. Of them and of their bytes a quarter at most is of callers who may be anybody (`Origin::Anyone`).
    pub undecided_calls: usize,
    /// Bytes of the INVITEs of those calls and of what is kept to answer them by. At the bound the same is done.
    pub undecided_bytes: usize,
    /// Lines. At the bound another is refused.
    pub lines: usize,
    /// New requests of one source in a second, an IPv6 network being one source; `None` is no limit. What is beyond is answered
    /// 503 with Retry-After, a BYE of no call 481, without keeping anything and without being shown to the screen. A CANCEL of no
    /// call and a request without a readable Via are not answered at all then, and on a line that is open to everyone nothing is.
    /// A CANCEL or BYE that ends a call is none of the share. An INVITE that was turned away is so for 32 s, however often it comes,
    /// the newest 16,384 of them.
    pub requests_per_source: Option<NonZeroU32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A second of the fastest rejections kept for 64*T1 without a single ACK, several times over.
            server_transactions: 1 << 20,
            // Of responses as they come from a PBX, half a million; of the longest ones, four thousand.
            response_bytes: 256 << 20,
            client_transactions: 1 << 17,
            // A human decides slowly, but nobody rings ten thousand people at once.
            undecided_calls: 10_000,
            undecided_bytes: 64 << 20,
            lines: 100_000,
            // A PBX may have all calls of a city.
            requests_per_source: None,
        }
    }
}

/// How long a call that is turned away at a bound is asked to wait: longer than the undecided
/// calls ahead of it need to give up (64*T1).
pub(crate) const OVERLOAD_RETRY_AFTER: u32 = 32;

/// How long a source that has had its share is asked to wait: the second that it has had.
pub(crate) const SHARE_RETRY_AFTER: u32 = 1;

/// The longest payload of a UDP datagram over IPv4: 65,535 bytes less the headers of IP and UDP.
pub(crate) const LONGEST_DATAGRAM: usize = 65_507;

/// How many due timers one call of `handle_timeout` fires, so that datagrams are not kept waiting.
pub(crate) const TIMERS_AT_ONCE: usize = 1024;

/// How many response buffers are kept to be used again, the rest goes back to the allocator: as many as a burst
/// takes and gives back.
pub(crate) const SPARE_BUFFERS: usize = 256;

/// The largest response buffer that is kept: a request with hundreds of Vias makes a response
/// that is not worth holding on to.
pub(crate) const SPARE_BUFFER_SIZE: usize = 2048;
