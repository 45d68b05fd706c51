//! Time that passed while the machine slept. Timers and [`Instant`] stand still then, on Linux and macOS, and
//! registrars go on counting.

use std::time::{Duration, Instant, SystemTime};

/// Compares the clock of the timers with the clock on the wall.
#[derive(Debug)]
pub(super) struct Clocks {
    instant: Instant,
    system: SystemTime,
}

/// How far the wall clock has to run ahead between two looks: what is set right by less costs no line its binding,
/// which is refreshed long before it expires.
const JUMP: Duration = Duration::from_secs(5);

impl Clocks {
    pub(super) fn new(instant: Instant, system: SystemTime) -> Self {
        Self { instant, system }
    }

    /// Returns whether time passed since the last look that the timers have not seen.
    pub(super) fn have_jumped(&mut self, instant: Instant, system: SystemTime) -> bool {
        let seen = instant.saturating_duration_since(self.instant);
        // A clock that was set back tells nothing of time that passed.
        let passed = system.duration_since(self.system).unwrap_or_default();
        *self = Self { instant, system };
        passed.saturating_sub(seen) > JUMP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_wall_clock_running_ahead_is_a_jump() {
        let (instant, system) = (Instant::now(), SystemTime::now());
        let seconds = Duration::from_secs;
        let jumped = |timers: u64, wall: SystemTime| {
            Clocks::new(instant, system).have_jumped(instant + seconds(timers), wall)
        };
        assert!(jumped(1, system + seconds(7200)));
        assert!(!jumped(7200, system + seconds(7200)), "nobody slept");
        assert!(!jumped(1, system + seconds(5)), "set right");
        assert!(!jumped(1, system - seconds(7200)), "set back");
    }

    #[test]
    fn a_jump_is_told_once() {
        let (instant, system) = (Instant::now(), SystemTime::now() + Duration::from_secs(60));
        let mut clocks = Clocks::new(instant, system - Duration::from_secs(60));
        assert!(clocks.have_jumped(instant, system));
        assert!(!clocks.have_jumped(instant, system));
    }
}
