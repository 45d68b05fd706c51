//! Reading lists, and reporting what cannot be read.

use std::sync::Arc;

use jiff::Timestamp;

use super::entry::Place;
use super::error::{INLINE, Line, ListError, MOST_ENTRIES, MOST_EXPRESSIONS, Problem};
use super::expressions::Expressions;
use super::filter::Filter;
use super::intervals::Intervals;
use super::key::{KINDS, Key};
use super::mark::Mark;
use super::record::{ListFile, Record};
use super::terms::Terms;
use super::{AllTerms, List};
use crate::format::RowError;
use crate::number::{NumberRange, Region};
use crate::pattern::{Expression, Pattern};
use crate::set::Set;

/// Puts a list together from files and inline entries.
///
/// ```
/// use ringfence_policy::{List, Region};
///
/// let switzerland = Region::parse("CH")?;
/// let mut builder = List::builder("reject");
/// builder.inline("anonymous", switzerland);
/// builder.text("spam.txt", "0800*\n555 x\n", switzerland);
/// let (list, errors) = builder.build();
///
/// assert_eq!(list.len(), 2);
/// assert_eq!(
///     errors[0].to_string(),
///     "spam.txt:2:1: expected a number or a word such as `anonymous`, found `555…`"
/// );
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug)]
pub struct ListBuilder {
    name: Arc<str>,
    files: Vec<Arc<str>>,
    texts: String,
    entries: Vec<(Key, Place)>,
    names: Vec<(Box<str>, Place)>,
    ranges: Vec<(NumberRange, Place)>,
    pub(super) sets: Vec<(u16, Set)>,
    /// In the order in which they are written, each once.
    expressions: Vec<Expression>,
    /// How many bytes they take in memory.
    expressions_size: usize,
    /// By the place in `texts`, in its order.
    terms: Vec<(u32, Terms)>,
    inline: u32,
    errors: Vec<ListError>,
    unreported: usize,
}

