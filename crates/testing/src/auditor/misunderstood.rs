//! The transactions of requests that cannot be read otherwise: no rule is about what they are answered.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::key::Key;
use super::{T1, T4};

/// How many of them are told apart.
const MOST: usize = 4096;
/// How long one may be answered after it came last: until timer H has ended what an INVITE was answered.
const LASTS: Duration = T1.saturating_mul(64).saturating_add(T4);

/// When each of them came last.
#[derive(Debug, Default)]
pub(super) struct Misunderstood(BTreeMap<Key, Instant>);

impl Misunderstood {
    /// Takes a request that cannot be read. Returns whether it is told from others.
    pub(super) fn received(&mut self, now: Instant, key: Key) -> bool {
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.0.retain(|_, at| now < *at + LASTS);
        }
        let has_room = self.0.len() < MOST || self.0.contains_key(&key);
        if has_room {
            self.0.insert(key, now);
        }
        has_room
    }

    /// Takes a request that can be read. Where an earlier one of its transaction could not be and is over, it begins anew.
    pub(super) fn understood(&mut self, now: Instant, key: &Key) {
        if self.0.get(key).is_some_and(|at| *at + LASTS <= now) {
            self.0.remove(key);
        }
    }

    /// Returns whether a response may be to one of them.
    pub(super) fn has(&self, now: Instant, key: &Key) -> bool {
        self.0.get(key).is_some_and(|at| now < *at + LASTS)
    }
}
