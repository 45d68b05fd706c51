//! Records and their fields (RFC 4180), as they lie in memory.
//!
//! The delimiter is the one of `,`, `;` and tab that the first line has most of. A field between quotes
//! may go over several lines. Where its second quote is missing, that would be the rest of the file:
//! then only the line is given up, and reading goes on with the next one.

use std::borrow::Cow;

use crate::format::error::{RowError, RowFault, column_of};
use crate::format::lines::{LONGEST, after_mark};

#[derive(Debug)]
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The line that `at` is on, and where it begins.
    line: u32,
    line_start: usize,
    delimiter: u8,
    /// How often a quote that does not end may still be read past a second time.
    retries: u32,
}

/// One field of a record, as it stands there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    bytes: &'a [u8],
    has_quotes: bool,
    line: u32,
    /// The line it begins on, and which of its bytes it is.
    context: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let start = after_mark(bytes);
        let mut records =
            Self { bytes, at: start, line: 1, line_start: start, delimiter: b',', retries: RETRIES };
        records.delimiter = match line_at(bytes, start) {
            // How Excel is told the delimiter.
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] if DELIMITERS.contains(delimiter) => {
                records.skip_line();
                *delimiter
            }
            first => sniff(first),
        };
        records
    }

    /// Returns how many bytes have been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Reads no more.
    pub(super) fn finish(&mut self) {
        self.at = self.bytes.len();
    }

    /// Reads the next record that is not empty. `None` when there is no more.
    pub(super) fn read(&mut self, fields: &mut Vec<Field<'a>>) -> Option<Result<(), RowError>> {
        loop {
            if self.at >= self.bytes.len() {
                return None;
            }
            fields.clear();
            if let Err(error) = self.read_fields(fields) {
                return Some(Err(error));
            }
            if fields.iter().any(|field| !field.bytes.trim_ascii().is_empty()) {
                return Some(Ok(()));
            }
        }
    }

    fn read_fields(&mut self, fields: &mut Vec<Field<'a>>) -> Result<(), RowError> {
        let start = self.at;
        loop {
            let is_last = self.read_field(start, fields)?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Reads one field, and returns whether it is the last one of its record.
    fn read_field(&mut self, start: usize, fields: &mut Vec<Field<'a>>) -> Result<bool, RowError> {
        let spaces = self.bytes[self.at..].iter().take_while(|byte| **byte == b' ').take(LONGEST).count();
        let field = Field {
            bytes: &[],
            has_quotes: false,
            line: self.line,
            context: &self.bytes[self.line_start..],
            at: self.at + spaces - self.line_start,
        };
        if self.bytes.get(self.at + spaces) == Some(&b'"') {
            let (from, until) = self.read_quoted(start, field)?;
            let bytes = &self.bytes[from..until];
            fields.push(Field { bytes, has_quotes: bytes.contains(&b'"'), ..field });
        } else {
            let window = self.window(start);
            let length = window.iter().position(|byte| *byte == self.delimiter || *byte == b'\n');
            let Some(length) = length.or_else(|| self.ends(window).then_some(window.len())) else {
                self.skip_line();
                return Err(field.error(RowFault::TooLong));
            };
            fields.push(Field { bytes: &window[..length], ..field });
            self.at += length;
        }
        Ok(self.take_delimiter())
    }

    /// Reads a field between quotes, and returns where it begins and ends.
    fn read_quoted(&mut self, start: usize, field: Field<'a>) -> Result<(usize, usize), RowError> {
        let open = self.line_start + field.at;
        let (line, line_start) = (self.line, self.line_start);
        self.at = open + 1;
        loop {
            let window = self.window(start);
            let Some(length) = window.iter().position(|byte| matches!(byte, b'"' | b'\n')) else {
                self.give_up(line, line_start, window.len());
                return Err(field.error(RowFault::OpenQuote));
            };
            self.at += length + 1;
            if window[length] == b'\n' {
                self.line = self.line.saturating_add(1);
                self.line_start = self.at;
            } else if self.bytes.get(self.at) == Some(&b'"') {
                self.at += 1;
            } else {
                break;
            }
        }
        let until = self.at - 1;
        let rest = self.window(start);
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\r')).count();
        match self.bytes.get(self.at) {
            None | Some(b'\n') => Ok((open + 1, until)),
            Some(byte) if *byte == self.delimiter => Ok((open + 1, until)),
            Some(_) if self.line != line => {
                // The quote that was missing above has been found in a line below.
                self.give_up(line, line_start, 0);
                Err(field.error(RowFault::OpenQuote))
            }
            Some(_) => {
                let line = &self.bytes[self.line_start..];
                let at = self.at - self.line_start;
                let error = Field { line: self.line, context: line, at, ..field }.error(RowFault::AfterQuote);
                self.skip_line();
                Err(error)
            }
        }
    }

    /// Steps over what ends a field, and returns whether it ends its record too.
    fn take_delimiter(&mut self) -> bool {
        match self.bytes.get(self.at) {
            Some(b'\n') => {
                self.skip_line();
                true
            }
            Some(_) => {
                self.at += 1;
                // A delimiter at the very end has one more field behind it, which is empty.
                self.at >= self.bytes.len()
            }
            None => true,
        }
    }

    /// Goes to the line after the one on which a quote was opened, or, when that has happened too often
    /// in this file, on from here.
    fn give_up(&mut self, line: u32, line_start: usize, read: usize) {
        if self.retries > 0 {
            self.retries -= 1;
            (self.line, self.line_start, self.at) = (line, line_start, line_start);
        } else {
            self.at += read;
        }
        self.skip_line();
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |length| length + 1);
        self.line = self.line.saturating_add(1);
        self.line_start = self.at;
    }

    /// Returns what may belong to the record that begins at `start`.
    fn window(&self, start: usize) -> &'a [u8] {
        &self.bytes[self.at..(start + LONGEST).clamp(self.at, self.bytes.len())]
    }

    /// Returns whether a part of the file goes to its end.
    fn ends(&self, window: &[u8]) -> bool {
        self.at + window.len() == self.bytes.len()
    }
}