impl ListBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            files: Vec::new(),
            texts: String::new(),
            entries: Vec::new(),
            names: Vec::new(),
            ranges: Vec::new(),
            sets: Vec::new(),
            expressions: Vec::new(),
            expressions_size: 0,
            terms: Vec::new(),
            inline: 0,
            errors: Vec::new(),
            unreported: 0,
        }
    }

    /// Adds one entry that stands in no file.
    pub fn inline(&mut self, pattern: &str, region: Region) {
        self.inline_entry(pattern, None, None, region);
    }

    /// Adds one entry that stands in no file, with a name and an end.
    ///
    /// ```
    /// use ringfence_policy::{List, Region, normalise};
    ///
    /// let switzerland = Region::parse("CH")?;
    /// let mut builder = List::builder("family");
    /// builder.inline_entry("079 123 45 67", Some("Anna"), Some("2026-04-01T00:00:00Z".parse()?), switzerland);
    /// let (family, _) = builder.build();
    ///
    /// let anna = normalise("+41791234567", switzerland)?;
    /// let entry = family.find_number(anna, "2026-03-31T23:59:59Z".parse()?).expect("it is March");
    /// assert_eq!(entry.note(), Some("Anna"));
    /// assert!(family.find_number(anna, "2026-04-01T00:00:00Z".parse()?).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inline_entry(
        &mut self,
        pattern: &str,
        name: Option<&str>,
        until: Option<Timestamp>,
        region: Region,
    ) {
        self.inline = self.inline.saturating_add(1);
        let line = Line { file: INLINE, number: self.inline, column: 1, is_record: false };
        self.entry(pattern, name.unwrap_or_default(), line, Terms { until, ..Terms::PLAIN }, region);
    }

    /// Adds the entries of a text file, one a line.
    ///
    /// Empty lines do not count. A `#` at the beginning of a line, or after a space, begins a
    /// comment; a comment beside an entry is its note.
    pub fn text(&mut self, file: &str, text: &str, region: Region) {
        let Some(index) = self.file_index(file) else { return };
        self.lines(index, text.strip_prefix('\u{feff}').unwrap_or(text), region);
    }

    /// Names a file whose records follow.
    pub fn file(&mut self, file: &str) -> ListFile {
        ListFile(self.file_index(file).unwrap_or(INLINE))
    }

    /// Adds one record of a file in another form than text.
    ///
    /// Records may repeat: what is said of one caller several times weighs as much more, and holds
    /// until the last of the ends.
    pub fn record(&mut self, file: ListFile, record: Record<'_>, region: Region) {
        let line = Line { file: file.0, number: record.line, column: 1, is_record: true };
        let terms = Terms { until: record.until, weight: record.weight };
        self.entry(record.number.trim(), record.name.unwrap_or_default(), line, terms, region);
    }

    /// Puts a compiled list behind this one: its numbers where they lie, its other entries as text.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use jiff::Timestamp;
    /// use ringfence_policy::{E164, List, Number, Set, SetWriter};
    ///
    /// let number = E164::new(12_025_550_100).expect("eleven digits");
    /// let mut writer = SetWriter::new("spam", Timestamp::UNIX_EPOCH);
    /// writer.push_number(number)?;
    /// let mut bytes = Vec::new();
    /// writer.write(&mut bytes)?;
    ///
    /// let mut builder = List::builder("spam");
    /// builder.set("spam.set", Set::open(Arc::new(bytes))?);
    /// let (list, _) = builder.build();
    /// let entry = list.find_number(Number::E164(number), Timestamp::UNIX_EPOCH).expect("it is listed");
    /// assert_eq!((entry.pattern().to_string(), entry.origin().to_string()), ("+12025550100".into(), "spam.set".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set(&mut self, file: &str, set: Set) {
        let Some(index) = self.file_index(file) else { return };
        // What is beside the numbers means the same in every region.
        if let Some(region) = Region::all().next() {
            self.lines(index, set.others(), region);
        }
        self.sets.push((index, set));
    }

    /// Reports a row of a file in another form that could not be read.
    pub(crate) fn wrong_row(&mut self, file: ListFile, error: RowError) {
        let line =
            Line { file: file.0, number: error.line(), column: error.column() as usize, is_record: true };
        self.report_at(line, Problem::Row(error.without_words()));
    }

    /// Makes the list, and returns it with what could not be read.
    ///
    /// Of entries that mean the same, the one that holds longest is kept, and of those the first
    /// one written.
    #[must_use]
    pub fn build(mut self) -> (List, Vec<ListError>) {
        if self.unreported > 0 {
            let origin = Line { file: INLINE, number: 0, column: 1, is_record: false };
            let problem = Problem::More { entries: self.unreported };
            self.errors.push(ListError::new(&self.name, origin, problem));
        }
        self.texts.shrink_to_fit();
        let names = numbered(self.names, Key::name, &mut self.entries);
        let ranges = numbered(self.ranges, Key::range, &mut self.entries);
        // A stable sort: of entries that are the same, the first one written comes first.
        self.entries.sort_by_key(|(key, _)| *key);

        let mut list = List {
            name: self.name,
            files: self.files,
            texts: self.texts,
            keys: Vec::with_capacity(self.entries.len()),
            kinds: [0; KINDS + 1],
            filter: Filter::default(),
            mark: Mark::default(),
            places: Vec::with_capacity(self.entries.len()),
            terms: AllTerms::default(),
            ranges,
            narrowest: Intervals::default(),
            lasting: Intervals::default(),
            expressions: Expressions::new(self.expressions),
            names,
            sets: self.sets,
            repeated: Vec::new(),
            prefix_lengths: [0; 2],
        };
        list.keep(&self.entries, &self.terms.into_iter().collect());
        list.index();
        (list, self.errors)
    }

    /// Numbers a file. `None`, and a report, when there are too many.
    pub(super) fn file_index(&mut self, file: &str) -> Option<u16> {
        match u16::try_from(self.files.len()) {
            Ok(index) if index != INLINE => {
                self.files.push(file.into());
                Some(index)
            }
            Ok(_) | Err(_) => {
                let line = Line { file: INLINE, number: 0, column: 1, is_record: false };
                self.report(ListError::new(file, line, Problem::TooManyFiles));
                None
            }
        }
    }

    fn lines(&mut self, file: u16, text: &str, region: Region) {
        for (number, line) in (1..).zip(text.lines()) {
            let (entry, note) = split_comment(line);
            let pattern = entry.trim();
            if pattern.is_empty() {
                continue;
            }
            let indent = entry[..entry.len() - entry.trim_start().len()].chars().count();
            let line = Line { file, number, column: indent + 1, is_record: false };
            self.entry(pattern, note, line, Terms::PLAIN, region);
        }
    }

    fn entry(&mut self, written: &str, note: &str, line: Line, terms: Terms, region: Region) {
        match Pattern::parse(written, region) {
            Ok(pattern) => match self.place(written, note, line) {
                Some(place) => self.add(pattern, place, line, terms),
                None => self.report_at(line, Problem::Full),
            },
            Err(error) if line.file == INLINE => self.report_at(line, Problem::Pattern(error)),
            Err(error) => self.report_at(line, Problem::Pattern(error.without_words())),
        }
    }

    pub(super) fn add(&mut self, pattern: Pattern, place: Place, line: Line, terms: Terms) {
        let key = match pattern {
            Pattern::Exact(number) => Some(Key::exact(number)),
            Pattern::Prefix(prefix) => Some(Key::prefix(prefix)),
            Pattern::Anonymous => Some(Key::ANONYMOUS),
            Pattern::Unavailable => Some(Key::UNAVAILABLE),
            Pattern::Invalid => Some(Key::INVALID),
            Pattern::Expression(expression) => match self.expression_key(expression) {
                Some(key) => Some(key),
                None => return self.report_at(line, Problem::TooManyExpressions),
            },
            Pattern::Range(range) => {
                self.ranges.push((range, place));
                None
            }
            Pattern::Name(name) => {
                self.names.push((name, place));
                None
            }
        };
        self.entries.extend(key.map(|key| (key, place)));
        if terms != Terms::PLAIN {
            self.terms.push((place.text, terms));
        }
    }

    /// Numbers an expression. `None` when there are too many.
    fn expression_key(&mut self, expression: Expression) -> Option<Key> {
        if let Some(index) = self.expressions.iter().position(|known| *known == expression) {
            return Some(Key::expression(index));
        }
        self.expressions_size += expression.size();
        if self.expressions.len() >= MOST_EXPRESSIONS || self.expressions_size > LARGEST_EXPRESSIONS {
            return None;
        }
        self.expressions.push(expression);
        Some(Key::expression(self.expressions.len() - 1))
    }

    /// Keeps what was written. `None` when the list is full.
    pub(super) fn place(&mut self, written: &str, note: &str, line: Line) -> Option<Place> {
        let text = u32::try_from(self.texts.len()).ok()?;
        let entries = self.entries.len() + self.names.len() + self.ranges.len();
        if entries >= MOST_ENTRIES {
            return None;
        }
        let note = cut(note, LONGEST_NOTE);
        self.texts.push_str(written);
        let note_from = self.texts.len();
        self.texts.extend(note.chars().filter(|c| !c.is_control()));
        Some(Place {
            text,
            written: u16::try_from(written.len()).ok()?,
            note: u16::try_from(self.texts.len() - note_from).ok()?,
            file: line.file,
            line: line.number,
            is_record: line.is_record,
        })
    }

    pub(super) fn report_at(&mut self, line: Line, problem: Problem) {
        let file = self.files.get(usize::from(line.file)).map_or("inline", |file| &**file);
        let error = ListError::new(file, line, problem);
        self.report(error);
    }

    fn report(&mut self, error: ListError) {
        if self.errors.len() < MOST_ERRORS { self.errors.push(error) } else { self.unreported += 1 }
    }
}

/// Sorts what does not fit in a key, each once, and adds a key for its place.
fn numbered<T: Ord>(
    mut all: Vec<(T, Place)>,
    key: impl Fn(usize) -> Key,
    entries: &mut Vec<(Key, Place)>,
) -> Vec<T> {
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut sorted: Vec<T> = Vec::new();
    for (each, place) in all {
        if sorted.last() != Some(&each) {
            sorted.push(each);
        }
        entries.push((key(sorted.len() - 1), place));
    }
    sorted
}

/// What the automata of a list may take, in bytes.
const LARGEST_EXPRESSIONS: usize = 8 << 20;

/// Who reads a list of wrong lines reads the first of them.
const MOST_ERRORS: usize = 100;

/// A name or a reason, not a text.
const LONGEST_NOTE: usize = 200;

/// Splits a line at its comment.
fn split_comment(line: &str) -> (&str, &str) {
    let mut before = None;
    for (index, character) in line.char_indices() {
        if character == '#' && before.is_none_or(char::is_whitespace) {
            return (&line[..index], line[index + 1..].trim());
        }
        before = Some(character);
    }
    (line, "")
}

fn cut(text: &str, longest: usize) -> &str {
    let end = (0..=longest.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}
