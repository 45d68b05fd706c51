//! When a source is looked at again: after its interval, sooner after a failure on the way to it, and
//! never all sources at once.

use std::time::Duration;

use jiff::Timestamp;

use super::error::SourceError;

/// When one source is looked at again, by the clock on the wall: a machine that slept looks when it wakes,
/// and a clock that was set back delays nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    next: Timestamp,
    /// How long the wait until then is.
    rest: Duration,
    /// Looks in a row that brought nothing.
    failures: u32,
}

impl Pace {
    /// The first look is now.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { next: now, rest: Duration::ZERO, failures: 0 }
    }

    /// The next look is after so long.
    pub(super) fn rest(&mut self, rest: Duration, now: Timestamp) {
        self.rest = rest;
        self.next = now.checked_add(about(rest)).unwrap_or(Timestamp::MAX);
    }

    /// A look told what the source holds.
    pub(super) fn succeed(&mut self, interval: Duration, now: Timestamp) {
        self.failures = 0;
        self.rest(interval, now);
    }

    /// A look brought nothing.
    pub(super) fn fail(&mut self, error: &SourceError, interval: Duration, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        let rest = if error.may_pass() { back_off(self.failures).min(interval) } else { interval };
        self.rest(rest.max(error.retry_after().unwrap_or_default()), now);
    }

    /// Returns when the next look is.
    pub(super) fn next(&self) -> Timestamp {
        self.next
    }

    /// Returns how long to sleep before this is asked again; `None` when it is time to look.
    pub(super) fn left(&self, now: Timestamp) -> Option<Duration> {
        let wait = Duration::try_from(self.next.duration_since(now)).unwrap_or_default();
        let is_time = wait.is_zero() || wait > self.rest.mul_f64(1.0 + 2.0 * JITTER);
        (!is_time).then(|| wait.min(LONGEST_SLEEP))
    }
}

/// A minute, two, four, and so on.
fn back_off(failures: u32) -> Duration {
    FIRST_REST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(MOST_DOUBLINGS)))
}

const FIRST_REST: Duration = Duration::from_secs(60);
/// Longer than any interval.
const MOST_DOUBLINGS: u32 = 16;

/// Returns about as long: a tenth shorter or longer, so that many do not come at once.
fn about(wait: Duration) -> Duration {
    let mut random = [0; 4];
    // Without random numbers all come at the same time, and that is all.
    let _ = getrandom::fill(&mut random);
    let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
    wait.mul_f64(1.0 - JITTER + 2.0 * JITTER * share)
}

const JITTER: f64 = 0.1;
/// What the clock on the wall does meanwhile is noticed so much later.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_clock_that_was_set_back_delays_nothing() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24);
        let mut pace = Pace::new(now);
        pace.succeed(HOUR, now);
        assert_eq!(pace.left(now), Some(LONGEST_SLEEP));
        assert_eq!(pace.left(now - SignedDuration::from_hours(2)), None);
        assert_eq!(pace.left(now + SignedDuration::from_hours(2)), None);
    }

    #[test]
    fn a_server_that_fails_is_asked_more_and_more_seldom_and_never_less_than_usual() {
        let now = Timestamp::UNIX_EPOCH;
        let mut pace = Pace::new(now);
        let rests: Vec<u64> = (0..8)
            .map(|_| {
                pace.fail(&SourceError::Busy, HOUR, now);
                pace.rest.as_secs()
            })
            .collect();
        assert_eq!(rests, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        pace.succeed(HOUR, now);
        pace.fail(&SourceError::Busy, HOUR, now);
        assert_eq!(pace.rest.as_secs(), 60);
    }
}
