//! What is reported of entries that cannot be read.

use std::fmt;
use std::sync::Arc;

use crate::format::RowError;
use crate::pattern::PatternError;

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
pub(super) enum Problem {
    Pattern(PatternError),
    Row(RowError),
    Full,
    TooManyFiles,
    TooManyExpressions,
    More { entries: usize },
}

impl ListError {
    pub(super) fn new(file: &str, line: Line, problem: Problem) -> Self {
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

    /// Returns what stands there, cut short when it is long; in a file, as far as it begins as a number does.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.problem {
            Problem::Pattern(error) => error.found(),
            Problem::Row(error) => error.text(),
            Problem::Full | Problem::TooManyFiles | Problem::TooManyExpressions | Problem::More { .. } => "",
        }
    }

    /// Returns what was expected instead, and what came, without the place.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.problem {
            Problem::Pattern(error) => error.to_string(),
            Problem::Row(error) => error.message(),
            Problem::Full => format!("expected at most {MOST_ENTRIES} entries, found more"),
            Problem::TooManyFiles => format!("expected at most {INLINE} files in one list, found more"),
            Problem::TooManyExpressions => {
                format!(
                    "expected at most {MOST_EXPRESSIONS} expressions in one list, found more or larger ones"
                )
            }
            Problem::More { entries } => format!("{entries} more entries cannot be read"),
        }
    }

    /// Returns what was expected instead.
    #[must_use]
    pub fn expected(&self) -> &'static str {
        match &self.problem {
            Problem::Pattern(error) => error.expected(),
            Problem::Row(error) => error.expected(),
            Problem::Full => "fewer entries",
            Problem::TooManyFiles => "fewer files",
            Problem::TooManyExpressions => "fewer expressions",
            Problem::More { .. } => "entries that can be read",
        }
    }

    /// Returns what to write instead, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            Problem::Pattern(error) => error.hint(),
            Problem::Row(error) => error.hint().map(str::to_owned),
            Problem::TooManyExpressions => Some(
                "most are written as beginnings, such as `+4179*`, of which there may be millions".to_owned(),
            ),
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

/// Where an entry begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) file: u16,
    pub(super) number: u32,
    pub(super) column: usize,
    /// Whether it is a record, of which several may say the same.
    pub(super) is_record: bool,
}

/// Stands for no file.
pub(super) const INLINE: u16 = u16::MAX;

/// Larger lists are compiled, not read.
pub(super) const MOST_ENTRIES: usize = 20_000_000;

/// A look-up takes one step a digit for all of them, or for each when they do not fit together.
pub(super) const MOST_EXPRESSIONS: usize = 256;
