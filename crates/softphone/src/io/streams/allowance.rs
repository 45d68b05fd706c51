//! How much of what is not asked for, and not answered, a peer may send.

use std::time::Duration;

use tokio::time::Instant;

/// Until when nothing is to come for none to have been too many.
pub(super) struct Allowance {
    /// How often one may come for ever.
    each: Duration,
    until: Instant,
}

/// For how many more than that there is room at once.
const AT_ONCE: u32 = 1_000;

impl Allowance {
    pub(super) fn new(now: Instant, each: Duration) -> Self {
        Self { each, until: now }
    }

    /// Takes that so many may come beside, as long as others are still to be made up for.
    pub(super) fn earn(&mut self, now: Instant, count: usize) {
        self.until = self.until.checked_sub(self.time_of(count)).map_or(now, |until| until.max(now));
    }

    /// Takes that so many came. Returns whether that is not too many.
    pub(super) fn spend(&mut self, now: Instant, count: usize) -> bool {
        self.until = self.until.max(now) + self.time_of(count);
        self.until <= now + self.each * AT_ONCE
    }

    fn time_of(&self, count: usize) -> Duration {
        self.each * u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// What a peer owes: how many messages it may send for what it was sent. What it does not send in time it owes no more.
#[derive(Default)]
pub(super) struct Credit {
    since: Option<Instant>,
    earlier: usize,
    newest: usize,
}

/// How long a request waits for its answer, and a final response for its ACK (RFC 3261 section 17, 64*T1). What is owed is
/// forgotten when it is between once and twice as old.
const LASTS: Duration = Duration::from_secs(32);

impl Credit {
    pub(super) fn earn(&mut self, now: Instant, count: usize) {
        self.forget(now);
        self.newest = self.newest.saturating_add(count);
    }

    /// Takes that so many came. Returns how many of them were not owed.
    pub(super) fn spend(&mut self, now: Instant, count: usize) -> usize {
        self.forget(now);
        let left = count.saturating_sub(self.earlier);
        self.earlier = self.earlier.saturating_sub(count);
        let unasked = left.saturating_sub(self.newest);
        self.newest = self.newest.saturating_sub(left);
        unasked
    }

    fn forget(&mut self, now: Instant) {
        let age = now.saturating_duration_since(*self.since.get_or_insert(now));
        if age >= LASTS {
            self.earlier = if age < 2 * LASTS { self.newest } else { 0 };
            (self.newest, self.since) = (0, Some(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_owed_for_a_while_and_never_piles_up() {
        let start = Instant::now();
        let mut credit = Credit::default();
        for second in 0..100_000 {
            credit.earn(start + Duration::from_secs(second), 10);
        }
        let now = start + Duration::from_secs(100_000);
        let owed = 1_000_000 - credit.spend(now, 1_000_000);
        assert!((320..=640).contains(&owed), "{owed}");
        credit.earn(now, 7);
        assert_eq!(credit.spend(now + LASTS, 3), 0);
        assert_eq!(credit.spend(now + 2 * LASTS, 5), 5);
        credit.earn(now + 2 * LASTS, 7);
        assert_eq!(credit.spend(now + 5 * LASTS, 1), 1);
    }
}
