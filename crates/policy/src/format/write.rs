//! Writing a list, row after row.

use std::fmt;

use super::row::Row;
use super::{Format, asterisk, callblocker, csv, freeswitch, ncid, text, vcard};
use crate::number::MAX_DIGITS;

/// What was written of a list.
///
/// A row that a format cannot carry is left out, and counted:
///
/// | format | numbers | beginnings `+4179*` | other patterns | names | an end |
/// |---|---|---|---|---|---|
/// | text | yes | yes | yes | yes | |
/// | csv | yes | yes | yes | yes | yes |
/// | vcard | yes | | | yes | |
/// | callblocker | yes | yes | | yes | yes |
/// | ncid | yes | yes | `anonymous`, `unavailable` | yes | |
/// | freeswitch | yes | | | lost | |
/// | asterisk | yes | | `anonymous` | yes | |
///
/// An entry with an end is left out where it would stay for ever; internal numbers are so where they
/// could be taken for others.
///
/// ```
/// use ringfence_policy::{Format, Row};
///
/// let mut list = String::new();
/// let written = Format::FreeSwitch.write("reject", &[Row::new("+41791234567"), Row::new("anonymous")], &mut list)?;
/// assert_eq!((list.as_str(), written.left_out), ("+41791234567\n", 1));
/// # Ok::<(), std::fmt::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many rows were written.
    pub rows: u64,
    /// How many rows the format cannot carry.
    pub left_out: u64,
}

pub(super) fn write<'r, 'a: 'r, R>(
    format: &Format,
    list: &str,
    rows: R,
    to: &mut dyn fmt::Write,
) -> Result<Exported, fmt::Error>
where
    R: IntoIterator<Item = &'r Row<'a>> + Clone,
{
    let mut written = Exported::default();
    let mut csv = None;
    match format {
        Format::Csv(columns) => csv = Some(csv::Writer::begin(columns, rows.clone(), to)?),
        Format::CallBlocker => callblocker::begin(list, to)?,
        Format::Text | Format::VCard | Format::Ncid | Format::FreeSwitch | Format::Asterisk => {}
    }
    for row in rows {
        let is_written = match format {
            Format::Csv(_) => csv.as_ref().map_or(Ok(false), |csv| csv.write(row, to))?,
            Format::CallBlocker => callblocker::write(row, written.rows == 0, to)?,
            _ if row.until.is_some() => false,
            Format::Text => text::write(row, to)?,
            Format::VCard => vcard::write(row, to)?,
            Format::Ncid => ncid::write(row, to)?,
            Format::FreeSwitch => freeswitch::write(row, to)?,
            Format::Asterisk => asterisk::write(row, to)?,
        };
        if is_written { written.rows += 1 } else { written.left_out += 1 }
    }
    match format {
        Format::CallBlocker => callblocker::end(written.rows == 0, to)?,
        Format::Csv(_)
        | Format::Text
        | Format::VCard
        | Format::Ncid
        | Format::FreeSwitch
        | Format::Asterisk => {}
    }
    Ok(written)
}

/// Returns a pattern that is one full number.
pub(super) fn full_number(pattern: &str) -> Option<&str> {
    international(pattern).filter(|digits| digits.len() >= 5).map(|_| pattern)
}

/// Returns the beginning of the full numbers that a pattern means.
pub(super) fn beginning(pattern: &str) -> Option<&str> {
    let beginning = pattern.strip_suffix('*')?;
    international(beginning).map(|_| beginning)
}

fn international(pattern: &str) -> Option<&str> {
    let digits = pattern.strip_prefix('+')?;
    let is_written = (1..=MAX_DIGITS).contains(&digits.len());
    (is_written && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// Returns whether a pattern can stand on a line.
pub(super) fn is_one_line(pattern: &str) -> bool {
    !pattern.trim().is_empty() && !pattern.contains(char::is_control)
}

/// Writes a name on the line that is begun.
pub(super) fn write_one_line(name: &str, to: &mut dyn fmt::Write) -> fmt::Result {
    plain(name).try_for_each(|c| to.write_char(c))
}

/// Writes a name between quotes, those inside of it escaped.
pub(super) fn write_quoted(name: &str, to: &mut dyn fmt::Write) -> fmt::Result {
    to.write_char('"')?;
    for c in plain(name) {
        if matches!(c, '"' | '\\') {
            to.write_char('\\')?;
        }
        to.write_char(c)?;
    }
    to.write_char('"')
}

/// Returns the characters of a name; control characters become spaces.
pub(super) fn plain(name: &str) -> impl Iterator<Item = char> {
    name.trim().chars().map(|c| if c.is_control() { ' ' } else { c })
}
