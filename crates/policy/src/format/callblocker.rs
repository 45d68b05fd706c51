//! The JSON of callblocker: `{"name": …, "entries": [{"number": …, "name": …, "date_created": …}]}`.
//!
//! A bare array is read too, of such objects or of numbers. Each entry is found by its brackets and read
//! alone, so that a list of any length takes no more memory than an entry, and an entry that is no JSON
//! costs only itself: callblocker writes names without escaping the quotes in them.
//!
//! In callblocker a number means every number that begins so. A complete one is one number; what is too
//! short for its numbering plan becomes a beginning: `+4144888` is read as `+4144888*`.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use super::date;
use super::error::{RowError, RowFault, characters, column_of};
use super::lines::{LONGEST, after_mark};
use super::row::Row;
use super::write::{beginning, full_number, plain};
use crate::number::E164;

#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
    line_start: usize,
    /// A byte of the line, and which character it is: counting goes on from here.
    counted: (usize, usize),
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Entries,
    End,
}

#[derive(Debug, Deserialize)]
struct Entry<'a> {
    #[serde(borrow, alias = "phone")]
    number: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    date_created: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    until: Option<Cow<'a, str>>,
    #[serde(default, alias = "votes")]
    count: Option<u32>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let at = after_mark(bytes);
        Self { bytes, at, line: 1, line_start: at, counted: (at, 0), state: State::Start }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Goes to the first entry.
    fn find_entries(&mut self) -> Result<(), RowError> {
        let error = self.error(self.at, RowFault::NoEntries);
        match self.next_token() {
            Some(b'[') => {
                self.at += 1;
                return Ok(());
            }
            Some(b'{') => self.at += 1,
            Some(_) | None => return Err(error),
        }
        loop {
            match self.next_token() {
                Some(b',') => self.at += 1,
                Some(b'"') => {
                    let key = self.take_value();
                    if self.next_token() == Some(b':') {
                        self.at += 1;
                    }
                    if self.next_token() == Some(b'[') && key == br#""entries""# {
                        self.at += 1;
                        return Ok(());
                    }
                    self.take_value();
                }
                Some(b'}') | None => return Err(error),
                Some(_) => {
                    self.take_value();
                }
            }
        }
    }

    /// Reads the next entry. `None` behind the last one.
    fn read_entry(&mut self) -> Option<Result<Row<'a>, RowError>> {
        loop {
            match self.next_token() {
                Some(b',') => self.at += 1,
                Some(b']') => return None,
                None => return Some(Err(self.error(self.at, RowFault::Cut))),
                Some(_) => break,
            }
        }
        let (line, from) = (self.line, self.at);
        let characters_before = self.characters_before(from);
        let entry = self.take_value();
        let at = |at: usize, fault| {
            let lines = entry[..at].split(|byte| *byte == b'\n').count() - 1;
            let start = entry[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let before = if start == 0 { characters_before } else { 0 };
            let column = u32::try_from(before + characters(&entry[start..at]) + 1).unwrap_or(u32::MAX);
            let line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            RowError::new(line, column, &self.bytes[from + at..], fault)
        };
        if entry.len() > LONGEST {
            return Some(Err(at(0, RowFault::TooLong)));
        }
        Some(row(entry, line).map_err(|(fault, offset)| at(offset, fault)))
    }

    /// Returns how many characters stand before a byte in its line. No byte is counted twice, so that an
    /// error in each entry of a line that is as long as a file costs no more than that.
    fn characters_before(&mut self, at: usize) -> usize {
        let (from, known) =
            if self.counted.0 < self.line_start { (self.line_start, 0) } else { self.counted };
        let count = known + characters(&self.bytes[from..at]);
        self.counted = (at, count);
        count
    }

    /// Steps over spaces, and returns what stands behind them.
    fn next_token(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => self.take_line_end(),
                b' ' | b'\t' | b'\r' => self.at += 1,
                _ => return Some(*byte),
            }
        }
        None
    }

    /// Steps over a value, by its brackets and quotes, and returns it as it is written. At least one
    /// byte is taken, unless there is none.
    fn take_value(&mut self) -> &'a [u8] {
        let from = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => self.take_string(),
                b'\n' => self.take_line_end(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                // What ends the array or the object around it ends a bare word too.
                b'}' | b']' | b',' | b':' if depth == 0 => {
                    self.at += usize::from(self.at == from);
                    break;
                }
                _ => self.at += 1,
            }
            let is_scalar = !matches!(self.bytes[from], b'{' | b'[' | b'"');
            if depth == 0 && !is_scalar {
                break;
            }
        }
        &self.bytes[from..self.at]
    }

    /// Steps over a text between quotes. It ends with its line at the latest, as JSON demands, so that a
    /// quote too many does not swallow the rest.
    fn take_string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => return,
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' if self.bytes.get(self.at + 1).is_some_and(|next| *next != b'\n') => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    fn take_line_end(&mut self) {
        self.at += 1;
        self.line = self.line.saturating_add(1);
        self.line_start = self.at;
    }

    fn error(&self, at: usize, fault: RowFault) -> RowError {
        let column = column_of(&self.bytes[self.line_start..], at - self.line_start);
        RowError::new(self.line, column, &self.bytes[at..], fault)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Row<'a>, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Start {
            self.state = State::Entries;
            if let Err(error) = self.find_entries() {
                self.state = State::End;
                self.at = self.bytes.len();
                return Some(Err(error));
            }
        }
        if self.state == State::End {
            return None;
        }
        let is_cut =
            |row: &Result<Row<'_>, RowError>| row.as_ref().is_err_and(|error| error.fault() == RowFault::Cut);
        let row = self.read_entry();
        if row.as_ref().is_none_or(is_cut) {
            self.state = State::End;
            self.at = self.bytes.len();
        }
        row
    }
}

