//! Lists of `FreeSWITCH`'s `mod_blacklist`: one number a line, and nothing else.

use std::fmt;

use super::error::RowError;
use super::lines::Lines;
use super::row::Row;
use super::write::full_number;

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
                Ok(text) => text.trim(),
                Err(error) => return Some(Err(error)),
            };
            // The module has no comments, but an entry that begins so matches no caller either.
            if !text.is_empty() && !text.starts_with('#') {
                return Some(Ok(Row::new(text).at(line.number)));
            }
        }
    }
}

/// Writes a row. The module compares whole strings: beginnings of numbers are left out.
pub(super) fn write(row: &Row<'_>, to: &mut dyn fmt::Write) -> Result<bool, fmt::Error> {
    match full_number(&row.number) {
        Some(number) => writeln!(to, "{number}").map(|()| true),
        None => Ok(false),
    }
}
