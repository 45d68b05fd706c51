//! Removes a person from the journal: their calls, what the rules remember of them, the entries that
//! name them, and the bytes of all that.

use std::sync::{Arc, mpsc};

use rusqlite::{Connection, TransactionBehavior};

use super::call::{Call, Record};
use super::retention::overwriting;
use crate::store::StoreError;

/// A person who is to be forgotten, and who waits to hear that it is done.
#[derive(Debug)]
pub(super) struct Forget {
    pub(super) identity: String,
    pub(super) reply: mpsc::Sender<Result<Forgotten, StoreError>>,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Forgotten {
    /// Calls by the number, and calls of others whose facts name it.
    pub(crate) calls: usize,
    /// When it was dialled or answered, and its entries in lists.
    pub(crate) remembered: usize,
    /// Whether the file was written anew without them. It is not where the disk has no room for a copy, or
    /// a reader would not let go: then the bytes are overwritten in the file and may be in its `-wal` until later.
    pub(crate) is_compacted: bool,
}

impl Forgotten {
    /// Tells whether there was anything.
    pub(crate) const fn is_nothing(&self) -> bool {
        self.calls == 0 && self.remembered == 0
    }
}

/// A person as the journal knows them, and as texts name them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person<'a> {
    identity: &'a str,
    /// Their number, if texts may be searched for it.
    digits: Option<&'a str>,
}

impl<'a> Person<'a> {
    /// Takes a caller as [`super::identity()`] has it.
    pub(super) fn new(identity: &'a str) -> Self {
        let digits = identity.strip_prefix('+').unwrap_or(identity);
        let is_number = digits.len() >= FEWEST_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        Self { identity, digits: is_number.then_some(digits) }
    }

    /// Tells whether a call is theirs, or somebody else's that names them.
    pub(super) fn is_in(self, call: &Call) -> bool {
        let is_named = |text: &str| self.digits.is_some_and(|digits| names(text, digits));
        let texts = [&call.caller, &call.source, &call.reason, &call.evidence.facts];
        let maybe = [call.display_name.as_deref(), call.entry.as_deref(), call.verdict.target()];
        call.caller == self.identity
            || call.evidence.identity.as_deref() == Some(self.identity)
            || texts.into_iter().any(|text| is_named(text))
            || maybe.into_iter().flatten().any(is_named)
    }

    /// Takes them out of a record that waits to be written. Returns whether nothing is left of it.
    pub(super) fn is_all_of(self, record: &mut Record) -> bool {
        match record {
            Record::Call(call) => self.is_in(call),
            Record::Dialed { identity, .. } | Record::Answered { identity, .. } => identity == self.identity,
            Record::Added(added) => {
                let is_named = |note: &String| self.digits.is_some_and(|digits| note.contains(digits));
                if added.note.as_ref().is_some_and(is_named) {
                    Arc::make_mut(added).note = None;
                }
                added.identity == self.identity
            }
            Record::Ended { .. } | Record::Flipped(_) => false,
        }
    }
}

/// Removes every row that names a caller, as [`super::identity()`] has it, and then the bytes.
pub(super) fn forget(connection: &mut Connection, identity: &str) -> rusqlite::Result<Forgotten> {
    let (calls, remembered) = overwriting(connection, |connection| delete(connection, identity))?;
    let is_compacted = compact(connection).unwrap_or(false);
    Ok(Forgotten { calls, remembered, is_compacted })
}

/// Deletes the rows. Returns how many of calls, and of what is remembered.
fn delete(connection: &mut Connection, identity: &str) -> rusqlite::Result<(usize, usize)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut calls =
        transaction.execute("DELETE FROM calls WHERE caller = ?1 OR identity = ?1", [identity])?;
    if let Some(digits) = Person::new(identity).digits {
        for number in naming(&transaction, digits)? {
            calls += transaction.execute("DELETE FROM calls WHERE number = ?1", [number])?;
        }
        transaction.execute("UPDATE entries SET note = NULL WHERE instr(note, ?1)", [digits])?;
    }
    let mut remembered = transaction.execute("DELETE FROM entries WHERE identity = ?1", [identity])?;
    remembered += transaction.execute("DELETE FROM spoken WHERE identity = ?1", [identity])?;
    transaction.commit()?;
    Ok((calls, remembered))
}

/// Shorter ones are extensions: their digits stand in many a text that does not mean them.
const FEWEST_DIGITS: usize = 7;

/// Returns the calls of others that name a number.
fn naming(connection: &Connection, digits: &str) -> rusqlite::Result<Vec<i64>> {
    let mut calls = connection.prepare(
        "SELECT number, concat_ws(' ', caller, display_name, source, target, entry, reason, facts) AS said
         FROM calls WHERE instr(said, ?1)",
    )?;
    let mut rows = calls.query([digits])?;
    let mut numbers = Vec::new();
    while let Some(row) = rows.next()? {
        if names(row.get_ref(1)?.as_str()?, digits) {
            numbers.push(row.get(0)?);
        }
    }
    Ok(numbers)
}

/// Tells whether a text has these digits, and not as a part of a longer number.
fn names(text: &str, digits: &str) -> bool {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    text.match_indices(digits).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        !is_digit(before) && !is_digit(text.as_bytes().get(at + digits.len()))
    })
}

/// Writes the file anew, and empties the log of changes beside it. Returns whether all of that was possible.
fn compact(connection: &Connection) -> rusqlite::Result<bool> {
    let is_emptied = truncate(connection)?;
    // The copy may be large: it goes to a file without a name.
    connection.execute_batch("PRAGMA temp_store = FILE; VACUUM; PRAGMA temp_store = MEMORY")?;
    Ok(truncate(connection)? && is_emptied)
}

/// Moves the log of changes into the file and cuts it off. Returns whether no reader kept it.
pub(super) fn truncate(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        .map(|busy| busy == 0)
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_number_is_named_by_its_own_digits_only() {
        assert!(names(r#"{"diverted":"+41791234567"}"#, "41791234567"));
        assert!(names("41791234567", "41791234567"));
        assert!(!names("+417912345678", "41791234567"));
        assert!(!names("0041791234567", "41791234567"));
        assert!(names("0041791234567 or +41791234567", "41791234567"));
    }
}
