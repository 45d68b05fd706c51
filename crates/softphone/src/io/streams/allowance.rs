//! How much of what nobody asks for a peer may send.

use std::time::Duration;

use tokio::time::Instant;

/// How often such a thing may come for ever, a hundred times as often as anybody sends it, and for how long as fast as it
/// can: a thousand at once is more than waits where the network stood still for hours.
const EACH: Duration = Duration::from_millis(100);
const AT_ONCE: Duration = Duration::from_secs(100);

/// Until when nothing is to come for none to have been too many.
pub(super) struct Allowance(Instant);

impl Allowance {
    pub(super) fn new(now: Instant) -> Self {
        Self(now)
    }

    /// Takes that so many may come beside, as long as others are still to be made up for.
    pub(super) fn earn(&mut self, now: Instant, count: usize) {
        self.0 = self.0.checked_sub(time_of(count)).map_or(now, |until| until.max(now));
    }

    /// Takes that so many came. Returns whether that is not too many.
    pub(super) fn spend(&mut self, now: Instant, count: usize) -> bool {
        self.0 = self.0.max(now) + time_of(count);
        self.0 <= now + AT_ONCE
    }
}

fn time_of(count: usize) -> Duration {
    EACH * u32::try_from(count).unwrap_or(u32::MAX)
}
