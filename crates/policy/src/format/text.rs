//! Plain text: one entry a line, with its note behind a `#`.

use std::fmt;

use super::error::RowError;
use super::lines::Lines;
use super::row::Row;
use super::write::{is_one_line, write_one_line};

#[derive(Debug)]
pub(super) struct Reader<'a> {
    lines: Lines<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { lines: Lines::new(bytes) }
    }

    pub(super) fn position(&self) -> usize {
        self.lines.position()
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Row<'a>, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.lines.next()?;
            let text = match line.text() {
                Ok(text) => text,
                Err(error) => return Some(Err(error)),
            };
            let (entry, note) = split_comment(text);
            if !entry.trim().is_empty() {
                return Some(Ok(Row::new(entry.trim()).named(note).at(line.number)));
            }
        }
    }
}

/// Splits a line at its comment: a `#` that begins the line, or follows a space.
pub(super) fn split_comment(line: &str) -> (&str, &str) {
    let mut before = None;
    for (index, character) in line.char_indices() {
        if character == '#' && before.is_none_or(char::is_whitespace) {
            return (&line[..index], line[index + 1..].trim());
        }
        before = Some(character);
    }
    (line, "")
}

/// Writes a row. A pattern that would be read as a comment is left out.
pub(super) fn write(row: &Row<'_>, to: &mut dyn fmt::Write) -> Result<bool, fmt::Error> {
    if !is_one_line(&row.number) || split_comment(&row.number).0 != row.number {
        return Ok(false);
    }
    to.write_str(row.number.trim())?;
    if let Some(name) = &row.name {
        to.write_str("  # ")?;
        write_one_line(name, to)?;
    }
    to.write_char('\n')?;
    Ok(true)
}
