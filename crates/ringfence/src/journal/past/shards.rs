//! A table with many locks, so that two calls seldom want the same.

use std::hash::{BuildHasherDefault, Hasher};
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

pub(super) type Hashed = BuildHasherDefault<AsIs>;

/// Takes a key for its own hash: it is one.
#[derive(Debug, Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
