//! The newest state of something, and who waits for the next.
//!
//! Fifty thousand lines have one each: it takes less than half of the memory of tokio's watch, which is made for many who wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Makes the two ends. The first state counts as seen.
pub(crate) fn newest<T>(first: T) -> (Tells<T>, Watches<T>) {
    let state = State { value: first, version: 0, is_over: false };
    let shared = Arc::new(Shared { state: Mutex::new(state), has_changed: Notify::new() });
    (Tells(Arc::clone(&shared)), Watches { shared, seen: 0 })
}

/// The end that knows the state. There is no other when it is dropped.
#[derive(Debug)]
pub(crate) struct Tells<T>(Arc<Shared<T>>);

/// An end that watches. A clone has seen what this one has.
#[derive(Debug, Clone)]
pub(crate) struct Watches<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    has_changed: Notify,
}

#[derive(Debug)]
struct State<T> {
    value: T,
    /// Counts the changes.
    version: u64,
    is_over: bool,
}

impl<T> Tells<T> {
    /// Shows the state.
    pub(crate) fn see<S>(&self, see: impl FnOnce(&T) -> S) -> S {
        see(&self.0.state().value)
    }
}

impl<T: PartialEq> Tells<T> {
    /// Tells a state, if it is another.
    pub(crate) fn tell(&self, value: T) {
        let mut state = self.0.state();
        if state.value != value {
            state.value = value;
            state.version += 1;
            drop(state);
            self.0.has_changed.notify_waiters();
        }
    }
}

impl<T> Drop for Tells<T> {
    fn drop(&mut self) {
        self.0.state().is_over = true;
        self.0.has_changed.notify_waiters();
    }
}

impl<T: Clone> Watches<T> {
    /// Returns the newest state, which then counts as seen.
    pub(crate) fn newest(&mut self) -> T {
        let state = self.shared.state();
        self.seen = state.version;
        state.value.clone()
    }

    /// Waits for a state that was not seen yet; `None` when there is none and will be none. Dropped before it resolves, it
    /// has seen nothing.
    pub(crate) async fn changed(&mut self) -> Option<T> {
        loop {
            // From here on no change is missed, though it comes before the wait.
            let change = self.shared.has_changed.notified();
            {
                let state = self.shared.state();
                if state.version != self.seen {
                    self.seen = state.version;
                    return Some(state.value.clone());
                }
                if state.is_over {
                    return None;
                }
            }
            change.await;
        }
    }
}

impl<T> Watches<T> {
    /// Shows the newest state, and whether there will be no other. It does not count as seen.
    pub(crate) fn see<S>(&self, see: impl FnOnce(&T, bool) -> S) -> S {
        let state = self.shared.state();
        see(&state.value, state.is_over)
    }
}

impl<T> Shared<T> {
    /// Locks it; whoever panicked with it left a whole state behind.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn each_who_watches_gets_the_newest_state_once_and_then_the_end() {
        let (tells, mut watches) = newest(1);
        let mut other = watches.clone();
        assert_eq!(watches.newest(), 1);
        tells.tell(2);
        assert_eq!(watches.changed().await, Some(2));
        tells.tell(3);
        tells.tell(4);
        assert_eq!((watches.changed().await, other.changed().await), (Some(4), Some(4)));
        assert_eq!(
            (tells.see(|state| *state), watches.see(|state, is_over| (*state, is_over))),
            (4, (4, false))
        );
        tells.tell(5);
        drop(tells);
        assert_eq!(watches.see(|state, is_over| (*state, is_over)), (5, true));
        for expected in [Some(5), None, None] {
            assert_eq!(watches.changed().await, expected);
        }
        assert_eq!((other.newest(), other.changed().await), (5, None));
    }

    #[tokio::test]
    async fn the_same_state_again_is_no_change() {
        let (tells, mut watches) = newest(1);
        tells.tell(1);
        assert!(timeout(Duration::ZERO, watches.changed()).await.is_err());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_misses_no_state() {
        let (tells, mut watches) = newest(1);
        // It has begun to wait, and a state comes as it goes.
        let mut gone = Box::pin(watches.changed());
        assert!(timeout(Duration::ZERO, &mut gone).await.is_err());
        tells.tell(2);
        drop(gone);
        assert_eq!(timeout(Duration::from_secs(5), watches.changed()).await, Ok(Some(2)));
    }

    #[tokio::test]
    async fn all_who_wait_are_woken_by_a_change_and_by_the_end() {
        let (tells, watches) = newest(1);
        let wait = |mut watches: Watches<i32>| {
            tokio::spawn(async move { (watches.changed().await, watches.changed().await) })
        };
        let all: Vec<_> = (0..20).map(|_| wait(watches.clone())).collect();
        tokio::task::yield_now().await;
        tells.tell(2);
        tokio::task::yield_now().await;
        drop(tells);
        for one in all {
            let got = timeout(Duration::from_secs(5), one).await.expect("nobody waits for ever");
            assert_eq!(got.expect("no panic"), (Some(2), None));
        }
    }
}
