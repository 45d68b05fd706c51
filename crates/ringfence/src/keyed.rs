//! A keyed hash of several pieces, taken in one go: each piece for itself costs as much as all of them.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hasher, RandomState};

/// A hash under way.
pub(crate) struct Keyed {
    hasher: DefaultHasher,
    bytes: [u8; USUAL],
    length: usize,
}

/// An octet that no UTF-8 has.
pub(crate) const IN_NO_TEXT: u8 = 0xff;
/// What is hashed of a call, as it comes from a PBX.
const USUAL: usize = 192;

impl Keyed {
    /// Begins by a seed. Nobody who lacks it can make two hashes meet.
    pub(crate) fn by(seed: &RandomState) -> Self {
        Self { hasher: seed.build_hasher(), bytes: [0; USUAL], length: 0 }
    }

    /// Takes a piece. Where it ends is no part of what is hashed.
    #[inline]
    pub(crate) fn put(&mut self, piece: &[u8]) {
        let end = self.length + piece.len();
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(piece);
            self.length = end;
        } else {
            self.hasher.write(&self.bytes[..self.length]);
            self.hasher.write(piece);
            self.length = 0;
        }
    }

    /// Takes a text, and marks where it ends: by what stands in none.
    #[inline]
    pub(crate) fn put_text(&mut self, text: &str) {
        let end = self.length + text.len();
        if let Some([place @ .., mark]) = self.bytes.get_mut(self.length..=end) {
            place.copy_from_slice(text.as_bytes());
            *mark = IN_NO_TEXT;
            self.length = end + 1;
        } else {
            self.put(text.as_bytes());
            self.put(&[IN_NO_TEXT]);
        }
    }

    /// Returns the hash of all pieces.
    pub(crate) fn finish(mut self) -> u64 {
        self.hasher.write(&self.bytes[..self.length]);
        self.hasher.finish()
    }
}

/// Of a table whose keys are such hashes.
pub(crate) type Hashed = BuildHasherDefault<AsIs>;

/// Takes a key for its own hash: it is one.
#[derive(Debug, Default)]
pub(crate) struct AsIs(u64);

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

/// Of a table whose keys are numbers that this program has given.
pub(crate) type Numbered = BuildHasherDefault<Spread>;

/// Spreads numbers that follow each other. Whoever may choose them can make two meet.
#[derive(Debug, Default)]
pub(crate) struct Spread(u64);

/// An odd number whose bits are as good as random: 2^64 by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(32) ^ number).wrapping_mul(GOLDEN);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn pieces_hash_as_what_they_make_together_however_long_they_are() {
        let seed = RandomState::new();
        let hash = |pieces: &[&[u8]]| {
            let mut key = Keyed::by(&seed);
            for piece in pieces {
                key.put(piece);
            }
            key.finish()
        };
        for length in [0, 1, USUAL - 1, USUAL, USUAL + 1, 3 * USUAL] {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            for cut in [0, length / 3, length / 2, length] {
                let (one, other) = bytes.split_at(cut);
                assert_eq!(hash(&[one, other]), hash(&[&bytes]), "{cut} of {length}");
            }
            let text = "x".repeat(length);
            let mut key = Keyed::by(&seed);
            key.put(b"before");
            key.put_text(&text);
            assert_eq!(key.finish(), hash(&[b"before", text.as_bytes(), &[IN_NO_TEXT]]), "{length}");
        }
        assert_ne!(hash(&[b"a"]), hash(&[b"b"]));
    }

    #[test]
    fn numbers_that_follow_each_other_are_spread_over_all_of_a_table() {
        let hasher = Numbered::default();
        let hashes: Vec<u64> = (0..1_024_u64).map(|number| hasher.hash_one((7_u64, 1_u16, number))).collect();
        // A table takes its place from the low bits, and tells neighbours apart by the high ones.
        for (shift, places) in [(0, 1_024), (57, 128)] {
            let taken: HashSet<u64> = hashes.iter().map(|hash| (hash >> shift) % places).collect();
            assert!(taken.len() > usize::try_from(places).unwrap() / 2, "{} of {places}", taken.len());
        }
    }
}
