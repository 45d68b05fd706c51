//! Rows: what all formats have in common.

use std::borrow::Cow;

use jiff::Timestamp;

use super::error::RowError;
use super::{Format, asterisk, callblocker, csv, freeswitch, ncid, text, vcard};

/// One number of a list, as it is written there.
///
/// ```
/// use ringfence_policy::Format;
///
/// let mut rows = Format::Ncid.read(b"^1?312  #= Wine from Chicago\n");
/// let row = rows.next().expect("a row")?;
/// assert_eq!((&*row.number, row.name.as_deref()), ("+1312*", Some("Wine from Chicago")));
/// # Ok::<(), ringfence_policy::RowError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// The line it begins on, counted from 1.
    pub line: u32,
    /// The number, or another pattern of a list.
    pub number: Cow<'a, str>,
    /// Whose number it is, or why it is on the list.
    pub name: Option<Cow<'a, str>>,
    /// When it was put there, or when the complaint was made.
    pub date: Option<Timestamp>,
    /// When it ceases to be there.
    pub until: Option<Timestamp>,
    /// How many complaints it stands for; 1 where the list does not count them.
    pub weight: u32,
}

impl<'a> Row<'a> {
    /// Makes a row of a number.
    #[must_use]
    pub fn new(number: impl Into<Cow<'a, str>>) -> Self {
        Self { line: 0, number: number.into(), name: None, date: None, until: None, weight: 1 }
    }

    /// Returns the same row with a name; an empty one is none.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'a, str>>) -> Self {
        let name = name.into();
        self.name = (!name.trim().is_empty()).then_some(name);
        self
    }

    pub(super) fn at(mut self, line: u32) -> Self {
        self.line = line;
        self
    }
}

/// The rows of a list, each read when it is asked for.
///
/// ```
/// use ringfence_policy::Format;
///
/// let card = b"BEGIN:VCARD\nVERSION:3.0\nFN:Anna\nTEL:0791234567\nEND:VCARD\nBEGIN:VCARD\nFN:Bert\nEND:VCARD\n";
/// let mut rows = Format::VCard.read(card);
/// assert_eq!(rows.by_ref().count(), 1);
/// assert_eq!(rows.without_number(), 1);
/// assert_eq!(rows.position(), card.len());
/// ```
#[derive(Debug)]
pub struct Rows<'a> {
    reader: Reader<'a>,
    without_number: u64,
}

#[derive(Debug)]
enum Reader<'a> {
    Text(text::Reader<'a>),
    Csv(csv::Reader<'a>),
    VCard(vcard::Reader<'a>),
    CallBlocker(callblocker::Reader<'a>),
    Ncid(ncid::Reader<'a>),
    FreeSwitch(freeswitch::Reader<'a>),
    Asterisk(asterisk::Reader<'a>),
    /// What is wrong with all of it.
    Refused(Option<RowError>),
}

impl<'a> Rows<'a> {
    pub(super) fn new(format: &Format, bytes: &'a [u8]) -> Self {
        let reader = match format {
            _ if is_utf16(bytes) => {
                Reader::Refused(Some(RowError::new(1, 1, &[], super::error::RowFault::Utf16)))
            }
            Format::Text => Reader::Text(text::Reader::new(bytes)),
            Format::Csv(columns) => Reader::Csv(csv::Reader::new(bytes, columns)),
            Format::VCard => Reader::VCard(vcard::Reader::new(bytes)),
            Format::CallBlocker => Reader::CallBlocker(callblocker::Reader::new(bytes)),
            Format::Ncid => Reader::Ncid(ncid::Reader::new(bytes)),
            Format::FreeSwitch => Reader::FreeSwitch(freeswitch::Reader::new(bytes)),
            Format::Asterisk => Reader::Asterisk(asterisk::Reader::new(bytes)),
        };
        Self { reader, without_number: 0 }
    }

    /// Returns how many rows so far had no number: complaints of withheld calls, contacts without a
    /// telephone. They are left out.
    #[must_use]
    pub fn without_number(&self) -> u64 {
        self.without_number
    }

    /// Returns how many bytes have been read, for who shows the progress.
    #[must_use]
    pub fn position(&self) -> usize {
        match &self.reader {
            Reader::Text(reader) => reader.position(),
            Reader::Csv(reader) => reader.position(),
            Reader::VCard(reader) => reader.position(),
            Reader::CallBlocker(reader) => reader.position(),
            Reader::Ncid(reader) => reader.position(),
            Reader::FreeSwitch(reader) => reader.position(),
            Reader::Asterisk(reader) => reader.position(),
            Reader::Refused(_) => 0,
        }
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let row = match &mut self.reader {
                Reader::Text(reader) => reader.next(),
                Reader::Csv(reader) => reader.next(),
                Reader::VCard(reader) => reader.next(),
                Reader::CallBlocker(reader) => reader.next(),
                Reader::Ncid(reader) => reader.next(),
                Reader::FreeSwitch(reader) => reader.next(),
                Reader::Asterisk(reader) => reader.next(),
                Reader::Refused(error) => error.take().map(Err),
            };
            match row {
                Some(Ok(row)) if row.number.trim().is_empty() => self.without_number += 1,
                Some(_) | None => return row,
            }
        }
    }
}

/// Either byte order mark of UTF-16. What begins with one is no text of another kind.
fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")
}
