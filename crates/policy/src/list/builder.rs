//! Reading lists, and reporting what cannot be read.

use std::fmt;
use std::sync::Arc;

use super::key::Key;
use super::{List, Place};
use crate::number::{Prefix, Region};
use crate::pattern::{Pattern, PatternError};

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
///     "spam.txt:2:1: expected a number or a word such as `anonymous`, found `555 x`"
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
            inline: 0,
            errors: Vec::new(),
            unreported: 0,
        }
    }

    /// Adds one entry that stands in no file.
    pub fn inline(&mut self, pattern: &str, region: Region) {
        self.inline += 1;
        let origin = Line { file: INLINE, number: self.inline, column: 1 };
        self.entry(pattern, "", origin, region);
    }

    /// Adds the entries of a text file, one a line.
    ///
    /// Empty lines do not count. A `#` at the beginning of a line, or after a space, begins a
    /// comment; a comment beside an entry is its note.
    pub fn text(&mut self, file: &str, text: &str, region: Region) {
        let Ok(index) = u16::try_from(self.files.len()) else {
            return self.report(ListError::new(
                file,
                Line { file: INLINE, number: 0, column: 1 },
                Problem::TooManyFiles,
            ));
        };
        self.files.push(file.into());
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in (1..).zip(text.lines()) {
            let (entry, note) = split_comment(line);
            let pattern = entry.trim();
            if pattern.is_empty() {
                continue;
            }
            let indent = entry[..entry.len() - entry.trim_start().len()].chars().count();
            self.entry(pattern, note, Line { file: index, number, column: indent + 1 }, region);
        }
    }

    /// Makes the list, and returns it with what could not be read.
    #[must_use]
    pub fn build(mut self) -> (List, Vec<ListError>) {
        if self.unreported > 0 {
            let origin = Line { file: INLINE, number: 0, column: 1 };
            let problem = Problem::More { entries: self.unreported };
            self.errors.push(ListError::new(&self.name, origin, problem));
        }
        self.names.sort_by(|one, other| one.0.cmp(&other.0));
        let mut names: Vec<Box<str>> = Vec::new();
        for (name, place) in self.names {
            if names.last() != Some(&name) {
                names.push(name);
            }
            self.entries.push((Key::name(names.len() - 1), place));
        }
        // A stable sort: of entries that are the same, the first one written is kept.
        self.entries.sort_by_key(|(key, _)| *key);

        let mut list = List {
            name: self.name,
            files: self.files,
            texts: self.texts,
            keys: Vec::with_capacity(self.entries.len()),
            places: Vec::with_capacity(self.entries.len()),
            names,
            repeated: Vec::new(),
            prefix_lengths: [0; 2],
        };
        for (key, place) in self.entries {
            list.push(key, place);
        }
        (list, self.errors)
    }

    fn entry(&mut self, written: &str, note: &str, line: Line, region: Region) {
        match Pattern::parse(written, region) {
            Ok(pattern) => match self.place(written, note, line) {
                Some(place) => self.add(pattern, place),
                None => self.report_at(line, Problem::Full),
            },
            Err(error) => self.report_at(line, Problem::Pattern(error)),
        }
    }

    fn add(&mut self, pattern: Pattern, place: Place) {
        let key = match pattern {
            Pattern::Exact(number) => Key::exact(number),
            Pattern::Prefix(prefix) => Key::prefix(prefix),
            Pattern::Anonymous => Key::ANONYMOUS,
            Pattern::Unavailable => Key::UNAVAILABLE,
            Pattern::Invalid => Key::INVALID,
            Pattern::Name(name) => return self.names.push((name, place)),
        };
        self.entries.push((key, place));
    }

    /// Keeps what was written. `None` when the list is full.
    fn place(&mut self, written: &str, note: &str, line: Line) -> Option<Place> {
        let text = u32::try_from(self.texts.len()).ok()?;
        let entries = self.entries.len() + self.names.len();
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
        })
    }

    fn report_at(&mut self, line: Line, problem: Problem) {
        let file = self.files.get(usize::from(line.file)).map_or("inline", |file| &**file);
        let error = ListError::new(file, line, problem);
        self.report(error);
    }

    fn report(&mut self, error: ListError) {
        if self.errors.len() < MOST_ERRORS { self.errors.push(error) } else { self.unreported += 1 }
    }
}

impl List {
    fn push(&mut self, key: Key, place: Place) {
        if self.keys.last() == Some(&key) {
            // At most `MOST_ENTRIES`, which is far below what the index can count.
            let first = u32::try_from(self.keys.len() - 1).unwrap_or(u32::MAX);
            return self.repeated.push((first, place));
        }
        match key.pattern(&self.names) {
            Pattern::Prefix(Prefix::E164(digits)) => {
                self.prefix_lengths[0] |= 1 << crate::number::decimal_digits(digits);
            }
            Pattern::Prefix(Prefix::Internal(digits)) => self.prefix_lengths[1] |= 1 << digits.count(),
            Pattern::Exact(_)
            | Pattern::Anonymous
            | Pattern::Unavailable
            | Pattern::Invalid
            | Pattern::Name(_) => {}
        }
        self.keys.push(key);
        self.places.push(place);
    }
}

/// Where an entry begins.
#[derive(Debug, Clone, Copy)]
struct Line {
    file: u16,
    number: u32,
    column: usize,
}

/// Stands for no file.
const INLINE: u16 = u16::MAX;

/// Larger lists are compiled, not read.
const MOST_ENTRIES: usize = 20_000_000;

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

/// An entry that cannot be read: where it stands, what was expected, and what to write instead.
///
/// ```
/// use ringfence_policy::{List, Region};
///
/// let (_, errors) = List::parse_text("reject", "spam.txt", "555-0177", Region::parse("US")?);
/// let error = &errors[0];
/// assert_eq!((error.file(), error.line(), error.column()), ("spam.txt", 1, 1));
/// assert_eq!(error.text(), "555-0177");
/// assert_eq!(error.hint().as_deref(), Some("write all of it, beginning with +1"));
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListError {
    file: Arc<str>,
    line: u32,
    column: usize,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Pattern(PatternError),
    Full,
    TooManyFiles,
    More { entries: usize },
}

impl ListError {
    fn new(file: &str, line: Line, problem: Problem) -> Self {
        Self { file: file.into(), line: line.number, column: line.column, problem }
    }

    /// Returns the file, or `inline`.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the line, or which of the inline entries it is, counted from 1; 0 when it is about
    /// all of it.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Returns the character in the line, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns what stands there, cut short when it is long.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.problem {
            Problem::Pattern(error) => error.found(),
            Problem::Full | Problem::TooManyFiles | Problem::More { .. } => "",
        }
    }

    /// Returns what was expected instead, and what came, without the place.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.problem {
            Problem::Pattern(error) => error.to_string(),
            Problem::Full => format!("expected at most {MOST_ENTRIES} entries, found more"),
            Problem::TooManyFiles => format!("expected at most {INLINE} files in one list, found more"),
            Problem::More { entries } => format!("{entries} more entries cannot be read"),
        }
    }

    /// Returns what was expected instead.
    #[must_use]
    pub fn expected(&self) -> &'static str {
        match &self.problem {
            Problem::Pattern(error) => error.expected(),
            Problem::Full => "fewer entries",
            Problem::TooManyFiles => "fewer files",
            Problem::More { .. } => "entries that can be read",
        }
    }

    /// Returns what to write instead, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            Problem::Pattern(error) => error.hint(),
            Problem::Full | Problem::TooManyFiles | Problem::More { .. } => None,
        }
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message())
    }
}

impl std::error::Error for ListError {}
