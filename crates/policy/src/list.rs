//! Lists of callers, and how one is looked up.
//!
//! A list keeps every entry as one word of sixty-four bits, sorted, and beside it where the entry
//! was written. Looking a caller up is a binary search for its number, then one for each length
//! of prefix the list has; it allocates nothing.

mod builder;
mod key;

use std::fmt;
use std::sync::Arc;

pub use builder::{ListBuilder, ListError};

use crate::facts::CallerId;
use crate::number::{MAX_DIGITS, Number, Region};
use crate::pattern::Pattern;
use key::Key;

/// A named list of callers.
///
/// ```
/// use ringfence_policy::{List, Number, Region, normalise};
///
/// let switzerland = Region::parse("CH")?;
/// let text = "# since March\n+41 79 123 45 67  # wine\n0800*\nanonymous\n";
/// let (list, errors) = List::parse_text("reject", "spam.txt", text, switzerland);
///
/// assert!(errors.is_empty());
/// assert_eq!(list.len(), 3);
/// let entry = list.find_number(normalise("0800 123 456", switzerland)?).expect("0800 is listed");
/// assert_eq!((entry.written(), entry.origin().to_string()), ("0800*", "spam.txt:3".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct List {
    name: Arc<str>,
    files: Vec<Arc<str>>,
    /// What was written, entry after entry.
    texts: String,
    /// Sorted, each once.
    keys: Vec<Key>,
    /// Beside `keys`.
    places: Vec<Place>,
    /// The user names among the patterns, sorted.
    names: Vec<Box<str>>,
    /// Entries that repeat another: its index, and their own place.
    repeated: Vec<(u32, Place)>,
    /// Bit `n` is set when there is a prefix of `n` digits, of full and of internal numbers.
    prefix_lengths: [u16; 2],
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// In `texts`; the note follows the pattern.
    text: u32,
    written: u16,
    note: u16,
    /// An index into `files`.
    file: u16,
    line: u32,
}

impl List {
    /// Returns a list without entries.
    #[must_use]
    pub fn empty(name: &str) -> Self {
        ListBuilder::new(name).build().0
    }

    /// Starts a list.
    #[must_use]
    pub fn builder(name: &str) -> ListBuilder {
        ListBuilder::new(name)
    }

    /// Reads a list of one file; see [`ListBuilder::text`] for its form. What cannot be read is
    /// reported, and the rest of the list is there all the same.
    #[must_use]
    pub fn parse_text(name: &str, file: &str, text: &str, region: Region) -> (Self, Vec<ListError>) {
        let mut builder = ListBuilder::new(name);
        builder.text(file, text, region);
        builder.build()
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how many entries there are; one that is repeated counts once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the entries, those of full numbers first, in the order of the numbers.
    #[must_use]
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        self.keys.iter().zip(&self.places).map(|(key, place)| Entry { list: self, key: *key, place: *place })
    }

    /// Returns the entries that repeat another, each after the one it repeats.
    #[must_use]
    pub fn repeated(&self) -> impl ExactSizeIterator<Item = (Entry<'_>, Entry<'_>)> {
        self.repeated.iter().map(|(index, place)| {
            let first = self.entry(*index as usize);
            (first, Entry { place: *place, ..first })
        })
    }

    /// Looks a caller up: its number first, then the longest prefix of it, then its name, and at
    /// last what kind of caller it is.
    #[must_use]
    pub fn find(&self, caller: &CallerId<'_>) -> Option<Entry<'_>> {
        if let Some(entry) = caller.number().and_then(|number| self.find_number(number)) {
            return Some(entry);
        }
        match caller {
            CallerId::Anonymous { .. } => self.at(Key::ANONYMOUS),
            CallerId::Unavailable => self.at(Key::UNAVAILABLE),
            CallerId::Implausible(..) | CallerId::Invalid(_) => self.at(Key::INVALID),
            CallerId::Name(name) => self.at(self.name_key(name)?),
            CallerId::Number(_) | CallerId::Ambiguous(_) => None,
        }
    }

    /// Looks a number up: all of it first, then the longest prefix of it.
    #[must_use]
    pub fn find_number(&self, number: Number) -> Option<Entry<'_>> {
        self.at(Key::exact(number)).or_else(|| self.find_prefix(number))
    }

