//! Comma-separated values: which columns hold the numbers, and what is in them.

mod columns;
mod record;

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;

use super::Columns;
use super::date;
use super::error::{RowError, RowFault};
use super::row::Row;
use super::write::{is_one_line, plain};
use columns::Layout;
use record::{Field, Records};

pub(super) use columns::has_known_header;

#[derive(Debug)]
pub(super) struct Reader<'a> {
    records: Records<'a>,
    wanted: Columns,
    /// Known once the first record is read.
    layout: Option<Layout>,
    fields: Vec<Field<'a>>,
    /// What is left of a record with several numbers, or with several faults.
    pending: Vec<Result<Row<'a>, RowError>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], wanted: &Columns) -> Self {
        Self {
            records: Records::new(bytes),
            wanted: wanted.clone(),
            layout: None,
            fields: Vec::new(),
            pending: Vec::new(),
        }
    }

    pub(super) fn position(&self) -> usize {
        self.records.position()
    }

    /// Puts the rows of the record that was read into `pending`, the last one first.
    fn take_record(&mut self) {
        let layout = match &self.layout {
            Some(layout) => layout,
            None => match Layout::find(&self.fields, &self.wanted) {
                Ok(layout) => {
                    let has_names = layout.has_names;
                    let layout = self.layout.insert(layout);
                    if has_names {
                        return;
                    }
                    layout
                }
                Err(error) => {
                    self.pending.push(Err(error));
                    self.records.finish();
                    return;
                }
            },
        };
        match rows(layout, &self.fields) {
            Ok(mut rows) => {
                rows.reverse();
                self.pending.extend(rows.into_iter().map(Ok));
            }
            Err(error) => self.pending.push(Err(error)),
        }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Row<'a>, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.pending.pop() {
                return Some(row);
            }
            match self.records.read(&mut self.fields)? {
                Ok(()) => self.take_record(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Returns the rows of a record: one for each of its numbers, or one without a number.
fn rows<'a>(layout: &Layout, fields: &[Field<'a>]) -> Result<Vec<Row<'a>>, RowError> {
    let line = fields.first().map_or(0, Field::line);
    let mut name = Cow::Borrowed("");
    for field in layout.names.iter().filter_map(|index| fields.get(*index)) {
        let part = field.text()?;
        match (name.trim().is_empty(), part.trim().is_empty()) {
            (_, true) => {}
            (true, false) => name = part,
            (false, false) => name = Cow::Owned(format!("{} {}", name.trim(), part.trim())),
        }
    }
    let text = |index: Option<usize>| index.and_then(|index| fields.get(index)).map(Field::text).transpose();
    if name.trim().is_empty() {
        name = text(layout.reason)?.unwrap_or_default();
    }
    let until = match layout.until.and_then(|index| fields.get(index)) {
        Some(field) if !field.text()?.trim().is_empty() => {
            Some(date::parse(&field.text()?).ok_or_else(|| field.error(RowFault::Until))?)
        }
        Some(_) | None => None,
    };
    let date = text(layout.date)?.and_then(|date| date::parse(&date));
    let weight = text(layout.weight)?.and_then(|weight| weight.trim().parse().ok()).unwrap_or(1);
    let name = cut(without_apostrophe(trimmed(name)));
    let row = |number| Row { date, until, weight, ..Row::new(number).named(name.clone()).at(line) };

    let mut rows = Vec::with_capacity(1);
    for (place, index) in layout.numbers.iter().enumerate() {
        match fields.get(*index) {
            Some(field) => numbers(field.text()?, |number| rows.push(row(number))),
            None if place == 0 => {
                let fault = RowFault::NoField { found: fields.len(), number: index + 1 };
                return Err(fields
                    .first()
                    .map_or_else(|| RowError::new(line, 1, &[], fault), |field| field.error(fault)));
            }
            None => {}
        }
    }
    if rows.is_empty() {
        rows.push(row(Cow::Borrowed("")));
    }
    Ok(rows)
}

/// Passes on each number of a field. Google's address book puts several into one, others put `;` between them.
fn numbers<'a>(field: Cow<'a, str>, mut each: impl FnMut(Cow<'a, str>)) {
    if is_several(&field) {
        let semicolon = if is_several_by_semicolon(&field) { ";" } else { SEPARATOR };
        let parts = field.split(SEPARATOR).flat_map(|part| part.split(semicolon));
        let numbers = parts.map(str::trim).filter(|number| !number.is_empty());
        return numbers.for_each(|number| each(Cow::Owned(without_fraction(number).to_owned())));
    }
    match trimmed(field) {
        Cow::Borrowed("") => {}
        Cow::Borrowed(number) => each(Cow::Borrowed(without_fraction(number))),
        Cow::Owned(number) if number.is_empty() => {}
        Cow::Owned(number) => each(Cow::Owned(without_fraction(&number).to_owned())),
    }
}

