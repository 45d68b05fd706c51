//! The newest state of something, and who waits for the next.
//!
//! Fifty thousand lines have one each: it takes less than half of the memory of tokio's watch, which is made for many who wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The newest state. Who watches keeps count of what was seen: 0 has seen the first.
#[derive(Debug)]
pub(crate) struct Newest<T> {
    state: Mutex<State<T>>,
    has_changed: Notify,
}

#[derive(Debug)]
struct State<T> {
    value: T,
    /// Counts the changes.
    version: u32,
    is_over: bool,
    /// Whether it stands in a queue of what has changed.
    is_queued: bool,
}

impl<T> Newest<T> {
    /// Begins with a state, which counts as seen.
    pub(crate) fn new(first: T) -> Self {
        let state = State { value: first, version: 0, is_over: false, is_queued: false };
        Self { state: Mutex::new(state), has_changed: Notify::new() }
    }

    /// Shows the state.
    pub(crate) fn see<S>(&self, see: impl FnOnce(&T) -> S) -> S {
        see(&self.state().value)
    }

    /// Takes that there will be no other state.
    pub(crate) fn end(&self) {
        self.state().is_over = true;
        self.has_changed.notify_waiters();
    }

    /// Waits until there will be no other state.
    pub(crate) async fn ended(&self) {
        loop {
            let change = self.has_changed.notified();
            if self.state().is_over {
                return;
            }
            change.await;
        }
    }

    /// Takes that it is put into a queue of what has changed. Returns whether it was in none.
    pub(crate) fn queue(&self) -> bool {
        !std::mem::replace(&mut self.state().is_queued, true)
    }

    /// Locks it; whoever panicked with it left a whole state behind.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: PartialEq> Newest<T> {
    /// Tells a state. Returns whether it is to be put into a queue of what has changed: it is another, and stood in none.
    pub(crate) fn tell(&self, value: T) -> bool {
        let mut state = self.state();
        if state.value == value {
            return false;
        }
        state.value = value;
        state.version = state.version.wrapping_add(1);
        // Who takes it out from here on has this state.
        let was_queued = std::mem::replace(&mut state.is_queued, true);
        drop(state);
        self.has_changed.notify_waiters();
        !was_queued
    }
}

impl<T: Clone> Newest<T> {
    /// Returns the newest state, which then counts as seen.
    pub(crate) fn newest(&self, seen: &mut u32) -> T {
        let state = self.state();
        *seen = state.version;
        state.value.clone()
    }

    /// Returns the newest state as it is taken out of a queue.
    pub(crate) fn dequeue(&self) -> T {
        let mut state = self.state();
        state.is_queued = false;
        state.value.clone()
    }

