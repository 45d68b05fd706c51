//! The `blacklist` family of Asterisk's database.
//!
//! What `asterisk -rx 'database show blacklist'` prints is read, and so are the commands that fill the
//! family, `database put blacklist NUMBER "REASON"`, which are what is written. Other families are
//! passed over: `database show` prints all of them.

use std::borrow::Cow;
use std::fmt;

use super::error::{RowError, RowFault};
use super::lines::{Line, Lines};
use super::row::Row;
use super::write::{full_number, write_quoted};

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
            match read(line) {
                Ok(Some(row)) => return Some(Ok(row)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn read(line: Line<'_>) -> Result<Option<Row<'_>>, RowError> {
    let text = line.text()?.trim();
    if let Some(entry) = text.strip_prefix(FAMILY) {
        let (key, value) = entry.split_once(": ").or_else(|| entry.split_once(':')).unwrap_or((entry, ""));
        return Ok(row(key.trim(), Cow::Borrowed(value.trim()), line.number));
    }
    if let Some(entry) = text.strip_prefix("database put blacklist ") {
        let (key, value) = entry.trim_start().split_once(' ').unwrap_or((entry.trim_start(), ""));
        return Ok(row(key.trim_matches('"'), unquoted(value.trim()), line.number));
    }
    let is_passed_over = text.is_empty() || text.starts_with('/') || is_count(text);
    if is_passed_over { Ok(None) } else { Err(line.error(RowFault::Database, 0)) }
}

/// What the entries of the family begin with.
pub(super) const FAMILY: &str = "/blacklist/";

fn row<'a>(key: &'a str, value: Cow<'a, str>, line: u32) -> Option<Row<'a>> {
    match key {
        // FreePBX keeps its switches among the numbers: where calls go, and whether the withheld are
        // refused.
        "dest" => None,
        "blocked" => (value == "1").then(|| Row::new("anonymous").at(line)),
        // Who gives no reason puts a 1.
        _ if value == "1" => Some(Row::new(key).at(line)),
        _ => Some(Row::new(key).named(value).at(line)),
    }
}

/// "12 results found."
fn is_count(text: &str) -> bool {
    text.strip_suffix("results found.")
        .is_some_and(|count| count.trim().bytes().all(|byte| byte.is_ascii_digit()))
}

fn unquoted(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut is_escaped = false;
    let kept = inner.chars().filter(|c| {
        is_escaped = *c == '\\' && !is_escaped;
        !is_escaped
    });
    Cow::Owned(kept.collect())
}

/// Writes a row as the command that adds it. The family holds whole numbers: beginnings are left out.
pub(super) fn write(row: &Row<'_>, to: &mut dyn fmt::Write) -> Result<bool, fmt::Error> {
    let number = match (&*row.number, full_number(&row.number)) {
        ("anonymous", _) => return to.write_str("database put blacklist blocked \"1\"\n").map(|()| true),
        (_, Some(number)) => number,
        (_, None) => return Ok(false),
    };
    write!(to, "database put blacklist {number} ")?;
    write_quoted(row.name.as_deref().unwrap_or("1"), to)?;
    to.write_char('\n')?;
    Ok(true)
}
