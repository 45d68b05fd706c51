//! Entries that stand in the configuration, whether or not their list has files.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use toml_edit::{InlineTable, Value};

use super::{EditError, edit_entries, push};

/// Adds an entry to `entries` of a list, which is made if there is none.
pub(crate) fn add_inline(config: &Path, list: &str, written: &str, comment: &str) -> Result<(), EditError> {
    edit_entries(config, list, |entries| push(entries, written, comment))
}

/// Adds an entry that ends by itself: a line of a text file has no place for that.
pub(crate) fn add_until(
    config: &Path,
    list: &str,
    written: &str,
    note: Option<&str>,
    until: Timestamp,
) -> Result<(), EditError> {
    let until = until.to_zoned(TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    let mut entry = InlineTable::new();
    entry.insert("match", written.into());
    if let Some(note) = note {
        entry.insert("name", note.into());
    }
    entry.insert("until", until.into());
    edit_entries(config, list, |entries| push(entries, Value::InlineTable(entry), ""))
}
