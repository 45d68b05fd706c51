//! What is wrong with a row: where it stands, what was expected, and what came.

use std::fmt;

use super::lines::LONGEST;
use crate::printable::{numeric, printable};

/// A row that cannot be read.
///
/// ```
/// use ringfence_policy::{Columns, Format};
///
/// let mut rows = Format::Csv(Columns::default()).read(b"number,name\n0791234567,\"Wine\n");
/// let error = rows.next().expect("one row").unwrap_err();
/// assert_eq!((error.line(), error.column()), (2, 12));
/// assert_eq!(error.to_string(), "2:12: expected a quote that ends this field, found `\"Wine`");
/// assert_eq!(error.hint(), Some("a quote inside of a field is written twice"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowError {
    line: u32,
    column: u32,
    text: Box<str>,
    fault: RowFault,
}

/// What is wrong with a row.
///
/// ```
/// use ringfence_policy::{Format, RowFault};
///
/// let error = Format::Text.read(b"caf\xe9\n").next().expect("one row").unwrap_err();
/// assert_eq!(error.fault(), RowFault::NotUtf8);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowFault {
    /// It is longer than any row is.
    TooLong,
    /// It is no UTF-8.
    NotUtf8,
    /// It is in UTF-16.
    Utf16,
    /// It has a zero byte in it.
    Nul,
    /// A quote begins a field, and none ends it.
    OpenQuote,
    /// Something follows the quote that ends a field.
    AfterQuote,
    /// It has no field where the number should be.
    NoField {
        /// How many fields it has.
        found: usize,
        /// Which field the number is, counted from 1.
        number: usize,
    },
    /// The first line does not name a column that is known to hold numbers.
    NoNumberColumn,
    /// The first line has no column of the name that was asked for.
    NoSuchColumn,
    /// The time at which it ends cannot be read.
    Until,
    /// It matches names, and a list holds numbers.
    Name,
    /// It is an expression that stands for no number and no beginning of numbers.
    Expression,
    /// It is no property of a card.
    Property,
    /// It stands outside of any card.
    OutsideCard,
    /// The card before it has no end.
    OpenCard,
    /// The card has more numbers than any has.
    CrowdedCard,
    /// It is in the quoted-printable encoding of vCard 2.1.
    QuotedPrintable,
    /// It is in a character set that is not UTF-8.
    Charset,
    /// It is no entry of callblocker's.
    Entry,
    /// There is no array of entries.
    NoEntries,
    /// The text ends in the middle.
    Cut,
    /// It is no line of Asterisk's database.
    Database,
}

impl RowError {
    /// Makes an error. Of `text`, what stands there and behind it, so much is kept as recognises it.
    pub(super) fn new(line: u32, column: u32, text: &[u8], fault: RowFault) -> Self {
        // No character is longer than four bytes.
        let text = String::from_utf8_lossy(&text[..text.len().min(4 * LONGEST_TEXT)]);
        let text = text.trim_start().lines().next().unwrap_or_default();
        let text: String = text.trim().chars().take(LONGEST_TEXT).collect();
        Self { line, column, text: text.into(), fault }
    }

    /// Returns the error as it is told of a file that may be no list at all: of what stands there no more than begins
    /// as a number does.
    #[must_use]
    pub fn without_words(self) -> Self {
        Self { text: numeric(&self.text).into(), ..self }
    }

    /// Returns the line, counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Returns the character in the line, counted from 1.
    #[must_use]
    pub fn column(&self) -> u32 {
        self.column
    }

    /// Returns what stands there: at most 80 characters of the line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn fault(&self) -> RowFault {
        self.fault
    }

    /// Returns what was expected instead.
    #[must_use]
    pub fn expected(&self) -> &'static str {
        match self.fault {
            RowFault::TooLong => "at most 64 KiB in one row",
            RowFault::NotUtf8 | RowFault::Utf16 => "UTF-8 text",
            RowFault::Nul => "text without zero bytes",
            RowFault::OpenQuote => "a quote that ends this field",
            RowFault::AfterQuote => "a delimiter or the end of the line behind the quote",
            RowFault::NoField { .. } => "a field with the number",
            RowFault::NoNumberColumn => "names of columns, one of them for the numbers",
            RowFault::NoSuchColumn => "a column of the name that was asked for",
            RowFault::Until => "a time such as 2026-12-31 or 2026-12-31T18:00:00Z",
            RowFault::Name => "a number, not a name",
            RowFault::Expression => "a number, or `^` and the beginning of numbers",
            RowFault::Property => "a property such as `TEL:+41791234567`",
            RowFault::OutsideCard => "`BEGIN:VCARD`",
            RowFault::OpenCard => "`END:VCARD`",
            RowFault::CrowdedCard => "at most 200 numbers on one card",
            RowFault::QuotedPrintable => "UTF-8 text, as of vCard 3.0 on",
            RowFault::Charset => "the character set UTF-8",
            RowFault::Entry => "an object with `number` and `name`, both between quotes",
            RowFault::NoEntries => "an object with an array `entries`",
            RowFault::Cut => "the end of the array, `]`",
            RowFault::Database => "`/blacklist/NUMBER : REASON`",
        }
    }

    /// Returns what to do about it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self.fault {
            RowFault::NotUtf8 => "iconv -f latin1 -t utf-8 converts an old list",
            RowFault::Utf16 => "iconv -f utf-16 -t utf-8 converts it",
            RowFault::OpenQuote | RowFault::AfterQuote => "a quote inside of a field is written twice",
            RowFault::NoNumberColumn | RowFault::NoSuchColumn => {
                "name the column of the numbers, or count it: number_column = \"3\""
            }
            RowFault::Name => "a rule matches names: when = { name = … }",
            RowFault::Expression => "write what it means as an entry of a text file, such as +4179* or /…/",
            RowFault::QuotedPrintable => "export it as vCard 3.0 or 4.0; the numbers of the card are read",
            RowFault::Charset => "export it as vCard 3.0 or 4.0 in UTF-8; the numbers of the card are read",
            RowFault::Cut => "fetch it again: what stands before is read",
            RowFault::TooLong
            | RowFault::Nul
            | RowFault::NoField { .. }
            | RowFault::Until
            | RowFault::Property
            | RowFault::OutsideCard
            | RowFault::OpenCard
            | RowFault::CrowdedCard
            | RowFault::Entry
            | RowFault::NoEntries
            | RowFault::Database => return None,
        })
    }

    /// Returns what was expected and what came, without the place.
    #[must_use]
    pub fn message(&self) -> String {
        let text = printable(&self.text);
        if let RowFault::NoField { found, number } = self.fault {
            let s = if found == 1 { "" } else { "s" };
            return format!("expected the number in field {number}, found {found} field{s}: `{text}`");
        }
        if self.fault == RowFault::Cut {
            return format!("expected {}, found the end of the file", self.expected());
        }
        format!("expected {}, found `{text}`", self.expected())
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message())
    }
}

impl std::error::Error for RowError {}

/// Returns the character of a line that a byte of it is, counted from 1. Far into a line that is as long
/// as a file, it is the byte.
pub(super) fn column_of(line: &[u8], at: usize) -> u32 {
    let before = if at > LONGEST { at } else { characters(&line[..at.min(line.len())]) };
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

/// Counts characters; of one of several bytes, the first is counted.
pub(super) fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// Enough to find a row by.
const LONGEST_TEXT: usize = 80;
