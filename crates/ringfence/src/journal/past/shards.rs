//! A table with many locks, so that two calls seldom want the same.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A table in parts, each with a lock of its own.
#[derive(Debug)]
pub(super) struct Shards<T>(Box<[Mutex<T>]>);

/// More than there will be threads that decide.
pub(super) const SHARDS: usize = 64;

impl<T> Shards<T> {
    pub(super) fn new(make: impl Fn() -> T) -> Self {
        Self((0..SHARDS).map(|_| Mutex::new(make())).collect())
    }

    /// Locks the part that a key is in; a thread that panicked with it left it whole.
    pub(super) fn of(&self, key: u64) -> MutexGuard<'_, T> {
        let part = (key >> 32) as usize % SHARDS;
        self.0[part].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
