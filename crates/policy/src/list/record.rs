//! Entries of files in other forms than text.

use jiff::Timestamp;

/// A file whose records are added to a list; see [`ListBuilder::file`](crate::ListBuilder::file).
///
/// ```
/// use ringfence_policy::{List, ListFile, Record, Region};
///
/// let mut builder = List::builder("spam");
/// let file: ListFile = builder.file("spam.csv");
/// builder.record(file, Record::new(2, "+41791234567"), Region::parse("CH")?);
/// let (list, _) = builder.build();
/// assert_eq!(list.entries().next().expect("one entry").origin().to_string(), "spam.csv:2");
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListFile(pub(super) u16);

/// What a file in another form than text says of one caller.
///
/// ```
/// use ringfence_policy::Record;
///
/// let record = Record { name: Some("Wine shop"), ..Record::new(7, "0800 123 456") };
/// assert_eq!(record.weight, 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The line in the file, counted from 1.
    pub line: u32,
    /// The number, or another pattern.
    pub number: &'a str,
    /// Who that is, or what was said of it.
    pub name: Option<&'a str>,
    /// How often it was said: 1 for a mere entry.
    pub weight: u32,
    /// The end of it; without one it holds for ever.
    pub until: Option<Timestamp>,
}

impl<'a> Record<'a> {
    /// Makes a record of a number alone.
    #[must_use]
    pub fn new(line: u32, number: &'a str) -> Self {
        Self { line, number, name: None, weight: 1, until: None }
    }
}
