//! Sets of keyed hashes, of which each is found in one line of memory.
//!
//! At a high rate hundreds of thousands of transactions wait for timer I, and nothing of them is in a cache when one is
//! asked about: what that costs is the lines of memory that are looked at. A table with room for more than the hash looks at
//! two, its index and the entry.
//!
//! ```text
//!  place   0   1   2   3   4   5   6   7        a hash stands at the place that its lowest bits name,
//!             17  25      12   4                or at the first free one behind it
//! ```
//!
//! Nobody who lacks the key of the hashes can have two meet, or many stand behind each other. At most half of the places are
//! taken.

use std::num::NonZeroU64;

/// A hash whose every bit is as good as any other.
pub(crate) type Hash = NonZeroU64;

/// A set of hashes.
#[derive(Debug, Default)]
pub(crate) struct Hashes {
    /// A power of two of them, or none.
    places: Vec<Option<Hash>>,
    length: usize,
}

/// The fewest places, and up to how many are kept for the next burst.
const FEWEST: usize = 16;
const KEPT: usize = 8_192;

impl Hashes {
    /// Adds a hash, and returns whether it was not there.
    pub(crate) fn insert(&mut self, hash: Hash) -> bool {
        if (self.length + 1) * 2 > self.places.len() {
            self.move_to(self.places.len() * 2);
        }
        let place = self.find(hash);
        let is_new = self.places[place].is_none();
        self.places[place] = Some(hash);
        self.length += usize::from(is_new);
        is_new
    }

    /// Removes a hash, and gives memory back where few are left.
    pub(crate) fn remove(&mut self, hash: Hash) {
        if !self.contains(hash) {
            return;
        }
        let mut free = self.find(hash);
        let mut place = free;
        // Whatever stands behind it and could stand in its place does so, that it is found without it.
        while let Some(moved) = self.places[self.behind(place)] {
            place = self.behind(place);
            if self.distance(self.home(moved), place) >= self.distance(free, place) {
                self.places[free] = Some(moved);
                free = place;
            }
        }
        self.places[free] = None;
        self.length -= 1;
        if self.places.len() > KEPT && self.length * 16 < self.places.len() {
            self.move_to(self.places.len() / 4);
        }
    }

    pub(crate) fn contains(&self, hash: Hash) -> bool {
        !self.places.is_empty() && self.places[self.find(hash)].is_some()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Returns for how many hashes it has places.
    #[cfg(test)]
    pub(crate) fn room(&self) -> usize {
        self.places.len() / 2
    }

    /// Returns where a hash stands, or would stand.
    fn find(&self, hash: Hash) -> usize {
        let mut place = self.home(hash);
        while self.places[place].is_some_and(|found| found != hash) {
            place = self.behind(place);
        }
        place
    }

    #[expect(clippy::cast_possible_truncation, reason = "its lowest bits are what is looked at")]
    fn home(&self, hash: Hash) -> usize {
        hash.get() as usize & (self.places.len() - 1)
    }

    fn behind(&self, place: usize) -> usize {
        (place + 1) & (self.places.len() - 1)
    }

    /// Counts the steps from one place to another behind it.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.places.len() - 1)
    }

    fn move_to(&mut self, places: usize) {
        let before = std::mem::replace(&mut self.places, vec![None; places.max(FEWEST)]);
        for hash in before.into_iter().flatten() {
            let place = self.find(hash);
            self.places[place] = Some(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Hashes of which many stand behind each other, some around the end.
    fn crowded(number: u64) -> Hash {
        Hash::new(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) & 0x003f_0000_0000_000f | 0x0e).unwrap()
    }

    #[test]
    fn it_has_what_was_added_and_not_removed_since() {
        let (mut hashes, mut expected) = (Hashes::default(), BTreeSet::new());
        for step in 0..20_000_u64 {
            let hash = crowded(step % 257);
            if step.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 63 == 0 {
                assert_eq!(hashes.insert(hash), expected.insert(hash), "{step}");
            } else {
                hashes.remove(hash);
                expected.remove(&hash);
            }
            assert_eq!(hashes.length, expected.len(), "{step}");
            let found = (0..257).map(crowded).filter(|hash| hashes.contains(*hash)).collect::<BTreeSet<_>>();
            assert_eq!(found, expected, "{step}");
        }
    }

    #[test]
    fn a_burst_gives_its_memory_back() {
        let mut hashes = Hashes::default();
        let spread = |number: u64| Hash::new(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).unwrap();
        assert!((1..=100_000).all(|number| hashes.insert(spread(number))));
        assert!(hashes.places.len() <= 400_000, "{} places", hashes.places.len());
        (1..=100_000).for_each(|number| hashes.remove(spread(number)));
        assert_eq!((hashes.length, hashes.contains(spread(7))), (0, false));
        assert!(hashes.places.len() <= KEPT, "{} places", hashes.places.len());
    }
}
