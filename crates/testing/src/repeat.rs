//! A message that is sent again, ever more rarely, until something stops it (RFC 3261 timers A, E and G).

use std::time::{Duration, Instant};

/// RFC 3261 table 4.
pub(crate) const T1: Duration = Duration::from_millis(500);
pub(crate) const T2: Duration = Duration::from_secs(4);
pub(crate) const T4: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Repeat {
    pub(crate) at: Instant,
    interval: Duration,
    /// T2 for all but INVITE, which doubles without end.
    longest: Duration,
}

impl Repeat {
    pub(crate) fn new(now: Instant, longest: Duration) -> Self {
        Self { at: now + T1, interval: T1, longest }
    }

    /// One of a request that has a provisional response: it is repeated every T2 from then on.
    pub(crate) fn slowly(now: Instant) -> Self {
        Self { at: now + T2, interval: T2, longest: T2 }
    }

    /// Returns whether it is time, and if so sets the next time.
    pub(crate) fn fire(&mut self, now: Instant) -> bool {
        let is_due = self.at <= now;
        if is_due {
            self.interval = (2 * self.interval).min(self.longest);
            self.at = now + self.interval;
        }
        is_due
    }
}
