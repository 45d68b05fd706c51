//! For how long something holds.

use jiff::Timestamp;

use super::millis;

/// The time in which something holds, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    from: u64,
    pub(super) until: u64,
}

impl Term {
    pub(super) fn new(at: Timestamp, until: Option<Timestamp>) -> Self {
        Self { from: millis(at), until: until.map_or(u64::MAX, millis) }
    }

    /// Tells whether it holds at a time. A clock that is set back makes it longer, twice as long at most: what was
    /// made while the clock stood years ahead does not wait for those years.
    pub(super) fn holds(self, now: u64) -> bool {
        now < self.until && self.from.saturating_sub(now) < self.until.saturating_sub(self.from)
    }
}
