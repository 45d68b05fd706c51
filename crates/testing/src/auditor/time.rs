//! When something is sent, and how exactly that is known.

use std::time::{Duration, Instant};

/// How much sooner than a timer says something may be sent: what is written down has a time of its own.
pub(super) const SLACK: Duration = Duration::from_millis(20);
/// The same where a busy machine may do something else between what sets a timer and what is written down of it: half of the
/// shortest timer.
const MUCH_SLACK: Duration = Duration::from_millis(250);

/// When something is sent, and how much earlier and later than it may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) now: Instant,
    pub(super) early: Duration,
    late: Duration,
}

impl Time {
    /// That of a message whose time is that of its sending.
    pub(super) fn exact(now: Instant) -> Self {
        Self { now, early: SLACK, late: Duration::ZERO }
    }

    /// That of one on a busy machine.
    pub(super) fn lenient(now: Instant) -> Self {
        Self { now, early: MUCH_SLACK, late: MUCH_SLACK }
    }

    /// Returns whether what may be sent from an instant on may be by now.
    pub(super) fn is_from(self, at: Instant) -> bool {
        at <= self.now + self.early
    }

    /// Returns whether what may be sent until an instant may be still.
    pub(super) fn is_until(self, at: Instant) -> bool {
        self.now <= at + self.late
    }
}
