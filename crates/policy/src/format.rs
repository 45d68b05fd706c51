//! Lists in the formats of other programs: reading and writing them.
//!
//! A [`Format`] reads bytes that lie in memory, or are mapped there, and returns a [`Row`] for each
//! number, as it is written: which number that is, only [`ListBuilder::record`] says. What cannot be
//! read is a [`RowError`] with its place, and reading goes on after it. Everything is read in one
//! pass, in time in proportion to the length, with a bound on every line, record and card, whatever
//! the bytes are.
//!
//! [`ListBuilder::record`]: crate::ListBuilder::record

mod asterisk;
mod callblocker;
mod csv;
mod date;
mod error;
mod feed;
mod freeswitch;
mod guess;
mod lines;
mod ncid;
mod row;
mod text;
mod vcard;
mod write;

use std::fmt;

pub use error::{RowError, RowFault};
pub use feed::Tally;
pub use row::{Row, Rows};
pub use write::Exported;

/// How a list is written down.
///
/// ```
/// use ringfence_policy::{Columns, Format};
///
/// let list = b"phone;company\n0791234567;\"Wine; and more\"\n";
/// let rows: Result<Vec<_>, _> = Format::Csv(Columns::default()).read(list).collect();
/// let rows = rows?;
/// assert_eq!((&*rows[0].number, rows[0].name.as_deref()), ("0791234567", Some("Wine; and more")));
/// # Ok::<(), ringfence_policy::RowError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Format {
    /// One entry a line, with `#` before a comment: the format of this program.
    Text,
    /// Fields between `,`, `;` or tabs: address books, spreadsheets, `FreePBX`, the complaints that the
    /// United States' Federal Trade Commission publishes.
    Csv(Columns),
    /// Cards of an address book (RFC 6350, RFC 2426).
    VCard,
    /// The JSON of callblocker, or an array of numbers.
    CallBlocker,
    /// `ncidd.blacklist` and `ncidd.whitelist` of NCID.
    Ncid,
    /// A `.list` of `FreeSWITCH`'s `mod_blacklist`.
    FreeSwitch,
    /// The `blacklist` family of Asterisk's database, as its command line shows it or takes it.
    Asterisk,
}

/// Which columns of a CSV file hold what, where the names in its first line do not say it.
///
/// A name is compared without regard to case and to what is neither a letter nor a digit. A number
/// counts the columns from 1, for files whose first line has no names.
///
/// ```
/// use ringfence_policy::{Columns, Format};
///
/// let columns = Columns { number: Some("Blocked".to_owned()), ..Columns::default() };
/// let mut rows = Format::Csv(columns).read(b"Id,Blocked\n7,0791234567\n");
/// assert_eq!(rows.next().expect("a row")?.number, "0791234567");
/// # Ok::<(), ringfence_policy::RowError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Columns {
    /// The column of the numbers.
    pub number: Option<String>,
    /// The column of the names, or of the reasons.
    pub name: Option<String>,
}

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Text,
        Self::Csv(Columns { number: None, name: None }),
        Self::VCard,
        Self::CallBlocker,
        Self::Ncid,
        Self::FreeSwitch,
        Self::Asterisk,
    ];

    /// Returns the format of a name, such as `vcard`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == "json" {
            return Some(Self::CallBlocker);
        }
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Returns the name that [`parse`](Self::parse) reads.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Csv(_) => "csv",
            Self::VCard => "vcard",
            Self::CallBlocker => "callblocker",
            Self::Ncid => "ncid",
            Self::FreeSwitch => "freeswitch",
            Self::Asterisk => "asterisk",
        }
    }

    /// Guesses the format of a file by its name, by what a server says its content is, and by how it
    /// begins. `None` when it looks like no list at all.
    ///
    /// ```
    /// use ringfence_policy::Format;
    ///
    /// assert_eq!(Format::guess(Some("contacts.vcf"), None, b""), Some(Format::VCard));
    /// assert_eq!(Format::guess(None, Some("text/plain"), b"BEGIN:VCARD\r\n"), Some(Format::VCard));
    /// assert_eq!(Format::guess(None, Some("text/html"), b"<!DOCTYPE html>"), None);
    /// ```
    #[must_use]
    pub fn guess(path: Option<&str>, content_type: Option<&str>, first: &[u8]) -> Option<Self> {
        guess::guess(path, content_type, first)
    }

    /// Starts to read a list.
    #[must_use]
    pub fn read<'a>(&self, bytes: &'a [u8]) -> Rows<'a> {
        Rows::new(self, bytes)
    }

    /// Writes a list, and returns what the format could not carry.
    ///
    /// The numbers are patterns in the form that [`Pattern`](crate::Pattern) displays. What each
    /// format can carry is said at [`Exported`].
    ///
    /// ```
    /// use ringfence_policy::{Format, Row};
    ///
    /// let rows = [Row::new("+41791234567").named("wine"), Row::new("+4180*")];
    /// let mut text = String::new();
    /// let written = Format::VCard.write("reject", &rows, &mut text)?;
    /// assert!(text.contains("TEL;TYPE=VOICE:+41791234567\r\n"));
    /// assert_eq!((written.rows, written.left_out), (1, 1));
    /// # Ok::<(), std::fmt::Error>(())
    /// ```
    pub fn write<'r, 'a: 'r, R>(
        &self,
        list: &str,
        rows: R,
        to: &mut dyn fmt::Write,
    ) -> Result<Exported, fmt::Error>
    where
        R: IntoIterator<Item = &'r Row<'a>> + Clone,
    {
        write::write(self, list, rows, to)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
