//! Response buffers that have served and wait to serve again, so that a response costs no allocation.

use crate::limits::{SPARE_BUFFER_SIZE, SPARE_BUFFERS};

/// The buffers, emptied of meaning.
#[derive(Debug, Default)]
pub(crate) struct Spare(Vec<Vec<u8>>);

/// A response to an INVITE of one or two hops, as they come from a PBX.
const USUAL_SIZE: usize = 512;

impl Spare {
    /// Returns an empty buffer.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let mut buffer = self.0.pop().unwrap_or_else(|| Vec::with_capacity(USUAL_SIZE));
        buffer.clear();
        buffer
    }

    /// Takes a buffer back.
    pub(crate) fn keep(&mut self, buffer: Vec<u8>) {
        if (1..=SPARE_BUFFER_SIZE).contains(&buffer.capacity()) && self.0.len() < SPARE_BUFFERS {
            self.0.push(buffer);
        }
    }

    /// Gives all of them to the allocator. They lie scattered: as long as one is left, what lies below it may stay
    /// resident.
    pub(crate) fn release(&mut self) {
        self.0 = Vec::new();
    }
}