/// Tells whether a field has several numbers. In an expression anything may stand.
fn is_several(field: &str) -> bool {
    (field.contains(SEPARATOR) || is_several_by_semicolon(field)) && !field.trim_start().starts_with('/')
}

/// Tells whether numbers stand before and behind each `;`, and no parameters such as `;phone-context=+41`.
fn is_several_by_semicolon(field: &str) -> bool {
    let mut parts = field.split(';').map(str::trim_start).filter(|part| !part.is_empty());
    let is_number = |part: &str| part.starts_with(|c: char| c.is_ascii_digit() || "+(".contains(c));
    let is_first = parts.next().is_some_and(is_number);
    let mut others = parts.peekable();
    is_first && others.peek().is_some() && others.all(is_number)
}

/// Takes the fraction off that a spreadsheet writes where it took a number for one to reckon with: `493012345680.0`.
fn without_fraction(number: &str) -> &str {
    let whole = number.strip_suffix(".0").filter(|whole| !whole.is_empty());
    whole.filter(|whole| whole.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or(number)
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// Of a name that is a text, so much as a list keeps: each of the numbers has one.
fn cut(name: Cow<'_, str>) -> Cow<'_, str> {
    match (name.len() > LONGEST_NAME, name) {
        (false, name) => name,
        (true, name) => Cow::Owned(name.chars().take(LONGEST_NAME / 4).collect()),
    }
}

const LONGEST_NAME: usize = 1024;

/// Tells whether a spreadsheet takes a name for a formula, or would without an apostrophe before it. Numbers begin with `+` as
/// well; they are none that does harm, and who imports them needs them as they are.
fn is_formula(name: &str) -> bool {
    name.trim_start_matches('\'').starts_with(['=', '+', '-', '@'])
}

/// Takes the apostrophe off that [`Writer::write`] puts there.
fn without_apostrophe(name: Cow<'_, str>) -> Cow<'_, str> {
    if !name.starts_with('\'') || !is_formula(&name) {
        return name;
    }
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(&name[1..]),
        Cow::Owned(mut name) => Cow::Owned(name.split_off(1)),
    }
}

const SEPARATOR: &str = ":::";

/// Which of the columns that most lists do without are written.
#[derive(Debug)]
pub(super) struct Writer {
    until: bool,
    count: bool,
    date: bool,
}

impl Writer {
    /// Writes the names of the columns: those of `FreePBX`, where no others are asked for.
    pub(super) fn begin<'r, 'a: 'r>(
        columns: &Columns,
        rows: impl IntoIterator<Item = &'r Row<'a>>,
        to: &mut dyn fmt::Write,
    ) -> Result<Self, fmt::Error> {
        let mut writer = Self { until: false, count: false, date: false };
        for row in rows {
            writer.until |= row.until.is_some();
            writer.count |= row.weight != 1;
            writer.date |= row.date.is_some();
        }
        write_field(columns.number.as_deref().unwrap_or("number"), to)?;
        to.write_char(',')?;
        write_field(columns.name.as_deref().unwrap_or("description"), to)?;
        for (is_written, name) in [(writer.until, ",until"), (writer.count, ",count"), (writer.date, ",date")]
        {
            to.write_str(if is_written { name } else { "" })?;
        }
        to.write_str("\r\n")?;
        Ok(writer)
    }

    pub(super) fn write(&self, row: &Row<'_>, to: &mut dyn fmt::Write) -> Result<bool, fmt::Error> {
        if !is_one_line(&row.number) || is_several(&row.number) {
            return Ok(false);
        }
        write_field(&row.number, to)?;
        to.write_char(',')?;
        let name = row.name.as_deref().unwrap_or_default().trim();
        if is_formula(name) {
            write_field(&format!("'{name}"), to)?;
        } else {
            write_field(name, to)?;
        }
        if self.until {
            write_time(row.until, to)?;
        }
        if self.count {
            write!(to, ",{}", row.weight)?;
        }
        if self.date {
            write_time(row.date, to)?;
        }
        to.write_str("\r\n")?;
        Ok(true)
    }
}

fn write_time(time: Option<Timestamp>, to: &mut dyn fmt::Write) -> fmt::Result {
    match time {
        Some(time) => write!(to, ",{time}"),
        None => to.write_char(','),
    }
}

fn write_field(text: &str, to: &mut dyn fmt::Write) -> fmt::Result {
    if !text.contains([',', ';', '"', '\t', '\r', '\n']) {
        return plain(text).try_for_each(|c| to.write_char(c));
    }
    to.write_char('"')?;
    for c in plain(text) {
        to.write_str(if c == '"' { "\"" } else { "" })?;
        to.write_char(c)?;
    }
    to.write_char('"')
}