    /// Waits for a state that was not seen yet; `None` when there is none and will be none. Dropped before it resolves, it
    /// has seen nothing.
    pub(crate) async fn changed(&self, seen: &mut u32) -> Option<T> {
        loop {
            // From here on no change is missed, though it comes before the wait.
            let change = self.has_changed.notified();
            {
                let state = self.state();
                if state.version != *seen {
                    *seen = state.version;
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

/// Makes the two ends of one whose teller says by going that there will be no other state. The first counts as seen.
pub(crate) fn newest<T>(first: T) -> (Tells<T>, Watches<T>) {
    let states = Arc::new(Newest::new(first));
    (Tells(Arc::clone(&states)), Watches { states, seen: 0 })
}

/// The end that knows the state. There is no other when it is dropped.
#[derive(Debug)]
pub(crate) struct Tells<T>(Arc<Newest<T>>);

/// An end that watches. A clone has seen what this one has.
#[derive(Debug, Clone)]
pub(crate) struct Watches<T> {
    states: Arc<Newest<T>>,
    seen: u32,
}

impl<T: PartialEq> Tells<T> {
    /// Tells a state.
    pub(crate) fn tell(&self, value: T) {
        self.0.tell(value);
    }
}

impl<T> Drop for Tells<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<T> Watches<T> {
    /// Shows the newest state, and whether there will be no other. It does not count as seen.
    pub(crate) fn see<S>(&self, see: impl FnOnce(&T, bool) -> S) -> S {
        let state = self.states.state();
        see(&state.value, state.is_over)
    }
}

impl<T: Clone> Watches<T> {
    /// Waits for a state that was not seen yet, as [`Newest::changed`] does.
    pub(crate) async fn changed(&mut self) -> Option<T> {
        self.states.changed(&mut self.seen).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn each_who_watches_gets_the_newest_state_once_and_then_the_end() {
        let (states, mut seen, mut other) = (Newest::new(1), 0, 0);
        assert_eq!(states.newest(&mut seen), 1);
        assert!(states.tell(2));
        assert_eq!(states.changed(&mut seen).await, Some(2));
        states.tell(3);
        states.tell(4);
        assert_eq!((states.changed(&mut seen).await, states.changed(&mut other).await), (Some(4), Some(4)));
        assert_eq!(states.see(|state| *state), 4);
        states.tell(5);
        states.end();
        for expected in [Some(5), None, None] {
            assert_eq!(states.changed(&mut seen).await, expected);
        }
        assert_eq!((states.newest(&mut other), states.changed(&mut other).await), (5, None));
        states.ended().await;
    }

    #[tokio::test]
    async fn who_tells_says_by_going_that_there_will_be_no_other() {
        let (tells, mut watches) = newest(1);
        let mut other = watches.clone();
        tells.tell(2);
        assert_eq!(watches.see(|state, is_over| (*state, is_over)), (2, false));
        drop(tells);
        assert_eq!(watches.see(|state, is_over| (*state, is_over)), (2, true));
        for watches in [&mut watches, &mut other] {
            assert_eq!((watches.changed().await, watches.changed().await), (Some(2), None));
        }
    }

    #[tokio::test]
    async fn the_same_state_again_is_no_change() {
        let states = Newest::new(1);
        assert!(!states.tell(1));
        assert!(timeout(Duration::ZERO, states.changed(&mut 0)).await.is_err());
    }

    #[test]
    fn it_is_in_a_queue_once_until_it_is_taken_out() {
        let states = Newest::new(1);
        assert_eq!([states.queue(), states.queue()], [true, false]);
        assert!(!states.tell(2), "it is there already");
        assert_eq!(states.dequeue(), 2);
        assert_eq!([2, 3, 4].map(|state| states.tell(state)), [false, true, false]);
        assert!(!states.queue());
        assert_eq!(states.dequeue(), 4);
        assert!(states.queue());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_misses_no_state() {
        let (states, mut seen) = (Newest::new(1), 0);
        {
            // It has begun to wait, and a state comes as it goes.
            let mut gone = std::pin::pin!(states.changed(&mut seen));
            assert!(timeout(Duration::ZERO, &mut gone).await.is_err());
            states.tell(2);
        }
        assert_eq!(timeout(Duration::from_secs(5), states.changed(&mut seen)).await, Ok(Some(2)));
    }

    #[tokio::test]
    async fn all_who_wait_are_woken_by_a_change_and_by_the_end() {
        let states = Arc::new(Newest::new(1));
        let wait = |states: Arc<Newest<i32>>| {
            tokio::spawn(async move {
                let mut seen = 0;
                let told = (states.changed(&mut seen).await, states.changed(&mut seen).await);
                states.ended().await;
                told
            })
        };
        let all: Vec<_> = (0..20).map(|_| wait(Arc::clone(&states))).collect();
        tokio::task::yield_now().await;
        states.tell(2);
        tokio::task::yield_now().await;
        states.end();
        for one in all {
            let got = timeout(Duration::from_secs(5), one).await.expect("nobody waits for ever");
            assert_eq!(got.expect("no panic"), (Some(2), None));
        }
    }
}