impl<'a> Field<'a> {
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// Returns the field as text, its quotes taken off.
    pub(super) fn text(&self) -> Result<Cow<'a, str>, RowError> {
        let text = std::str::from_utf8(self.bytes).map_err(|error| {
            let at = self.at + error.valid_up_to();
            Self { at, ..*self }.error(RowFault::NotUtf8)
        })?;
        if text.contains('\0') {
            return Err(self.error(RowFault::Nul));
        }
        let text = text.strip_suffix('\r').unwrap_or(text);
        Ok(if self.has_quotes { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) })
    }

    /// Makes an error of this field.
    pub(super) fn error(&self, fault: RowFault) -> RowError {
        let line = line_at(self.context, 0);
        RowError::new(self.line, column_of(line, self.at), &line[self.at.min(line.len())..], fault)
    }
}

/// Returns the delimiter that a line has most of outside of quotes.
fn sniff(line: &[u8]) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut is_quoted = false;
    for byte in line {
        match DELIMITERS.iter().position(|delimiter| delimiter == byte) {
            Some(index) if !is_quoted => counts[index] += 1,
            _ => is_quoted ^= *byte == b'"',
        }
    }
    // The first one of those that are as frequent.
    let most = (0..DELIMITERS.len()).rev().max_by_key(|index| counts[*index]).unwrap_or(0);
    DELIMITERS[most]
}

/// Returns the line that begins at a byte, without its end, and not more of it than a row has.
fn line_at(bytes: &[u8], start: usize) -> &[u8] {
    let line = &bytes[start.min(bytes.len())..];
    let line = &line[..line.len().min(LONGEST)];
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

const DELIMITERS: [u8; 3] = *b",;\t";

/// Enough for a file that somebody wrote. A file that was made to be slow is read once.
const RETRIES: u32 = 64;
