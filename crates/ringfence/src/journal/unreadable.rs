//! What of the file cannot be read: a row that was changed by hand, or a pack that is damaged. It is left out, counted, and
//! the first of it is named: by its number, the column that does not fit, and what that is instead. Of what is in it a whole
//! number that is out of range is told, and never a text.

use rusqlite::{Error, Row};

/// What of the file could not be read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Calls, and other rows, at least.
    pub(crate) rows: u64,
    /// Which is the first, and what of it does not fit.
    pub(crate) first: Option<String>,
}

impl Unreadable {
    /// Returns what was read of a row of a table, or notes that it does not fit. What else went wrong is returned.
    pub(super) fn take<T>(
        &mut self,
        row: &Row<'_>,
        table: &str,
        read: rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) => {
                let why = misfit(row, &error).ok_or(error)?;
                self.note(1, || format!("{}: {why}", name(row, table)));
                Ok(None)
            }
        }
    }

    /// Notes so many more, of which the first is told.
    pub(super) fn note(&mut self, rows: u64, first: impl FnOnce() -> String) {
        if rows > 0 {
            self.rows += rows;
            self.first.get_or_insert_with(first);
        }
    }

    /// Adds what else could not be read.
    pub(super) fn add(&mut self, other: Self) {
        self.note(other.rows, || other.first.unwrap_or_default());
    }

    /// Takes what could not be read of the same, if that is more.
    pub(super) fn at_least(&mut self, other: Self) {
        if other.rows > self.rows {
            *self = other;
        }
    }
}

/// Returns what of a row does not fit, if that is what an error says.
fn misfit(row: &Row<'_>, error: &Error) -> Option<String> {
    let column = |index: usize| match row.as_ref().column_name(index) {
        Ok(name) => format!("`{name}`"),
        Err(_) => "a column".to_owned(),
    };
    if let Error::InvalidColumnType(index, _, kind) = error {
        Some(format!("{} is {kind}", column(*index)))
    } else if let Error::IntegralValueOutOfRange(index, value) = error {
        Some(format!("{} is {value}", column(*index)))
    } else if let Error::FromSqlConversionFailure(index, _, why) = error {
        Some(format!("{}: {why}", column(*index)))
    } else {
        None
    }
}

/// Returns which row of a table it is. A key that is a text may be somebody's number.
fn name(row: &Row<'_>, table: &str) -> String {
    row.get::<_, i64>(0).map_or_else(|_| format!("a row of {table}"), |key| format!("row {key} of {table}"))
}
