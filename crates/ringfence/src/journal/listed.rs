//! Who was added to lists, of a journal that is kept in memory: by their names, where the past has a hash of them.
//!
//! One with a file reads them there.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::call::Added;
use super::forget::Person;
use super::past::MOST_ENTRIES;

/// Entries by their list and their caller.
#[derive(Debug, Default)]
pub(super) struct Listed(Mutex<BTreeMap<(String, String), Added>>);

impl Listed {
    /// Notes an entry as it is from now on. One that still holds has been there since it was added first.
    pub(super) fn note(&self, added: &Added) {
        let mut entries = self.entries();
        let key = (added.list.clone(), added.identity.clone());
        if entries.len() >= MOST_ENTRIES && !entries.contains_key(&key) {
            entries.retain(|_, entry| holds(entry, added.at));
            if entries.len() >= MOST_ENTRIES {
                return;
            }
        }
        let since = entries.get(&key).filter(|before| holds(before, added.at));
        let at = since.map_or(added.at, |before| before.at.min(added.at));
        entries.insert(key, Added { at, ..added.clone() });
    }

    /// Returns those that hold at a time, the newest first.
    pub(super) fn hold(&self, now: Timestamp) -> Vec<Added> {
        let mut entries: Vec<_> =
            self.entries().values().filter(|entry| holds(entry, now)).cloned().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
        entries
    }

    /// Removes those of a person, and what is written beside others that names them.
    pub(super) fn forget(&self, person: Person<'_>) {
        let mut entries = self.entries();
        entries.retain(|_, entry| entry.identity != person.identity());
        entries.values_mut().for_each(|entry| person.take_from(entry));
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<(String, String), Added>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn holds(entry: &Added, now: Timestamp) -> bool {
    entry.until.is_none_or(|until| now < until)
}
