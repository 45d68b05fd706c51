//! The range of ports that media will use.

use std::ops::RangeInclusive;

use crate::error::{Kind, Result};

/// A range of UDP ports for RTP and RTCP. Nothing is bound before a call has media, and calls have none yet.
///
/// ```
/// # async fn start() -> softphone::Result<()> {
/// let phone = softphone::Softphone::builder().rtp_ports(5000..=10000).start().await?;
/// assert_eq!(phone.rtp_ports().first(), 5000);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpPorts {
    first: u16,
    last: u16,
}

impl RtpPorts {
    /// RFC 3550 section 11: an even port for RTP and the next one for RTCP, so that a range holds at least one such pair.
    pub(crate) fn new(range: &RangeInclusive<u16>) -> Result<Self> {
        let (first, last) = (*range.start(), *range.end());
        let even = first.saturating_add(first % 2);
        if first == 0 || even >= last {
            let got = format!("{first}-{last}");
            return Err(
                Kind::Account { expected: "a range of ports with an even one and its next", got }.into()
            );
        }
        Ok(Self { first, last })
    }

    /// Returns the first port.
    #[must_use]
    pub fn first(&self) -> u16 {
        self.first
    }

    /// Returns the last port.
    #[must_use]
    pub fn last(&self) -> u16 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_at_least_one_pair_of_ports() {
        for range in [5000..=10000, 5000..=5001, 5001..=5003, 65534..=65535] {
            assert!(RtpPorts::new(&range).is_ok(), "{range:?}");
        }
        #[expect(clippy::reversed_empty_ranges, reason = "an empty range is what is tested")]
        let empty = 6000..=5000;
        for range in [5000..=5000, 5001..=5002, 0..=10, 65535..=65535, empty] {
            assert!(RtpPorts::new(&range).is_err(), "{range:?}");
        }
    }
}
