//! The transaction timers' values (RFC 3261 table 4) and the queue in which they wait.
//!
//! Nearly every wait has one of three lengths: T1 (the first retransmission), T4 (timer K; timer I waits
//! in `confirmed`) and 64*T1 (everything that gives up). Waits of one length are due in the order in which they
//! began, so a first-in-first-out queue a length serves them; only the doubled intervals
//! need an ordered heap. An entry is never removed early: when it comes up, the transaction is
//! asked whether it is really due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

/// RFC 3261 table 4: the estimate of a round trip.
pub(crate) const T1: Duration = Duration::from_millis(500);
/// RFC 3261 table 4: the longest interval between retransmissions of a non-INVITE request or an INVITE response.
pub(crate) const T2: Duration = Duration::from_secs(4);
/// RFC 3261 table 4: the longest time a message stays in the network.
pub(crate) const T4: Duration = Duration::from_secs(5);
/// 64*T1: timers B, F, H, J, L and M.
pub(crate) const GIVE_UP: Duration = Duration::from_secs(32);

/// A retransmission that is due, and the interval that led to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retransmit {
    at: Instant,
    interval: Duration,
}

impl Retransmit {
    pub(crate) fn first(now: Instant) -> Self {
        Self::after(now, T1)
    }

    pub(crate) fn after(now: Instant, interval: Duration) -> Self {
        Self { at: now + interval, interval }
    }

    /// The next one, twice as far away but at most T2 (timers E and G).
    pub(crate) fn next_capped(self, now: Instant) -> Self {
        Self::after(now, (2 * self.interval).min(T2))
    }

    /// The next one, twice as far away (timer A).
    pub(crate) fn next_uncapped(self, now: Instant) -> Self {
        Self::after(now, 2 * self.interval)
    }

    pub(crate) fn at(self) -> Instant {
        self.at
    }
}

/// The waits of all transactions; `K` says whose.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    /// Waits of T1, T4 and 64*T1, each in the order in which they began.
    queues: [VecDeque<(Instant, K)>; 3],
    others: BinaryHeap<Reverse<(Instant, K)>>,
}

impl<K: Ord + Copy> Timers<K> {
    pub(crate) fn new() -> Self {
        Self { queues: [VecDeque::new(), VecDeque::new(), VecDeque::new()], others: BinaryHeap::new() }
    }

    /// Adds a wait that began at `now` and is due at `due`.
    pub(crate) fn add(&mut self, now: Instant, due: Instant, key: K) {
        let length = due.saturating_duration_since(now);
        let queue = [T1, T4, GIVE_UP].iter().position(|&constant| constant == length);
        match queue.map(|index| &mut self.queues[index]) {
            // A clock that stood still or jumped must not break the order of the queue.
            Some(queue) if queue.back().is_none_or(|&(last, _)| last <= due) => queue.push_back((due, key)),
            Some(_) | None => self.others.push(Reverse((due, key))),
        }
    }

    /// Returns the next wait that is due at `now`, the earliest of each queue first.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Instant, K)> {
        for queue in &mut self.queues {
            if queue.front().is_some_and(|&(due, _)| due <= now) {
                let popped = queue.pop_front();
                if queue.len() * 4 < queue.capacity() && queue.capacity() > 4096 {
                    queue.shrink_to(queue.len() * 2);
                }
                return popped;
            }
        }
        if self.others.peek().is_some_and(|Reverse((due, _))| *due <= now) {
            let popped = self.others.pop().map(|Reverse(entry)| entry);
            if self.others.len() * 4 < self.others.capacity() && self.others.capacity() > 4096 {
                self.others.shrink_to(self.others.len() * 2);
            }
            return popped;
        }
        None
    }

    /// Returns when the next wait may be due.
    pub(crate) fn next(&self) -> Option<Instant> {
        let constant = self.queues.iter().filter_map(|queue| queue.front()).map(|&(due, _)| due).min();
        let other = self.others.peek().map(|Reverse((due, _))| *due);
        [constant, other].into_iter().flatten().min()
    }
}

/// An instant for tests to count from.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs one instant to start from")]
pub(crate) fn epoch() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_come_up_in_the_order_in_which_they_are_due() {
        let start = epoch();
        let mut timers = Timers::new();
        for (key, millis) in [(0, 32_000), (1, 500), (2, 5_000), (3, 1_000), (4, 500)] {
            timers.add(start, start + Duration::from_millis(millis), key);
        }
        let mut order = Vec::new();
        while let Some(due) = timers.next() {
            while let Some((_, key)) = timers.pop_due(due) {
                order.push(key);
            }
        }
        assert_eq!(order, [1, 4, 3, 2, 0]);
    }

    #[test]
    fn nothing_comes_up_early() {
        let start = epoch();
        let mut timers = Timers::new();
        timers.add(start, start + T1, 7);
        assert_eq!(timers.pop_due(start), None);
        assert_eq!(timers.pop_due(start + T1), Some((start + T1, 7)));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_wait_that_began_in_the_past_does_not_disturb_the_queue() {
        let start = epoch();
        let mut timers = Timers::new();
        timers.add(start + T1, start + 2 * T1, 1);
        timers.add(start, start + T1, 2);
        assert_eq!(timers.pop_due(start + T1), Some((start + T1, 2)));
        assert_eq!(timers.pop_due(start + 2 * T1), Some((start + 2 * T1, 1)));
    }
}
