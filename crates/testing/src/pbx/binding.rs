//! The bindings of one user (RFC 3261 section 10.3).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_wire::sip::Uri;

/// Where a user can be reached.
///
/// ```
/// use std::time::Instant;
/// use ringfence_testing::Binding;
///
/// let binding = Binding {
///     contact: "sip:858@192.0.2.7:5060".into(),
///     source: "192.0.2.7:5060".parse().unwrap(),
///     expires_at: Instant::now(),
///     call_id: "a84b4c76e66710".into(),
///     cseq: 2,
/// };
/// assert!(binding.contact.ends_with(":5060"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The contact's URI.
    pub contact: String,
    /// Where the REGISTER came from: calls go there.
    pub source: SocketAddr,
    /// When it ends.
    pub expires_at: Instant,
    /// The Call-ID of the REGISTER that set it.
    pub call_id: String,
    /// The `CSeq` number of that REGISTER.
    pub cseq: u32,
}

impl Binding {
    /// Returns whether a contact's URI is this binding's.
    pub(super) fn is_of(&self, contact: &str) -> bool {
        match (Uri::parse(self.contact.as_bytes()), Uri::parse(contact.as_bytes())) {
            (Ok(ours), Ok(theirs)) => ours.matches(&theirs),
            (Ok(_) | Err(_), _) => false,
        }
    }

    /// Returns the value of a Contact header, with the time that is left.
    pub(super) fn to_contact(&self, now: Instant) -> String {
        let left = self.expires_at.saturating_duration_since(now) + Duration::from_millis(999);
        format!("<{}>;expires={}", self.contact, left.as_secs())
    }
}
