//! The calls of a line that wait for the application.
//!
//! Fifty thousand lines have such a queue each, and hardly ever a call in it: an empty one has no memory of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

/// Makes the two ends of a queue.
pub(crate) fn queue<T>() -> (Offers<T>, Waiting<T>) {
    let state = State { calls: VecDeque::new(), is_over: false };
    let queue = Arc::new(Queue { state: Mutex::new(state), has_changed: Notify::new() });
    (Offers { queue: Arc::downgrade(&queue) }, Waiting { queue })
}

/// The shard's end. The line is no more when it is dropped.
#[derive(Debug)]
pub(crate) struct Offers<T> {
    queue: Weak<Queue<T>>,
}

/// The application's end: what waits when it is dropped is answered 480.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    queue: Arc<Queue<T>>,
}

#[derive(Debug)]
struct Queue<T> {
    state: Mutex<State<T>>,
    has_changed: Notify,
}

#[derive(Debug)]
struct State<T> {
    calls: VecDeque<T>,
    is_over: bool,
}

/// Calls of one line that wait; beyond them a call is answered 480.
const MOST: usize = 1024;

impl<T> Offers<T> {
    /// Has a call wait, or returns it where there is no room. One that nobody is there to take is dropped, and so answered 480.
    /// Whoever sleeps until there is one is told by [`Offers::tell`].
    pub(crate) fn push(&self, call: T) -> Option<T> {
        let queue = self.queue.upgrade()?;
        let mut state = queue.state();
        if state.calls.len() >= MOST {
            return Some(call);
        }
        state.calls.push_back(call);
        None
    }

    /// Wakes who waits for a call, one for each time: to be called once for each that was pushed. Where whoever was woken before
    /// has taken all, nobody is woken for nothing.
    pub(crate) fn tell(&self) {
        if let Some(queue) = self.queue.upgrade()
            && !queue.state().calls.is_empty()
        {
            queue.has_changed.notify_one();
        }
    }
}

impl<T> Drop for Offers<T> {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.upgrade() {
            queue.state().is_over = true;
            queue.has_changed.notify_waiters();
        }
    }
}

impl<T> Waiting<T> {
    /// Returns the next call; `None` when none is left and the line is no more. Dropped before it resolves, it takes none.
    pub(crate) async fn next(&self) -> Option<T> {
        loop {
            // From here on no change is missed, though it comes before the wait.
            let change = self.queue.has_changed.notified();
            {
                let mut state = self.queue.state();
                if let Some(call) = state.calls.pop_front() {
                    if state.calls.is_empty() {
                        state.calls = VecDeque::new();
                    }
                    return Some(call);
                }
                if state.is_over {
                    return None;
                }
            }
            change.await;
        }
    }
}

impl<T> Queue<T> {
    /// Locks it; whoever panicked with it left whole calls behind.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;
    use std::task::{Context, Poll, Wake, Waker};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    impl<T> Offers<T> {
        fn offer(&self, call: T) {
            assert!(self.push(call).is_none(), "there is room");
            self.tell();
        }
    }

    #[tokio::test]
    async fn calls_are_taken_in_their_order_and_then_the_line_is_no_more() {
        let (offers, waiting) = queue();
        (1..=3).for_each(|call| offers.offer(call));
        drop(offers);
        for expected in [Some(1), Some(2), Some(3), None, None] {
            assert_eq!(waiting.next().await, expected);
        }
    }

    #[tokio::test]
    async fn who_gives_up_waiting_takes_no_call() {
        let (offers, waiting) = queue();
        // It has begun to wait, and a call comes as it goes.
        let mut gone = Box::pin(waiting.next());
        assert!(timeout(Duration::ZERO, &mut gone).await.is_err());
        offers.offer(1);
        drop(gone);
        assert_eq!(timeout(Duration::from_secs(5), waiting.next()).await, Ok(Some(1)));
    }

    #[tokio::test]
    async fn of_several_who_wait_each_gets_a_call_or_the_end() {
        let (offers, waiting) = queue();
        let waiting = Arc::new(waiting);
        let all: Vec<_> = (0..5).map(|_| Arc::clone(&waiting)).collect();
        let all = all.into_iter().map(|waiting| tokio::spawn(async move { waiting.next().await }));
        let all: Vec<_> = all.collect();
        tokio::task::yield_now().await;
        (1..=3).for_each(|call| offers.offer(call));
        drop(offers);
        let mut got = Vec::new();
        for one in all {
            got.push(
                timeout(Duration::from_secs(5), one).await.expect("nobody waits for ever").expect("no panic"),
            );
        }
        got.sort_unstable();
        assert_eq!(got, [None, None, Some(1), Some(2), Some(3)]);
    }

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn who_has_taken_all_is_not_woken_for_each() {
        let (offers, waiting) = queue();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut next = pin!(waiting.next());
        assert!(next.as_mut().poll(&mut context).is_pending());
        assert!((1..=3).all(|call| offers.push(call).is_none()));
        offers.tell();
        assert_eq!((woken.0.load(Relaxed), next.poll(&mut context)), (1, Poll::Ready(Some(1))));
        for expected in [2, 3] {
            assert_eq!(pin!(waiting.next()).poll(&mut context), Poll::Ready(Some(expected)));
        }
        let mut next = pin!(waiting.next());
        assert!(next.as_mut().poll(&mut context).is_pending());
        offers.tell();
        offers.tell();
        assert_eq!(woken.0.load(Relaxed), 1);
        offers.offer(4);
        assert_eq!((woken.0.load(Relaxed), next.poll(&mut context)), (2, Poll::Ready(Some(4))));
    }

    #[tokio::test]
    async fn what_has_no_room_is_returned_and_what_nobody_takes_is_dropped() {
        let call = Arc::new(());
        let (offers, waiting) = queue();
        assert!((0..MOST).all(|_| offers.push(Arc::clone(&call)).is_none()));
        assert!(offers.push(Arc::clone(&call)).is_some());
        assert_eq!(Arc::strong_count(&call), 1 + MOST);
        drop(waiting);
        assert_eq!(Arc::strong_count(&call), 1);
        assert!(offers.push(Arc::clone(&call)).is_none());
        assert_eq!(Arc::strong_count(&call), 1);
    }
}
