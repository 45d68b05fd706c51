//! The lines that are registered at one server: what fails there fails for all of them at once, and they come back one
//! after the other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::target::Target;

/// How far apart the lines of one server return on average: a hundred a second, each with a challenge and its answer.
/// A registrar on a small machine takes several times that.
const APART: Duration = Duration::from_millis(10);

/// One line's membership of those that are registered at one server. It ends when it is dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crowd(Arc<Shared>);

/// What its lines share.
#[derive(Debug, Default)]
struct Shared {
    /// What was found of the server last.
    targets: Mutex<Arc<[Target]>>,
}

impl Crowd {
    /// Returns whether nobody is a member but the one who asks.
    pub(crate) fn is_left(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Returns where a line is to register: what another has found as well is there once for both.
    pub(crate) fn share(&self, found: Vec<Target>) -> Arc<[Target]> {
        let mut targets = self.0.targets.lock().unwrap_or_else(PoisonError::into_inner);
        if targets[..] != found[..] {
            *targets = found.into();
        }
        Arc::clone(&targets)
    }

    /// Returns the time over which the lines return: this, or more where they are many.
    pub(crate) fn spread(&self, least: Duration) -> Duration {
        let lines = u32::try_from(Arc::strong_count(&self.0)).unwrap_or(u32::MAX);
        least.max(APART.saturating_mul(lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_lines_there_are_the_longer_they_take_to_return() {
        let second = Duration::from_secs(1);
        let crowd = Crowd::default();
        assert_eq!(crowd.spread(second), second);
        let lines = vec![crowd.clone(); 999];
        assert_eq!(crowd.spread(second), Duration::from_secs(10));
        assert!(!crowd.is_left());
        drop(lines);
        assert!(crowd.is_left() && crowd.spread(second) == second);
    }
}
