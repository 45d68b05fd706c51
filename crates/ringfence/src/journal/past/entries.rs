//! Who is on a list that rules and people add to, for a time or for good.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use jiff::Timestamp;
use ringfence_policy::{Addition, CallerId};

use super::shards::SHARDS;
use super::term::Term;
use super::{MOST_ENTRIES, Past, millis, timestamp};
use crate::journal::call::Added;

/// An entry of a list.
#[derive(Debug)]
pub(super) struct Entry {
    term: Term,
    /// Since when the caller has been on the list without a break, in microseconds: longer than the term says where a later call
    /// made it last longer.
    since: i64,
    /// The rule that added it.
    rule: Option<Box<str>>,
}

/// What becomes of an entry that a rule adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adding {
    /// It is on the list from now on, or for longer.
    Noted,
    /// It is on the list for as long, or longer: nothing changes.
    Held,
    /// There is no room for it.
    Refused,
}

impl Past {
    /// Notes an entry of a rule. It ends none that holds longer.
    pub(crate) fn add(&self, added: &Added) -> Adding {
        self.note_entry(added, added.at, true)
    }

    /// Notes an entry as it is from now on: one that was taken off its list ends.
    pub(crate) fn set(&self, added: &Added) {
        self.set_at(added, added.at);
    }

    /// Notes one that is read from the file: where there is no room, none that holds now makes room for it.
    pub(super) fn set_at(&self, added: &Added, now: Timestamp) {
        self.note_entry(added, now, false);
    }

    fn note_entry(&self, added: &Added, now: Timestamp, is_longest: bool) -> Adding {
        let term = Term::new(added.at, added.until);
        let key = self.keys.entry(&added.list, &added.identity);
        let mut entries = self.added.of(key);
        if entries.len() >= MOST_ENTRIES / SHARDS && !entries.contains_key(&key) {
            let now = millis(now);
            entries.retain(|_, entry| entry.term.holds(now));
            if entries.len() >= MOST_ENTRIES / SHARDS {
                self.refused.fetch_add(1, Relaxed);
                return Adding::Refused;
            }
        }
        let before = entries.get(&key).filter(|before| before.term.holds(millis(added.at)));
        if before.is_some_and(|before| is_longest && term.until <= before.term.until) {
            return Adding::Held;
        }
        let since = before.map_or(i64::MAX, |before| before.since).min(added.at.as_microsecond());
        let rule = added.rule.as_deref().map(Into::into);
        entries.insert(key, Entry { term, since, rule });
        drop(entries);
        self.is_any_added.store(true, Relaxed);
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if !lists.contains(&added.list) {
            lists.insert(added.list.clone());
        }
        Adding::Noted
    }

    /// Takes an entry away. Returns whether there was one.
    pub(super) fn remove(&self, list: &str, identity: &str) -> bool {
        let key = self.keys.entry(list, identity);
        self.added.of(key).remove(&key).is_some()
    }

    pub(super) fn has_entry(&self, list: &str, identity: &str) -> bool {
        let key = self.keys.entry(list, identity);
        self.added.of(key).contains_key(&key)
    }

    #[cfg(test)]
    pub(crate) fn is_added(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> bool {
        self.was_added(list, caller, now, None)
    }

    /// Tells whether a caller was added to a list, before a time if that is asked, and the entry still holds.
    pub(in crate::journal) fn was_added(
        &self,
        list: &str,
        caller: &CallerId<'_>,
        now: Timestamp,
        before: Option<Timestamp>,
    ) -> bool {
        let Some(key) = self.entry_of(list, caller) else { return false };
        self.added.of(key).get(&key).is_some_and(|entry| entry.counts(now, before))
    }

    /// Returns how a caller was added to a list, while the entry holds.
    pub(in crate::journal) fn addition(
        &self,
        list: &str,
        caller: &CallerId<'_>,
        now: Timestamp,
        before: Option<Timestamp>,
    ) -> Option<Addition> {
        let key = self.entry_of(list, caller)?;
        let entries = self.added.of(key);
        let Entry { term, rule, .. } = entries.get(&key).filter(|entry| entry.counts(now, before))?;
        let until = Some(term.until).filter(|until| *until < u64::MAX).and_then(timestamp);
        Some(Addition { rule: rule.clone(), until })
    }

    fn entry_of(&self, list: &str, caller: &CallerId<'_>) -> Option<u64> {
        if self.is_any_added.load(Relaxed) { self.keys.entry_of(list, caller) } else { None }
    }
}

impl Entry {
    /// Tells whether it holds at a time, and did before another if that is asked.
    fn counts(&self, now: Timestamp, before: Option<Timestamp>) -> bool {
        self.term.holds(millis(now)) && before.is_none_or(|before| self.since < before.as_microsecond())
    }
}
