//! Writes a compiled list.

use std::collections::BTreeSet;
use std::io::{self, Write};

use jiff::Timestamp;

use super::checksum::Checksum;
use super::error::SetFull;
use super::filter::Filter;
use super::layout::Header;
use super::tables::Blocks;
use super::{MOST_NUMBERS, cut};
use crate::number::{E164, Number};
use crate::pattern::Pattern;

/// Collects the entries of a compiled list, in any order, and writes it.
///
/// It takes eight bytes of memory a number while it collects, and about 24 more while it writes:
/// some 320 MB for ten million. The same entries give the same bytes, in whatever order they came.
///
/// ```
/// use jiff::Timestamp;
/// use ringfence_policy::{E164, Pattern, Region, SetWriter};
///
/// let mut writer = SetWriter::new("spam", Timestamp::UNIX_EPOCH);
/// writer.push_number(E164::new(41_791_234_567).expect("eleven digits"))?;
/// writer.push(&Pattern::parse("079 123 45 67", Region::parse("CH")?)?)?;
/// writer.push(&Pattern::parse("+4190*", Region::parse("CH")?)?)?;
///
/// let mut file = Vec::new();
/// let written = writer.write(&mut file)?;
/// assert_eq!((written.numbers, written.others, written.repeated), (1, 1, 1));
/// assert_eq!(written.bytes, file.len() as u64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SetWriter {
    name: String,
    source: String,
    made: Timestamp,
    numbers: Vec<u64>,
    /// At so many numbers, those that repeat are thrown out.
    full_at: usize,
    /// The entries that are no full numbers, as lines.
    others: BTreeSet<String>,
    others_length: usize,
    repeated: u64,
}

impl SetWriter {
    /// Starts a list of this name, made at this time. A name beyond 1024 bytes is cut there.
    #[must_use]
    pub fn new(name: &str, made: Timestamp) -> Self {
        Self {
            name: cut(name, LONGEST_TEXT).to_owned(),
            source: String::new(),
            made,
            numbers: Vec::new(),
            full_at: FIRST_COMPACTION,
            others: BTreeSet::new(),
            others_length: 0,
            repeated: 0,
        }
    }

    /// Says where the entries come from. What is beyond 1024 bytes is cut there.
    #[must_use]
    pub fn source(mut self, source: &str) -> Self {
        cut(source, LONGEST_TEXT).clone_into(&mut self.source);
        self
    }

    /// Adds what a pattern means: a full number to the numbers, anything else to the few other
    /// entries, in the form that means the same in every region.
    pub fn push(&mut self, pattern: &Pattern) -> Result<(), SetFull> {
        if let Pattern::Exact(Number::E164(number)) = pattern {
            return self.push_number(*number);
        }
        let line = format!("{pattern}\n");
        let length = self.others_length + line.len();
        if self.others.contains(&line) {
            self.repeated += 1;
        } else if length > MOST_OTHERS {
            return Err(SetFull::Others);
        } else {
            self.others_length = length;
            self.others.insert(line);
        }
        Ok(())
    }

    /// Adds a full number.
    pub fn push_number(&mut self, number: E164) -> Result<(), SetFull> {
        if self.numbers.len() >= self.full_at {
            self.compact();
            if self.numbers.len() >= MOST_NUMBERS {
                return Err(SetFull::Numbers);
            }
            self.full_at = (2 * self.numbers.len()).max(FIRST_COMPACTION);
        }
        self.numbers.push(number.as_u64());
        Ok(())
    }

    /// Returns whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.others.is_empty()
    }

    /// Writes the list, in pieces of 64 KiB.
    ///
    /// Fails when the sink does, or with [`io::ErrorKind::FileTooLarge`] beyond a hundred million
    /// numbers.
    pub fn write(mut self, sink: &mut impl Write) -> io::Result<Written> {
        self.compact();
        let count = self.numbers.len();
        if count > MOST_NUMBERS {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, SetFull::Numbers));
        }
        let (filter, fingerprints) = Filter::of(&self.numbers);
        let blocks = Blocks::of(&self.numbers);
        let others: String = self.others.iter().map(String::as_str).collect();
        let header = Header {
            numbers: length(count)?,
            blocks: length(blocks.blocks.len())?,
            made: self.made.as_second(),
            filter,
            name: length(self.name.len())?,
            source: length(self.source.len())?,
            others: length(others.len())?,
        };

        let mut output = Output { sink, piece: Vec::with_capacity(PIECE), sum: Checksum::new(), bytes: 0 };
        output.put(&header.to_bytes())?;
        blocks.signposts().try_for_each(|base| output.put(&base.to_le_bytes()))?;
        for (base, start) in &blocks.blocks {
            output.put(&base.to_le_bytes())?;
            output.put(&start.to_le_bytes())?;
        }
        blocks.lows(&self.numbers).try_for_each(|low| output.put(&low.to_le_bytes()))?;
        for section in [&fingerprints, self.name.as_bytes(), self.source.as_bytes(), others.as_bytes()] {
            section.chunks(PIECE).try_for_each(|piece| output.put(piece))?;
        }
        let bytes = output.finish()?;
        Ok(Written { numbers: count, others: self.others.len(), repeated: self.repeated, bytes })
    }

    /// Sorts the numbers and throws out those that repeat.
    fn compact(&mut self) {
        let before = self.numbers.len();
        self.numbers.sort_unstable();
        self.numbers.dedup();
        self.repeated += (before - self.numbers.len()) as u64;
    }
}

impl std::fmt::Debug for SetWriter {
    /// Prints no number: a list is people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.numbers.len();
        f.debug_struct("SetWriter").field("name", &self.name).field("numbers", &count).finish_non_exhaustive()
    }
}

/// What was written.
///
/// ```
/// use jiff::Timestamp;
/// use ringfence_policy::SetWriter;
///
/// let written = SetWriter::new("nobody", Timestamp::UNIX_EPOCH).write(&mut Vec::new())?;
/// assert_eq!(written.numbers, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How many full numbers, each counted once.
    pub numbers: usize,
    /// How many other entries, each counted once.
    pub others: usize,
    /// How many entries repeated another.
    pub repeated: u64,
    /// How long it is.
    pub bytes: u64,
}

/// A sink to which whole pieces go, and the checksum of them.
struct Output<'a, W> {
    sink: &'a mut W,
    piece: Vec<u8>,
    sum: Checksum,
    bytes: u64,
}

impl<W: Write> Output<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.piece.len() + bytes.len() > PIECE {
            self.flush()?;
        }
        self.piece.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sum.update(&self.piece);
        self.bytes += self.piece.len() as u64;
        self.sink.write_all(&self.piece)?;
        self.piece.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<u64> {
        self.flush()?;
        let trailer = self.sum.value().to_le_bytes();
        self.sink.write_all(&trailer)?;
        self.sink.flush()?;
        Ok(self.bytes + trailer.len() as u64)
    }
}

/// A name or an address, not a text.
pub(super) const LONGEST_TEXT: usize = 1024;

/// They are read when the list is opened, which must not take longer for it: some fifty thousand.
pub(super) const MOST_OTHERS: usize = 1 << 20;

/// Eight megabytes of numbers; then whenever they are twice what was left the last time.
const FIRST_COMPACTION: usize = 1 << 20;

const PIECE: usize = 1 << 16;

fn length(count: usize) -> io::Result<u32> {
    u32::try_from(count).map_err(|_| io::ErrorKind::FileTooLarge.into())
}