    /// Returns the entry of exactly this pattern.
    #[must_use]
    pub fn find_pattern(&self, pattern: &Pattern) -> Option<Entry<'_>> {
        let key = match pattern {
            Pattern::Exact(number) => Key::exact(*number),
            Pattern::Prefix(prefix) => Key::prefix(*prefix),
            Pattern::Anonymous => Key::ANONYMOUS,
            Pattern::Unavailable => Key::UNAVAILABLE,
            Pattern::Invalid => Key::INVALID,
            Pattern::Name(name) => self.name_key(name)?,
        };
        self.at(key)
    }

    /// Returns an entry that means every caller of a pattern.
    pub(crate) fn covering(&self, pattern: &Pattern) -> Option<Entry<'_>> {
        match pattern {
            Pattern::Exact(number) => self.find_number(*number),
            Pattern::Prefix(prefix) => {
                (1..=MAX_DIGITS).find_map(|length| self.at(Key::prefix(prefix.first(length)?)))
            }
            Pattern::Anonymous | Pattern::Unavailable | Pattern::Invalid | Pattern::Name(_) => {
                self.find_pattern(pattern)
            }
        }
    }

    fn find_prefix(&self, number: Number) -> Option<Entry<'_>> {
        let mut lengths = match number {
            Number::E164(_) => self.prefix_lengths[0],
            Number::Internal(_) => self.prefix_lengths[1],
        };
        while let Some(longest) = lengths.checked_ilog2() {
            lengths &= !(1 << longest);
            let key = Key::first(number, longest as usize);
            if let Some(entry) = key.and_then(|key| self.at(key)) {
                return Some(entry);
            }
        }
        None
    }

    fn name_key(&self, name: &str) -> Option<Key> {
        self.names.binary_search_by(|known| (**known).cmp(name)).ok().map(Key::name)
    }

    fn at(&self, key: Key) -> Option<Entry<'_>> {
        self.keys.binary_search(&key).ok().map(|index| self.entry(index))
    }

    fn entry(&self, index: usize) -> Entry<'_> {
        Entry { list: self, key: self.keys[index], place: self.places[index] }
    }
}

impl fmt::Debug for List {
    /// Prints no number: a list is people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("name", &self.name).field("len", &self.len()).finish_non_exhaustive()
    }
}

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
    list: &'a List,
    key: Key,
    place: Place,
}

impl<'a> Entry<'a> {
    /// Returns the name of the list.
    #[must_use]
    pub fn list(&self) -> &'a str {
        self.list.name()
    }

    /// Returns which callers it means.
    #[must_use]
    pub fn pattern(&self) -> Pattern {
        self.key.pattern(&self.list.names)
    }

    /// Returns the pattern as it was written.
    #[must_use]
    pub fn written(&self) -> &'a str {
        let start = self.place.text as usize;
        &self.list.texts[start..start + usize::from(self.place.written)]
    }

    /// Returns what was written beside it.
    #[must_use]
    pub fn note(&self) -> Option<&'a str> {
        let start = self.place.text as usize + usize::from(self.place.written);
        let note = &self.list.texts[start..start + usize::from(self.place.note)];
        (!note.is_empty()).then_some(note)
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
    /// Returns the name of the file; `None` for an entry written inline.
    #[must_use]
    pub fn file(&self) -> Option<&'a str> {
        self.file
    }

    /// Returns the line in the file, or which of the inline entries it is, counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file {
            Some(file) => write!(f, "{file}:{}", self.line),
            None => f.write_str("inline"),
        }
    }
}
