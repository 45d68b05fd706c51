//! Compiled lists: millions of numbers in a file that is used where it lies.
//!
//! Nothing of it is read before it is looked at, so that a list of any length opens at once. A
//! filter, the first thing a look-up asks, ends most of them; the tables behind it are exact.
//! `docs/reference/compiled-lists.md` describes the form.
//!
//! Only full numbers are compiled. The few prefixes and words that a list has beside them are
//! kept as text; names, notes, weights and expiry are not.

mod checksum;
mod error;
mod filter;
mod layout;
mod tables;
mod writer;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

pub use error::{SetError, SetFull};
pub use writer::{SetWriter, Written};

use crate::number::E164;
use checksum::Checksum;
use error::Problem;
use layout::{Header, Sections, TRAILER_LENGTH};
use tables::{BLOCK_LENGTH, Tables};

/// A compiled list, over bytes that somebody else holds: a mapped file, or memory.
///
/// Cloning it clones no numbers. Look-ups allocate nothing, and are total: whatever the bytes are,
/// or become, none panics or reads beyond them.
///
/// ```
/// use std::sync::Arc;
/// use jiff::Timestamp;
/// use ringfence_policy::{E164, Set, SetWriter};
///
/// let number = |digits| E164::new(digits).expect("eleven digits");
/// let mut writer = SetWriter::new("spam", Timestamp::UNIX_EPOCH).source("numbers.csv");
/// for last in 0..50 {
///     writer.push_number(number(12_025_550_100 + 2 * last))?;
/// }
/// let mut file = Vec::new();
/// writer.write(&mut file)?;
///
/// let set = Set::open(Arc::new(file))?;
/// assert_eq!((set.name(), set.source(), set.len()), ("spam", "numbers.csv", 50));
/// assert!(set.contains(number(12_025_550_198)));
/// assert!(!set.contains(number(12_025_550_199)));
/// assert_eq!(set.first_between(12_025_550_111, 12_025_550_119), Some(number(12_025_550_112)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Set {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    header: Header,
    sections: Sections,
    made: Timestamp,
}

impl Set {
    /// Opens a compiled list.
    ///
    /// Reads the header and the texts only, and checks that all sections lie within the bytes.
    /// Whether the bytes are those that were written, [`Set::verify`] tells.
    pub fn open(bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Result<Self, SetError> {
        let all = (*bytes).as_ref();
        let header = Header::parse(all)?;
        let sections = header.sections();
        for (section, what) in [
            (&sections.name, "the name"),
            (&sections.source, "the source"),
            (&sections.others, "the other entries"),
        ] {
            if let Err(error) = str::from_utf8(all.get(section.clone()).unwrap_or_default()) {
                return Err(SetError::new(section.start + error.valid_up_to(), Problem::Text { what }));
            }
        }
        let made = Timestamp::from_second(header.made).map_err(|_| {
            let what = "a time from the year -9999 to 9999";
            SetError::new(24, Problem::Value { what, found: header.made.cast_unsigned() })
        })?;
        Ok(Self { bytes, header, sections, made })
    }

    /// Returns whether a file that begins so is a compiled list, of whatever version.
    ///
    /// ```
    /// assert!(!ringfence_policy::Set::is_compiled(b"+41791234567\n"));
    /// ```
    #[must_use]
    pub fn is_compiled(beginning: &[u8]) -> bool {
        beginning.starts_with(&layout::MAGIC)
    }

    /// Returns the name of the list that was compiled.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text(&self.sections.name)
    }

    /// Returns where its entries came from; empty when that was not said.
    #[must_use]
    pub fn source(&self) -> &str {
        self.text(&self.sections.source)
    }

    /// Returns when it was compiled.
    #[must_use]
    pub fn made(&self) -> Timestamp {
        self.made
    }

    /// Returns the entries that are no full numbers, one a line, in the form of
    /// [`ListBuilder::text`](crate::ListBuilder::text) that means the same in every region.
    #[must_use]
    pub fn others(&self) -> &str {
        self.text(&self.sections.others)
    }

