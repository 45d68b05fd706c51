//! One entry of a list, and the place it was written at.

use std::fmt;

use jiff::Timestamp;

use super::List;
use super::key::{Key, Meaning};
use crate::number::NumberRange;
use crate::pattern::Pattern;

/// One entry of a list, with the place it was written at.
///
/// ```
/// use ringfence_policy::{List, Region};
///
/// let (list, _) = List::parse_text("reject", "spam.txt", "\n+4179*  # sells wine", Region::parse("CH")?);
/// let entry = list.entries().next().expect("one entry");
/// assert_eq!(entry.pattern().to_string(), "+4179*");
/// assert_eq!(entry.note(), Some("sells wine"));
/// assert_eq!((entry.origin().file(), entry.origin().line()), (Some("spam.txt"), 2));
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub(super) list: &'a List,
    pub(super) key: Key,
    pub(super) place: Place,
}

/// An entry without its list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeptEntry {
    /// Where the list is in memory.
    list: usize,
    key: Key,
    place: Place,
}

impl KeptEntry {
    /// Returns the entry again, if it is of this list.
    pub(crate) fn on(self, list: &List) -> Option<Entry<'_>> {
        let is_of_it = std::ptr::from_ref(list).addr() == self.list;
        is_of_it.then_some(Entry { list, key: self.key, place: self.place })
    }
}

impl<'a> Entry<'a> {
    /// Keeps it apart from its list.
    pub(crate) fn keep(self) -> KeptEntry {
        KeptEntry { list: std::ptr::from_ref(self.list).addr(), key: self.key, place: self.place }
    }

    /// Returns the name of the list.
    #[must_use]
    pub fn list(&self) -> &'a str {
        self.list.name()
    }

    /// Returns which callers it means.
    #[must_use]
    pub fn pattern(&self) -> Pattern {
        self.list.pattern(self.key)
    }

    /// Returns the pattern as it was written. A compiled list does not keep that: for a number in
    /// one it is empty.
    #[must_use]
    pub fn written(&self) -> &'a str {
        let start = self.place.text as usize;
        self.list.texts.get(start..start + usize::from(self.place.written)).unwrap_or_default()
    }

    /// Returns what was written beside it.
    #[must_use]
    pub fn note(&self) -> Option<&'a str> {
        let start = self.place.text as usize + usize::from(self.place.written);
        let note = self.list.texts.get(start..start + usize::from(self.place.note))?;
        (!note.is_empty()).then_some(note)
    }

    /// Returns when its time is over, if it has an end. From then on it is not found.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.list.terms.of(self.place.text).until
    }

    /// Returns how often its caller was recorded: 1 for what is merely listed.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.list.terms.of(self.place.text).weight
    }

    /// Returns whether it is a range with all of another in it.
    pub(super) fn means_all(&self, other: NumberRange) -> bool {
        match self.key.meaning() {
            Meaning::Range(index) => {
                let range = self.list.ranges[index];
                range.contains(other.first()) && range.contains(other.last())
            }
            Meaning::Exact(_)
            | Meaning::Prefix(_)
            | Meaning::Expression(_)
            | Meaning::Name(_)
            | Meaning::Anonymous
            | Meaning::Unavailable
            | Meaning::Invalid => false,
        }
    }

    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.list.terms.is_empty() || self.until().is_none_or(|until| now < until)
    }

    /// Returns where it was written.
    #[must_use]
    pub fn origin(&self) -> Origin<'a> {
        match self.list.files.get(usize::from(self.place.file)) {
            Some(file) => Origin { file: Some(file), line: self.place.line },
            None => Origin { file: None, line: self.place.line },
        }
    }
}

impl fmt::Display for Entry<'_> {
    /// Prints the pattern as it was written, or as it is compared where that was not kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.written() {
            "" => self.pattern().fmt(f),
            written => f.write_str(written),
        }
    }
}

/// Where an entry was written: a line of a file, or inline in the configuration.
///
/// ```
/// use ringfence_policy::{List, Region};
///
/// let mut list = List::builder("reject");
/// list.inline("+41791234567", Region::parse("CH")?);
/// let (list, _) = list.build();
/// assert_eq!(list.entries().next().expect("one entry").origin().to_string(), "inline");
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin<'a> {
    file: Option<&'a str>,
    line: u32,
}

impl<'a> Origin<'a> {
    /// Tells of an entry at a line of a file, or inline.
    pub(crate) fn at(file: Option<&'a str>, line: u32) -> Self {
        Self { file, line }
    }

    /// Returns the name of the file; `None` for an entry written inline.
    #[must_use]
    pub fn file(&self) -> Option<&'a str> {
        self.file
    }

    /// Returns the line in the file, or which of the inline entries it is, counted from 1; 0 for a
    /// number in a compiled list.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file {
            Some(file) if self.line == 0 => f.write_str(file),
            Some(file) => write!(f, "{file}:{}", self.line),
            None => f.write_str("inline"),
        }
    }
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// In `texts`; the note follows the pattern.
    pub(super) text: u32,
    pub(super) written: u16,
    pub(super) note: u16,
    /// An index into `files`.
    pub(super) file: u16,
    pub(super) line: u32,
    /// Whether it is a record, of which several may say the same.
    pub(super) is_record: bool,
}

impl Place {
    /// Returns the place of every number in a compiled list.
    pub(super) fn compiled(file: u16) -> Self {
        Self { text: u32::MAX, written: 0, note: 0, file, line: 0, is_record: true }
    }
}
