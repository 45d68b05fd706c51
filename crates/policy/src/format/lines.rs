//! The lines of a list, as they lie in memory.

use super::error::{RowError, RowFault, column_of};

/// The lines of a list, without their ends, and without a byte order mark.
#[derive(Debug, Clone)]
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    number: u32,
}

/// One line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) number: u32,
    pub(super) bytes: &'a [u8],
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: after_mark(bytes), number: 0 }
    }

    /// Returns how many bytes have been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Returns the first byte of the next line, if there is one.
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        self.at = (self.at + length + 1).min(self.bytes.len());
        self.number = self.number.saturating_add(1);
        let bytes = &rest[..length];
        Some(Line { number: self.number, bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes) })
    }
}

impl<'a> Line<'a> {
    /// Returns the line as text, if it is text, and not a book.
    pub(super) fn text(self) -> Result<&'a str, RowError> {
        if self.bytes.len() > LONGEST {
            return Err(self.error(RowFault::TooLong, LONGEST));
        }
        match std::str::from_utf8(self.bytes) {
            Ok(text) => match text.find('\0') {
                Some(at) => Err(self.error(RowFault::Nul, at)),
                None => Ok(text),
            },
            Err(error) => Err(self.error(RowFault::NotUtf8, error.valid_up_to())),
        }
    }

    /// Makes an error of this line, at one of its bytes.
    pub(super) fn error(self, fault: RowFault, at: usize) -> RowError {
        RowError::new(self.number, column_of(self.bytes, at), self.bytes, fault)
    }
}

/// Returns where a text begins behind the mark that some programs put before it.
pub(super) fn after_mark(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
}

/// Many times what a number, a name and a remark need.
pub(super) const LONGEST: usize = 64 * 1024;
