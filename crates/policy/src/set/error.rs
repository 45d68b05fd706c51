//! What is wrong with a compiled list, and at which byte.

use thiserror::Error;

use super::MOST_NUMBERS;
use super::layout::VERSION;
use super::writer::MOST_OTHERS;

/// Why a compiled list cannot be opened, or is not what was written: at which byte, what was
/// expected, what was found.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::Set;
///
/// let error = Set::open(Arc::new("number,description\n".repeat(9))).unwrap_err();
/// assert_eq!(error.to_string(), "byte 0: expected a compiled list, found something else");
/// assert_eq!(error.hint(), "make one with `ringfence list compile`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("byte {offset}: {problem}")]
pub struct SetError {
    offset: u64,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Problem {
    #[error("expected a compiled list, found something else")]
    Foreign,
    #[error("expected version {VERSION} of the form, found version {found}")]
    Version { found: u16 },
    #[error("expected {expected} bytes in all, found {found}")]
    Length { expected: u64, found: u64 },
    #[error("expected the checksum {expected:08x}, found {found:08x}")]
    Checksum { expected: u32, found: u32 },
    #[error("expected {what}, found {found}")]
    Value { what: &'static str, found: u64 },
    #[error("expected {what} in UTF-8, found other bytes")]
    Text { what: &'static str },
    #[error("expected a number above the one before it, found {found}")]
    Order { found: u64 },
    #[error("expected a number of 5 to 15 digits, found {found}")]
    Number { found: u64 },
    #[error("expected a filter that lets all numbers pass, found one that withholds some")]
    Filter,
}

impl SetError {
    pub(super) fn new(offset: usize, problem: Problem) -> Self {
        Self { offset: offset as u64, problem }
    }

    /// Returns where in the file it stands, counted in bytes from 0.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.problem {
            Problem::Foreign => "make one with `ringfence list compile`",
            Problem::Version { .. } => "compile it again with this version of ringfence",
            Problem::Length { .. }
            | Problem::Checksum { .. }
            | Problem::Value { .. }
            | Problem::Text { .. }
            | Problem::Order { .. }
            | Problem::Number { .. }
            | Problem::Filter => "the file is damaged: copy or compile it again",
        }
    }
}

/// Why no more can be added to a compiled list.
///
/// ```
/// use ringfence_policy::SetFull;
///
/// assert_eq!(SetFull::Numbers.to_string(), "expected at most 100000000 numbers in a compiled list, found more");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SetFull {
    /// There are too many numbers.
    #[error("expected at most {MOST_NUMBERS} numbers in a compiled list, found more")]
    Numbers,
    /// There are too many entries that are no full numbers.
    #[error("expected at most {MOST_OTHERS} bytes of entries that are no full numbers, found more")]
    Others,
}