    /// Returns how many full numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.header.numbers as usize
    }

    /// Returns whether there are no full numbers. There may be other entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes it has in all.
    #[must_use]
    pub fn size(&self) -> usize {
        self.all().len()
    }

    /// Returns whether a number is in it.
    #[must_use]
    pub fn contains(&self, number: E164) -> bool {
        let number = number.as_u64();
        let all = self.all();
        let fingerprints = all.get(self.sections.fingerprints.clone()).unwrap_or_default();
        self.header.filter.passes(number, fingerprints) && self.tables(all).contains(number)
    }

    /// Returns the lowest number in it from one to another, both included, each written as one
    /// decimal value.
    #[must_use]
    pub fn first_between(&self, lowest: u64, highest: u64) -> Option<E164> {
        let found = self.tables(self.all()).first_from(lowest)?;
        (lowest..=highest).contains(&found).then(|| E164::new(found)).flatten()
    }

    /// Returns whether any number from one to another is in it, both included.
    #[must_use]
    pub fn any_between(&self, lowest: u64, highest: u64) -> bool {
        self.first_between(lowest, highest).is_some()
    }

    /// Returns the numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = E164> {
        self.tables(self.all()).numbers().take(self.len()).filter_map(E164::new)
    }

    /// Reads all of it, and checks that it is what was written: the checksum, the order of the
    /// numbers, and that the filter lets each of them pass.
    ///
    /// Takes some tenths of a second for ten million numbers.
    pub fn verify(&self) -> Result<(), SetError> {
        let all = self.all();
        let Some((content, trailer)) = all.split_last_chunk::<TRAILER_LENGTH>() else {
            return Err(SetError::new(0, Problem::Foreign));
        };
        let (expected, found) = (Checksum::of(content), u32::from_le_bytes(*trailer));
        if expected != found {
            return Err(SetError::new(content.len(), Problem::Checksum { expected, found }));
        }
        self.verify_tables(all)
    }

    fn verify_tables(&self, all: &[u8]) -> Result<(), SetError> {
        let tables = self.tables(all);
        if let Some(block) = tables.misplaced_block() {
            let what = "a block that begins with its base where the one before it ends";
            let problem = Problem::Value { what, found: block as u64 };
            return Err(SetError::new(self.sections.blocks.start + BLOCK_LENGTH * block, problem));
        }
        let fingerprints = all.get(self.sections.fingerprints.clone()).unwrap_or_default();
        let mut count = 0;
        let mut before = 0;
        for found in tables.numbers() {
            let offset = self.sections.lows.start + 4 * count;
            if found <= before {
                return Err(SetError::new(offset, Problem::Order { found }));
            }
            if E164::new(found).is_none() {
                return Err(SetError::new(offset, Problem::Number { found }));
            }
            if !self.header.filter.passes(found, fingerprints) {
                return Err(SetError::new(self.sections.fingerprints.start, Problem::Filter));
            }
            before = found;
            count += 1;
        }
        if count != self.len() {
            let problem = Problem::Value { what: "blocks that have all numbers", found: count as u64 };
            return Err(SetError::new(self.sections.blocks.start, problem));
        }
        Ok(())
    }

    fn all(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    fn tables<'a>(&self, all: &'a [u8]) -> Tables<'a> {
        let section = |range: &std::ops::Range<usize>| all.get(range.clone()).unwrap_or_default();
        let Sections { signposts, blocks, lows, .. } = &self.sections;
        Tables::new(section(signposts), section(blocks), section(lows))
    }

    /// Returns a text, which [`Set::open`] has found to be one.
    fn text(&self, section: &std::ops::Range<usize>) -> &str {
        str::from_utf8(self.all().get(section.clone()).unwrap_or_default()).unwrap_or_default()
    }
}

impl fmt::Debug for Set {
    /// Prints no number: a list is people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Set").field("name", &self.name()).field("len", &self.len()).finish_non_exhaustive()
    }
}

/// 560 MB, more than all numbers that any published list has. Larger ones take several sets.
const MOST_NUMBERS: usize = 100_000_000;

/// Cuts a text at a length, or before the character that crosses it.
fn cut(text: &str, longest: usize) -> &str {
    let end = (0..=longest.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}
