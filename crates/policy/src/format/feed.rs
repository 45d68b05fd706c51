//! From the rows of a format to the entries of a list.

use jiff::Timestamp;

use super::Format;
use crate::list::{ListBuilder, Record};
use crate::number::Region;

/// How many rows were read into a list.
///
/// Whether each is an entry, the list decides: numbers that cannot be resolved are reported when it is
/// built.
///
/// ```
/// use ringfence_policy::{Columns, Format, List, Region};
///
/// let complaints = b"Company_Phone_Number,Created_Date,Subject\n\
///     3125550177,2026-03-02 10:00:00,Other\n,2026-03-02 10:05:00,Other\n";
/// let mut builder = List::builder("ftc");
/// let format = Format::Csv(Columns::default());
/// let tally = builder.read(&format, "ftc.csv", complaints, Region::parse("US")?);
/// assert_eq!((tally.rows, tally.without_number, tally.wrong), (1, 1, 0));
/// assert_eq!(builder.build().0.len(), 1);
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that were added.
    pub rows: u64,
    /// Rows without a number, such as complaints of withheld calls.
    pub without_number: u64,
    /// Rows before the time from which on they were asked for.
    pub older: u64,
    /// Rows that could not be read; each is reported with its place.
    pub wrong: u64,
}

impl ListBuilder {
    /// Adds the rows of a file in another format; see [`Format`].
    ///
    /// A row that repeats a number weighs as one more: in the list of complaints that the Federal Trade
    /// Commission publishes, [`List::score`](crate::List::score) then counts them.
    pub fn read(&mut self, format: &Format, file: &str, bytes: &[u8], region: Region) -> Tally {
        self.read_since(format, file, bytes, region, None)
    }

    /// Adds the rows of a file that are not older than a time. One without a date has no age.
    ///
    /// ```
    /// use ringfence_policy::{Columns, Format, List, Region};
    ///
    /// let complaints = b"number,date\n+13125550177,2026-01-01\n+13125550177,2026-03-01\n";
    /// let mut builder = List::builder("ftc");
    /// let format = Format::Csv(Columns::default());
    /// let since = Some("2026-02-01T00:00:00Z".parse()?);
    /// let tally = builder.read_since(&format, "ftc.csv", complaints, Region::parse("US")?, since);
    /// assert_eq!((tally.rows, tally.older), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_since(
        &mut self,
        format: &Format,
        file: &str,
        bytes: &[u8],
        region: Region,
        since: Option<Timestamp>,
    ) -> Tally {
        let mut tally = Tally::default();
        let index = self.file(file);
        let mut rows = format.read(bytes);
        for row in &mut rows {
            match row {
                Ok(row) if row.date.is_some_and(|date| since.is_some_and(|since| date < since)) => {
                    tally.older += 1;
                }
                Ok(row) => {
                    let record = Record {
                        line: row.line,
                        number: &row.number,
                        name: row.name.as_deref(),
                        weight: row.weight,
                        until: row.until,
                    };
                    self.record(index, record, region);
                    tally.rows += 1;
                }
                Err(error) => {
                    self.wrong_row(index, error);
                    tally.wrong += 1;
                }
            }
        }
        tally.without_number = rows.without_number();
        tally
    }
}
