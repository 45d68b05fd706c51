//! Whether the clock can be trusted with what is old.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Whether the clock can be trusted with what is old: only one that has run for a while without a jump. A
/// machine that starts in 2038 must not take its whole journal for old.
#[derive(Debug)]
pub(super) struct Clock {
    wall: Timestamp,
    at: Instant,
    steady_since: Instant,
}

/// A clock is trusted after so long without a jump.
const STEADY: Duration = Duration::from_secs(600);
/// A smaller one is none.
const JUMP: SignedDuration = SignedDuration::from_hours(1);

impl Clock {
    pub(super) fn new() -> Self {
        let at = Instant::now();
        Self { wall: Timestamp::now(), at, steady_since: at }
    }

    /// Takes a reading of the clock. Returns it if it can be trusted.
    pub(super) fn read(&mut self, wall: Timestamp, at: Instant) -> Option<Timestamp> {
        let passed = SignedDuration::try_from(at.duration_since(self.at)).unwrap_or(SignedDuration::MAX);
        let off = wall.duration_since(self.wall).checked_sub(passed).unwrap_or(SignedDuration::MAX);
        if off.abs() > JUMP {
            tracing::warn!(
                seconds = off.as_secs(),
                "the clock has jumped: nothing is removed for its age for a while"
            );
            self.steady_since = at;
        }
        (self.wall, self.at) = (wall, at);
        (at.duration_since(self.steady_since) >= STEADY).then_some(wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_is_not_trusted_with_what_is_old_until_it_has_run_for_a_while() {
        let mut clock = Clock::new();
        let (wall, at) = (clock.wall, clock.at);
        let mut read = |jump: i64, minutes: u64| {
            let passed = Duration::from_secs(minutes * 60);
            let wall = wall + passed + SignedDuration::from_hours(jump);
            clock.read(wall, at + passed).is_some()
        };
        assert!(!read(0, 9));
        assert!(read(0, 11));
        assert!(!read(24 * 365 * 12, 12));
        assert!(!read(24 * 365 * 12, 21));
        assert!(read(24 * 365 * 12, 22));
        assert!(!read(0, 23), "back again");
    }
}
