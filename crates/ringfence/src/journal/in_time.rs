//! Whether the disk keeps up with the promise: what happened more than a second before a kill is in the file.

use std::time::{Duration, Instant};

use super::Journal;

/// What waits longer than that is said to be in danger: it leaves half of the second after which no call may be lost unsaid.
pub(super) const LATE: Duration = Duration::from_millis(500);
/// While something waits, it is looked at so often.
const WATCH: Duration = Duration::from_millis(50);

impl Journal {
    /// Watches whether the disk keeps up, as long as it is polled. It sleeps while there is nothing to write.
    pub(crate) async fn keep_watch(&self) {
        let Some(writing) = &self.writing else { return };
        loop {
            writing.noted.notified().await;
            while self.watch(Instant::now()) {
                tokio::time::sleep(WATCH).await;
            }
        }
    }

    /// Looks whether the disk keeps up, and says so when that changes. Returns whether it is to be looked again soon, also
    /// when nothing happens.
    pub(super) fn watch(&self, now: Instant) -> bool {
        let Some(writing) = &self.writing else { return false };
        // What is told once holds until the end: all that waits is asked for its time once.
        let is_told = writing.vitals.slow_since().is_some();
        if !is_told || !writing.inbox.is_late(now, LATE) {
            writing.vitals.slow(writing.inbox.late(now, LATE));
        }
        writing.inbox.is_waiting()
    }
}
