//! A map with a bound that forgets what was not touched for longest, a half at a time.
//!
//! ```text
//!  insert, touch ──▶ young ──full──▶ old ──▶ forgotten
//!                      ▲──── touch ───┘
//! ```
//!
//! At the bound it still has the newer half; to forget costs nothing per entry looked up or touched.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, Hash};

/// A bounded map.
#[derive(Debug)]
pub(super) struct Generations<K, V, S = RandomState> {
    young: HashMap<K, V, S>,
    old: HashMap<K, V, S>,
    most: usize,
}

impl<K: Eq + Hash, V, S: BuildHasher + Default> Generations<K, V, S> {
    /// Makes an empty map for at most so many entries.
    pub(super) fn new(most: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), most }
    }

    /// Returns an entry, new if there was none, and what was forgotten for its place: the caller
    /// drops it when no lock is held.
    pub(super) fn touch(&mut self, key: K) -> (&mut V, HashMap<K, V, S>)
    where
        V: Default,
    {
        let mut forgotten = HashMap::default();
        if self.young.len() >= self.most / 2 && !self.young.contains_key(&key) {
            forgotten = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        }
        let value = match self.young.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                // It may have been in what has just grown old, or in what is forgotten.
                let known = self.old.remove(place.key()).or_else(|| forgotten.remove(place.key()));
                place.insert(known.unwrap_or_default())
            }
        };
        (value, forgotten)
    }

    /// Returns an entry of long ago, new if there was none; none where others that were touched since would have to give way.
    pub(super) fn recall(&mut self, key: K) -> Option<&mut V>
    where
        V: Default,
    {
        if self.young.contains_key(&key) {
            return self.young.get_mut(&key);
        }
        if self.old.len() >= self.most / 2 && !self.old.contains_key(&key) {
            return None;
        }
        Some(self.old.entry(key).or_default())
    }

    /// Returns an entry without touching it.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Removes an entry.
    pub(super) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        // Nearly always there is none: an empty map would hash the key all the same.
        let young = if self.young.is_empty() { None } else { self.young.remove(key) };
        let old = if self.old.is_empty() { None } else { self.old.remove(key) };
        young.or(old)
    }

    /// Removes the entries whose values are not to stay.
    pub(super) fn retain(&mut self, stays: impl Fn(&V) -> bool) {
        self.young.retain(|_, value| stays(value));
        self.old.retain(|_, value| stays(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_again_stays_and_the_rest_is_forgotten() {
        let mut map: Generations<u32, u32> = Generations::new(8);
        let mut forgotten = 0;
        for key in 0..100 {
            *map.touch(7).0 += 1;
            let (value, gone) = map.touch(key + 1_000);
            *value = key;
            forgotten += gone.len();
        }
        assert_eq!(map.get(&7), Some(&100));
        assert!(map.get(&1_000).is_none());
        let left = (1_000..1_100).filter(|key| map.get(key).is_some()).count();
        assert!((3..8).contains(&left), "{left}");
        assert_eq!(forgotten + left, 100);
    }

    #[test]
    fn what_is_recalled_takes_the_place_of_nobody() {
        let mut map: Generations<u32, u32> = Generations::new(8);
        *map.touch(1).0 = 1;
        for key in 0..100 {
            if let Some(value) = map.recall(key) {
                *value += 10;
            }
        }
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(|key| map.get(&key).copied()),
            [10, 11, 10, 10, 10, 0].map(|value| Some(value).filter(|value| *value > 0))
        );
        for key in 100..103 {
            map.touch(key);
        }
        assert_eq!(map.get(&1), Some(&11));
    }

    #[test]
    fn what_is_removed_is_gone_whichever_half_it_is_in() {
        let mut map: Generations<u32, u32> = Generations::new(4);
        for key in 0..4 {
            *map.touch(key).0 = key;
        }
        assert_eq!((map.remove(&0), map.remove(&3), map.remove(&9)), (Some(0), Some(3), None));
        assert!(map.get(&0).is_none() && map.get(&3).is_none());
    }
}
