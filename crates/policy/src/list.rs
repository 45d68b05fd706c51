//! Lists of callers, and how one is looked up.
//!
//! A list keeps every entry as one word of sixty-four bits, sorted, and beside it where the entry
//! was written: less than forty bytes for a number. Looking a caller up asks, in this order:
//!
//! ```text
//!  a filter, then the sorted words     this number
//!  the compiled lists                  this number, among millions
//!  the stretches of the ranges         the narrowest range around it
//!  the sorted words, by each length    the longest beginning of it
//!  one automaton                       the first expression that is found in it
//! ```
//!
//! It allocates nothing and waits for nothing. An entry whose time is over is not found.

mod again;
mod builder;
mod entry;
mod error;
mod expressions;
mod filter;
mod index;
mod intervals;
mod key;
mod mark;
mod patterns;
mod record;
mod terms;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

pub use builder::ListBuilder;
pub(crate) use entry::KeptEntry;
pub use entry::{Entry, Origin};
pub use error::ListError;
pub use record::{ListFile, Record};

use crate::caller::CallerId;
use crate::number::{E164, Number, NumberRange, Region};
use crate::pattern::Pattern;
use crate::set::Set;
use entry::Place;
use expressions::Expressions;
use filter::Filter;
use intervals::Intervals;
use key::{KINDS, Key, Meaning};
pub(crate) use mark::Mark;
use terms::AllTerms;

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
/// let now = "2026-03-01T12:00:00Z".parse()?;
/// let entry = list.find_number(normalise("0800 123 456", switzerland)?, now).expect("0800 is listed");
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
    /// Where the keys of each kind begin, and where the last end.
    kinds: [u32; KINDS + 1],
    /// Of the keys of full numbers.
    filter: Filter,
    /// Of all there is.
    mark: Mark,
    /// Beside `keys`.
    places: Vec<Place>,
    /// What few entries have: an end, a weight.
    terms: AllTerms,
    /// The ranges among the patterns, sorted.
    ranges: Vec<NumberRange>,
    /// Which of the ranges is the narrowest, where they overlap.
    narrowest: Intervals,
    /// Which of them lasts longest: only there when some end.
    lasting: Intervals,
    expressions: Expressions,
    /// The user names among the patterns, sorted.
    names: Vec<Box<str>>,
    /// Compiled lists, each with its index in `files`.
    sets: Vec<(u16, Set)>,
    /// Entries that repeat another: its index, and their own place.
    repeated: Vec<(u32, Place)>,
    /// Bit `n` is set when there is a prefix of `n` digits, of full and of internal numbers.
    prefix_lengths: [u16; 2],
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

    /// Returns how many entries there are, compiled ones too; one that is repeated counts once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sets.iter().fold(self.keys.len(), |sum, (_, set)| sum.saturating_add(set.len()))
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the entries, those of full numbers first, in the order of the numbers. Those of
    /// compiled lists are not among them.
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

    /// Looks a caller up: its number first, as [`List::find_number`] does, then its name, and at
    /// last what kind of caller it is.
    #[must_use]
    pub fn find(&self, caller: &CallerId<'_>, now: Timestamp) -> Option<Entry<'_>> {
        if let Some(entry) = caller.number().and_then(|number| self.find_number(number, now)) {
            return Some(entry);
        }
        match caller {
            CallerId::WithheldName(name) => {
                let named = self.name_key(name).and_then(|key| self.at(key, now));
                named.or_else(|| self.at(Key::ANONYMOUS, now))
            }
            CallerId::Anonymous { .. } => self.at(Key::ANONYMOUS, now),
            CallerId::Unavailable => self.at(Key::UNAVAILABLE, now),
            CallerId::Implausible(..) | CallerId::Invalid(_) => self.at(Key::INVALID, now),
            CallerId::Name(name) => self.at(self.name_key(name)?, now),
            CallerId::Number(_) | CallerId::Ambiguous(_) => None,
        }
    }

    /// Returns whether a caller is found by nothing that the list has. It may be on no list all the same.
    #[inline]
    pub(crate) fn lacks(&self, caller: Mark) -> bool {
        self.mark.is_apart_from(caller)
    }

    /// Returns whether it certainly has no number that equals a caller's but for the last digits.
    pub(crate) fn has_none_near(&self, caller: Mark, number: Number, last_digits: u8) -> bool {
        self.sets.is_empty() && self.mark.begins_apart_from(caller, number, last_digits)
    }

    /// Returns the compiled lists behind this one.
    #[must_use]
    pub fn sets(&self) -> impl ExactSizeIterator<Item = &Set> {
        self.sets.iter().map(|(_, set)| set)
    }

    /// Looks a number up: all of it first, then the narrowest range around it, the longest prefix
    /// of it, and the first expression that is found in it. Of ranges that are equally narrow the
    /// one written first counts.
    #[must_use]
    pub fn find_number(&self, number: Number, now: Timestamp) -> Option<Entry<'_>> {
        if let found @ Some(_) = self.find_exact(number, now) {
            return found;
        }
        // Most lists have few of these kinds: what is not there need not be asked.
        if !self.sets.is_empty()
            && let found @ Some(_) = self.find_compiled(number)
        {
            return found;
        }
        if !self.ranges.is_empty()
            && let found @ Some(_) = self.find_range(number, now)
        {
            return found;
        }
        if let found @ Some(_) = self.find_prefix(number, now) {
            return found;
        }
        if self.expressions.is_empty() { None } else { self.find_expression(number, now) }
    }

    /// Finds a number that equals this one but for the last digits. Only entries of one number
    /// count, and only those with as many digits. It passes over those that have ended, one by one.
    ///
    /// ```
    /// use ringfence_policy::{List, Region, normalise};
    ///
    /// let us = Region::parse("US")?;
    /// let (clinic, _) = List::parse_text("people", "people.txt", "+1 312 555 0111", us);
    /// let now = "2026-03-01T12:00:00Z".parse()?;
    /// assert!(clinic.near(normalise("(312) 555-0177", us)?, 2, now).is_some());
    /// assert!(clinic.near(normalise("(312) 555-0277", us)?, 2, now).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn near(&self, number: Number, last_digits: u8, now: Timestamp) -> Option<Entry<'_>> {
        let (first, last) = Key::alike(number, last_digits)?;
        let from = self.keys.partition_point(|key| *key < first);
        let alike = self.keys[from..].iter().take_while(|key| **key <= last);
        let mut written = (from..).zip(alike).map(|(index, _)| self.entry(index));
        written.find(|entry| entry.is_live(now)).or_else(|| {
            let Number::E164(_) = number else { return None };
            self.sets.iter().find_map(|(file, set)| {
                let found = set.first_between(first.word(), last.word())?;
                Some(self.compiled(*file, found))
            })
        })
    }

    /// Returns how often a caller is listed: the weight of its entry, and 0 without one.
    ///
    /// ```
    /// use ringfence_policy::{Caller, List, Record, Region};
    ///
    /// let us = Region::parse("US")?;
    /// let mut builder = List::builder("complaints");
    /// let file = builder.file("complaints.csv");
    /// builder.record(file, Record::new(1, "8005550199"), us);
    /// builder.record(file, Record { weight: 4, ..Record::new(2, "+18005550199") }, us);
    /// let (list, _) = builder.build();
    ///
    /// let caller = Caller::from_header("+18005550199", "pbx.example").identify(us);
    /// assert_eq!(list.score(&caller, "2026-03-01T12:00:00Z".parse()?), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn score(&self, caller: &CallerId<'_>, now: Timestamp) -> u32 {
        self.find(caller, now).map_or(0, |entry| entry.weight())
    }

    fn find_exact(&self, number: Number, now: Timestamp) -> Option<Entry<'_>> {
        let key = Key::exact(number);
        let is_absent = matches!(number, Number::E164(_)) && !self.filter.may_have(key);
        if is_absent { None } else { self.at(key, now) }
    }

    fn find_compiled(&self, number: Number) -> Option<Entry<'_>> {
        let Number::E164(number) = number else { return None };
        let (file, _) = self.sets.iter().find(|(_, set)| set.contains(number))?;
        Some(self.compiled(*file, number))
    }

    fn compiled(&self, file: u16, number: E164) -> Entry<'_> {
        Entry { list: self, key: Key::exact(Number::E164(number)), place: Place::compiled(file) }
    }

    fn find_range(&self, number: Number, now: Timestamp) -> Option<Entry<'_>> {
        let place = Key::exact(number).word();
        let candidates = [self.narrowest.at(place), self.lasting.at(place)];
        let around = |index: &usize| self.ranges.get(*index).is_some_and(|range| range.contains(number));
        candidates.into_iter().flatten().filter(around).find_map(|index| self.at(Key::range(index), now))
    }

    fn find_expression(&self, number: Number, now: Timestamp) -> Option<Entry<'_>> {
        let is_live = |index| self.at(Key::expression(index), now).is_some();
        self.at(Key::expression(self.expressions.first_in(number, is_live)?), now)
    }

    fn find_prefix(&self, number: Number, now: Timestamp) -> Option<Entry<'_>> {
        let mut lengths = match number {
            Number::E164(_) => self.prefix_lengths[0],
            Number::Internal(_) => self.prefix_lengths[1],
        };
        while let Some(longest) = lengths.checked_ilog2() {
            lengths &= !(1 << longest);
            let key = Key::first(number, longest as usize);
            if let Some(entry) = key.and_then(|key| self.at(key, now)) {
                return Some(entry);
            }
        }
        None
    }

    fn name_key(&self, name: &str) -> Option<Key> {
        self.names.binary_search_by(|known| (**known).cmp(name)).ok().map(Key::name)
    }

    #[inline]
    fn at(&self, key: Key, now: Timestamp) -> Option<Entry<'_>> {
        self.index_of(key).map(|index| self.entry(index)).filter(|entry| entry.is_live(now))
    }

    #[inline]
    fn index_of(&self, key: Key) -> Option<usize> {
        let [from, to] = [key.kind(), key.kind() + 1].map(|kind| self.kinds[kind] as usize);
        self.keys[from..to].binary_search(&key).ok().map(|index| from + index)
    }

    fn pattern(&self, key: Key) -> Pattern {
        match key.meaning() {
            Meaning::Exact(number) => Pattern::Exact(number),
            Meaning::Prefix(prefix) => Pattern::Prefix(prefix),
            Meaning::Range(index) => Pattern::Range(self.ranges[index]),
            Meaning::Expression(index) => Pattern::Expression(self.expressions.all()[index].clone()),
            Meaning::Name(index) => Pattern::Name(self.names[index].clone()),
            Meaning::Anonymous => Pattern::Anonymous,
            Meaning::Unavailable => Pattern::Unavailable,
            Meaning::Invalid => Pattern::Invalid,
        }
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
