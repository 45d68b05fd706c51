//! The first question of a look-up: can the number be among the entries at all?
//!
//! Most callers are on no list. A search among a million sorted keys for one that is not there waits
//! for memory a dozen times; a Bloom filter of one word a key says no after waiting once.

use super::key::Key;

/// What of some keys is kept: four bits each, in one word.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// Takes the keys there are. A short list needs no filter: all of it is at hand.
    pub(super) fn new(keys: &[Key]) -> Self {
        if keys.len() < WORTHWHILE {
            return Self::default();
        }
        let mut filter = Self { words: vec![0; keys.len() * BITS_PER_KEY / 64] };
        for key in keys {
            let (word, bits) = filter.place(*key);
            if let Some(word) = filter.words.get_mut(word) {
                *word |= bits;
            }
        }
        filter
    }

    /// Returns whether a key may be among them: false is certain.
    pub(super) fn may_have(&self, key: Key) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let (word, bits) = self.place(key);
        self.words.get(word).is_none_or(|word| word & bits == bits)
    }

    fn place(&self, key: Key) -> (usize, u64) {
        // A multiplication alone leaves numbers that follow each other in a row of words.
        let mixed = (key.word() ^ key.word() >> 32).wrapping_mul(GOLDEN);
        let hash = (mixed ^ mixed >> 29).wrapping_mul(GOLDEN);
        let word = (u128::from(hash) * self.words.len() as u128) >> 64;
        let bits = [0, 6, 12, 18].map(|shift| 1 << (hash >> shift & 63));
        (usize::try_from(word).unwrap_or(usize::MAX), bits.into_iter().fold(0, |all, bit| all | bit))
    }
}

/// Two to the 64th by the golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// About two of a hundred absent numbers pass.
const BITS_PER_KEY: usize = 12;

const WORTHWHILE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::{E164, Number};

    fn key(digits: u64) -> Key {
        Key::exact(Number::E164(E164::new(digits).unwrap()))
    }

    #[test]
    fn every_key_passes_and_few_others() {
        for step in [1, 2, 7, 10_000] {
            let keys: Vec<Key> = (0..20_000).map(|n| key(41_790_000_000 + 2 * n * step)).collect();
            let filter = Filter::new(&keys);
            assert!(keys.iter().all(|key| filter.may_have(*key)));
            let absent = (0..20_000).filter(|n| filter.may_have(key(41_790_000_001 + 2 * n * step))).count();
            assert!(absent < 20_000 * 4 / 100, "{absent} of 20000 pass with step {step}");
        }
    }

    #[test]
    fn without_a_filter_every_key_passes() {
        assert!(Filter::new(&[]).may_have(key(41_791_234_567)));
    }
}
