//! Where everything stands in a compiled list.
//!
//! ```text
//!   0  magic            8    the sections, one after the other:
//!   8  version          2      header                         80
//!  10  header's length  2      signposts      8 for each 16 blocks
//!  12  numbers          4      blocks        12 each
//!  16  blocks           4      lows           4 for each number
//!  20  fingerprints     4      fingerprints   as many as said
//!  24  made, Unix time  8      name           UTF-8
//!  32  filter          20      source         UTF-8
//!  52  name's length    4      others         UTF-8
//!  56  source's length  4      checksum       4, of all before it
//!  60  others' length   4
//!  64  all bytes        8
//!  72  zero             4
//!  76  checksum         4    of the header before it
//! ```
//!
//! All values are little-endian. Every offset follows from the counts, so that no two of them can
//! contradict each other.

use std::ops::Range;

use super::MOST_NUMBERS;
use super::checksum::Checksum;
use super::error::{Problem, SetError};
use super::filter::{DESCRIPTOR_LENGTH, Filter};
use super::tables::{BLOCK_LENGTH, BLOCKS_A_SIGNPOST};
use super::writer::{LONGEST_TEXT, MOST_OTHERS};

/// What this reads and writes.
pub(super) const VERSION: u16 = 1;

/// The last byte of the trailer is the last of the file.
pub(super) const TRAILER_LENGTH: usize = 4;

pub(super) const HEADER_LENGTH: usize = 80;

/// No text begins so, and a transfer that changes line ends or eighth bits spoils it.
pub(super) const MAGIC: [u8; 8] = *b"\x89RFSET\r\n";

/// What a header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) numbers: u32,
    pub(super) blocks: u32,
    pub(super) made: i64,
    pub(super) filter: Filter,
    pub(super) name: u32,
    pub(super) source: u32,
    pub(super) others: u32,
}

impl Header {
    /// Reads the header of a whole file, and checks all it says against the bytes there are.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, SetError> {
        let refuse = |offset, problem| Err(SetError::new(offset, problem));
        if !bytes.starts_with(&MAGIC) {
            return refuse(0, Problem::Foreign);
        }
        let found = bytes.len() as u64;
        let Some(header) = bytes.first_chunk::<HEADER_LENGTH>() else {
            return refuse(bytes.len(), Problem::Length { expected: HEADER_LENGTH as u64, found });
        };
        let version = u16::from_le_bytes(array(header, 8));
        if version != VERSION {
            return refuse(8, Problem::Version { found: version });
        }
        let length = u16::from_le_bytes(array(header, 10));
        if usize::from(length) != HEADER_LENGTH {
            return refuse(10, value("a header of 80 bytes", length));
        }
        let checksum = u32::from_le_bytes(array(header, 76));
        let sum = Checksum::of(&header[..76]);
        if checksum != sum {
            return refuse(76, Problem::Checksum { expected: sum, found: checksum });
        }
        let [numbers, blocks, fingerprints] = [12, 16, 20].map(|offset| word(header, offset));
        let [name, source, others] = [52, 56, 60].map(|offset| word(header, offset));
        if numbers as usize > MOST_NUMBERS {
            return refuse(12, value("at most 100000000 numbers", numbers));
        }
        if blocks > numbers {
            return refuse(16, value("no more blocks than numbers", blocks));
        }
        let Some(filter) = Filter::from_header(array(header, 32), fingerprints) else {
            return refuse(20, value("as many fingerprints as the filter's segments have", fingerprints));
        };
        for (offset, length, most, what) in [
            (52, name, LONGEST_TEXT, "a name of at most 1024 bytes"),
            (56, source, LONGEST_TEXT, "a source of at most 1024 bytes"),
            (60, others, MOST_OTHERS, "at most 1048576 bytes of other entries"),
        ] {
            if length as usize > most {
                return refuse(offset, value(what, length));
            }
        }
        let made = i64::from_le_bytes(array(header, 24));
        let parsed = Self { numbers, blocks, made, filter, name, source, others };
        let expected = u64::from_le_bytes(array(header, 64));
        if parsed.file_length() != expected {
            return refuse(64, value("the length that the counts give", expected));
        }
        if found != expected {
            return refuse(bytes.len(), Problem::Length { expected, found });
        }
        Ok(parsed)
    }

    /// Returns the header as it is written.
    pub(super) fn to_bytes(self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        let mut put = |offset: usize, field: &[u8]| {
            bytes[offset..offset + field.len()].copy_from_slice(field);
        };
        put(0, &MAGIC);
        put(8, &VERSION.to_le_bytes());
        put(10, &[80, 0]);
        put(12, &self.numbers.to_le_bytes());
        put(16, &self.blocks.to_le_bytes());
        put(20, &self.filter.fingerprints().to_le_bytes());
        put(24, &self.made.to_le_bytes());
        put(32, &self.filter.descriptor());
        put(52, &self.name.to_le_bytes());
        put(56, &self.source.to_le_bytes());
        put(60, &self.others.to_le_bytes());
        put(64, &self.file_length().to_le_bytes());
        let sum = Checksum::of(&bytes[..76]);
        bytes[76..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Returns where the sections stand. What is counted fits: the file is as long as they say.
    pub(super) fn sections(&self) -> Sections {
        let mut end = HEADER_LENGTH;
        let mut section = |count: u32, each: usize| {
            let start = end;
            end = start.saturating_add((count as usize).saturating_mul(each));
            start..end
        };
        Sections {
            signposts: section(self.signposts(), 8),
            blocks: section(self.blocks, BLOCK_LENGTH),
            lows: section(self.numbers, 4),
            fingerprints: section(self.filter.fingerprints(), 1),
            name: section(self.name, 1),
            source: section(self.source, 1),
            others: section(self.others, 1),
        }
    }

    fn signposts(&self) -> u32 {
        self.blocks.div_ceil(BLOCKS_A_SIGNPOST)
    }

    fn file_length(&self) -> u64 {
        let texts = u64::from(self.name) + u64::from(self.source) + u64::from(self.others);
        let blocks = u64::from(self.signposts()) * 8 + u64::from(self.blocks) * BLOCK_LENGTH as u64;
        let tables = blocks + u64::from(self.numbers) * 4;
        let frame = (HEADER_LENGTH + TRAILER_LENGTH) as u64;
        frame + tables + u64::from(self.filter.fingerprints()) + texts
    }
}

/// Where each section stands.
#[derive(Debug, Clone)]
pub(super) struct Sections {
    pub(super) signposts: Range<usize>,
    pub(super) blocks: Range<usize>,
    pub(super) lows: Range<usize>,
    pub(super) fingerprints: Range<usize>,
    pub(super) name: Range<usize>,
    pub(super) source: Range<usize>,
    pub(super) others: Range<usize>,
}

fn value(what: &'static str, found: impl Into<u64>) -> Problem {
    Problem::Value { what, found: found.into() }
}

fn word(header: &[u8; HEADER_LENGTH], offset: usize) -> u32 {
    u32::from_le_bytes(array(header, offset))
}

/// Returns the bytes of a field, which stands within the header.
fn array<const N: usize>(header: &[u8; HEADER_LENGTH], offset: usize) -> [u8; N] {
    header.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

const _: () = assert!(32 + DESCRIPTOR_LENGTH == 52, "the filter's descriptor fills its field");
