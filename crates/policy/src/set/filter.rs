//! The filter before the tables: most callers are on no list, and it says so of all but one in
//! 256 of them after three reads.
//!
//! A binary fuse filter with fingerprints of eight bits, as `xorf` lays it out.

use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable, Filter as _, FilterRef};

/// A seed, a segment's length, its mask, and the length of all segments but two.
pub(super) const DESCRIPTOR_LENGTH: usize = BinaryFuse8::DESCRIPTOR_LEN;

/// The filter of a compiled list, without its fingerprints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter {
    descriptor: [u8; DESCRIPTOR_LENGTH],
    fingerprints: u32,
}

impl Filter {
    /// Lets everything pass.
    pub(super) const NONE: Filter = Filter { descriptor: [0; DESCRIPTOR_LENGTH], fingerprints: 0 };

    /// Makes a filter of distinct values, and its fingerprints.
    pub(super) fn of(values: &[u64]) -> (Self, Box<[u8]>) {
        let none = (Self::NONE, Box::default());
        if values.is_empty() {
            return none;
        }
        // It fails when a thousand seeds do, which is improbable beyond words; all pass then.
        let Ok(filter) = BinaryFuse8::try_from_iterator(values.iter().copied()) else { return none };
        let mut descriptor = [0; DESCRIPTOR_LENGTH];
        filter.dma_copy_descriptor_to(&mut descriptor);
        let fingerprints = u32::try_from(filter.len()).unwrap_or(u32::MAX);
        match Self::from_header(descriptor, fingerprints) {
            Some(checked) => (checked, filter.fingerprints),
            None => none,
        }
    }

    /// Takes a filter that a header describes, if it never reads beyond so many fingerprints.
    pub(super) fn from_header(descriptor: [u8; DESCRIPTOR_LENGTH], fingerprints: u32) -> Option<Self> {
        let [_, _, segment, mask, all_but_two] = descriptor.as_chunks::<4>().0 else { return None };
        let [segment, mask, all_but_two] = [segment, mask, all_but_two].map(|word| u32::from_le_bytes(*word));
        let filter = Self { descriptor, fingerprints };
        if fingerprints == 0 {
            return (descriptor == Self::NONE.descriptor).then_some(filter);
        }
        // A value has one fingerprint in some segment below `all_but_two`, at any place in it, and
        // one in each of the two segments that follow: the mask moves none out of its segment.
        let is_within = segment.is_power_of_two()
            && mask == segment - 1
            && all_but_two > 0
            && all_but_two.is_multiple_of(segment)
            && u64::from(all_but_two) + 2 * u64::from(segment) == u64::from(fingerprints);
        is_within.then_some(filter)
    }

    /// Returns whether a value may be there. `fingerprints` are what stands in the file for them.
    pub(super) fn passes(&self, value: u64, fingerprints: &[u8]) -> bool {
        if fingerprints.len() != self.fingerprints as usize || fingerprints.is_empty() {
            return self.fingerprints == 0;
        }
        BinaryFuse8Ref::from_dma(&self.descriptor, fingerprints).contains(&value)
    }

    pub(super) fn descriptor(&self) -> [u8; DESCRIPTOR_LENGTH] {
        self.descriptor
    }

    /// Returns how many fingerprints there are, each a byte.
    pub(super) fn fingerprints(&self) -> u32 {
        self.fingerprints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_would_read_too_far_is_refused() {
        let (filter, fingerprints) = Filter::of(&(1..1000).collect::<Vec<_>>());
        let length = filter.fingerprints();
        assert_eq!(fingerprints.len(), length as usize);
        assert!(Filter::from_header(filter.descriptor, length).is_some());
        assert!(Filter::from_header(filter.descriptor, length - 1).is_none());
        for byte in 8..DESCRIPTOR_LENGTH {
            let mut descriptor = filter.descriptor;
            descriptor[byte] ^= 1;
            assert!(Filter::from_header(descriptor, length).is_none(), "byte {byte}");
        }
    }

    #[test]
    fn a_filter_of_any_size_lets_its_values_pass() {
        for size in 0..300 {
            let values: Vec<u64> = (0..size).map(|value| value * 7_919).collect();
            let (filter, fingerprints) = Filter::of(&values);
            assert!(values.iter().all(|value| filter.passes(*value, &fingerprints)), "{size} values");
        }
    }
}
