//! INVITE server transactions in Confirmed (RFC 3261 section 17.2.1): nearly all that there are, as each
//! rejected call leaves one behind for T4.
//!
//! Nothing is left for them to send, so that of each no more is kept than what absorbs an ACK.

use std::collections::VecDeque;
use std::time::Instant;

use super::hashes::{Hash, Hashes};
use super::key::{Key, MergeKey};

/// The transactions in Confirmed.
#[derive(Debug, Default)]
pub(crate) struct Confirmed {
    keys: Hashes,
    /// In the order in which they were confirmed, which is the one in which their timers I fire.
    waiting: VecDeque<Waiting>,
}

/// One transaction in Confirmed.
#[derive(Debug)]
pub(crate) struct Waiting {
    timer_i: Instant,
    key: Hash,
    /// The identity of its request.
    pub(crate) merge: Option<Hash>,
}

impl Confirmed {
    /// Adds a transaction that has just been confirmed.
    pub(crate) fn add(&mut self, timer_i: Instant, key: Key, merge: Option<MergeKey>) {
        self.keys.insert(key.mark());
        self.waiting.push_back(Waiting { timer_i, key: key.mark(), merge: merge.map(MergeKey::mark) });
    }

    /// Takes out a transaction whose timer I has fired.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Waiting> {
        self.poll_timeout().filter(|&timer_i| timer_i <= now)?;
        let ended = self.waiting.pop_front()?;
        self.keys.remove(ended.key);
        // A burst gives its memory back.
        if self.waiting.capacity() > 4096 && self.waiting.len() * 8 < self.waiting.capacity() {
            self.waiting.shrink_to(self.waiting.len() * 2);
        }
        Some(ended)
    }

    pub(crate) fn contains(&self, key: Key) -> bool {
        self.keys.contains(key.mark())
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Returns when the next timer I fires.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.front().map(|first| first.timer_i)
    }
}