/// Reads an entry, or returns what is wrong with it, and at which byte of it.
fn row(entry: &[u8], line: u32) -> Result<Row<'_>, (RowFault, usize)> {
    let entry = if entry.starts_with(b"\"") {
        let number = serde_json::from_slice(entry).map_err(|error| wrong(entry, &error))?;
        Entry { number, name: None, date_created: None, until: None, count: None }
    } else {
        serde_json::from_slice(entry).map_err(|error| wrong(entry, &error))?
    };
    let name = entry.name.unwrap_or_default();
    if entry.number.trim().is_empty() && !name.trim().is_empty() {
        // Such an entry matches names.
        return Err((RowFault::Name, 0));
    }
    let until = entry.until.filter(|until| !until.trim().is_empty());
    let until = until.map(|until| date::parse(&until).ok_or((RowFault::Until, 0))).transpose()?;
    Ok(Row {
        date: entry.date_created.and_then(|date| date::parse(&date)),
        until,
        weight: entry.count.unwrap_or(1),
        ..Row::new(pattern(entry.number)).named(name).at(line)
    })
}

/// Returns at which byte of an entry it ceases to be one.
fn wrong(entry: &[u8], error: &serde_json::Error) -> (RowFault, usize) {
    if std::str::from_utf8(entry).is_err() {
        return (RowFault::NotUtf8, 0);
    }
    let mut starts = entry.split_inclusive(|byte| *byte == b'\n').scan(0, |start, line| {
        *start += line.len();
        Some(*start - line.len())
    });
    let start = starts.nth(error.line().saturating_sub(1)).unwrap_or(0);
    let at = (start + error.column().saturating_sub(1)).min(entry.len());
    // Of a word or a number, the end is told.
    let word =
        entry[..at].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    (RowFault::Entry, at - word.count())
}

/// Returns the pattern that a number of callblocker's means.
fn pattern(number: Cow<'_, str>) -> Cow<'_, str> {
    let is_complete = full_number(&number)
        .and_then(|number| number[1..].parse().ok())
        .and_then(E164::new)
        .is_some_and(|number| number.fault().is_none());
    let is_digits = number.strip_prefix('+').is_some_and(|digits| {
        (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    if is_digits && !is_complete { Cow::Owned(format!("{number}*")) } else { number }
}

pub(super) fn begin(list: &str, to: &mut dyn fmt::Write) -> fmt::Result {
    to.write_str("{\n  \"name\": ")?;
    write_json(list, to)?;
    to.write_str(",\n  \"entries\": [")
}

/// Writes an entry. Numbers and beginnings of numbers are all there is.
pub(super) fn write(row: &Row<'_>, is_first: bool, to: &mut dyn fmt::Write) -> Result<bool, fmt::Error> {
    let Some(number) = beginning(&row.number).or_else(|| full_number(&row.number)) else {
        return Ok(false);
    };
    if pattern(Cow::Borrowed(number)) != row.number {
        // A beginning that is a number, or a number that is a beginning.
        return Ok(false);
    }
    write!(to, "{}    {{ \"number\": \"{number}\", \"name\": ", if is_first { "\n" } else { ",\n" })?;
    write_json(row.name.as_deref().unwrap_or_default(), to)?;
    if let Some(date) = row.date {
        write!(to, ", \"date_created\": \"{}\"", date.strftime("%Y-%m-%d %H:%M:%S +0000"))?;
    }
    if let Some(until) = row.until {
        write!(to, ", \"until\": \"{until}\"")?;
    }
    if row.weight != 1 {
        write!(to, ", \"count\": {}", row.weight)?;
    }
    to.write_str(" }")?;
    Ok(true)
}

pub(super) fn end(is_empty: bool, to: &mut dyn fmt::Write) -> fmt::Result {
    to.write_str(if is_empty { "]\n}\n" } else { "\n  ]\n}\n" })
}

fn write_json(text: &str, to: &mut dyn fmt::Write) -> fmt::Result {
    to.write_char('"')?;
    for c in plain(text) {
        if matches!(c, '"' | '\\') {
            to.write_char('\\')?;
        }
        to.write_char(c)?;
    }
    to.write_char('"')
}
