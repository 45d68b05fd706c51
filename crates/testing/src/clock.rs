//! Virtual time: an instant that moves when a test says so.

use std::time::{Duration, Instant};

/// A clock that stands still until it is advanced.
///
/// ```
/// use std::time::Duration;
/// use ringfence_testing::Clock;
///
/// let mut clock = Clock::new();
/// clock.advance(Duration::from_secs(30 * 24 * 3600)); // a month, in no time
/// assert_eq!(clock.elapsed().as_secs(), 2_592_000);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    epoch: Instant,
    now: Instant,
}

impl Clock {
    /// Starts a clock. Its epoch is any instant: only differences to it have a meaning.
    #[must_use]
    pub fn new() -> Self {
        let epoch = Instant::now();
        Self { epoch, now: epoch }
    }

    /// Moves time forward.
    pub fn advance(&mut self, by: Duration) {
        self.now += by;
    }

    /// Moves time forward to `instant`; an instant in the past moves nothing.
    pub fn advance_to(&mut self, instant: Instant) {
        self.now = self.now.max(instant);
    }

    /// Returns the present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Returns how long ago the clock was started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.since_epoch(self.now)
    }

    /// Returns how long after the start `instant` is.
    #[must_use]
    pub fn since_epoch(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.epoch)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
