//! Removes a person from the journal: their calls, what the rules remember of them, the entries that
//! name them, and the bytes of all that.

use std::sync::{Arc, mpsc};

use ringfence_policy::{Caller, Region};
use rusqlite::{Connection, TransactionBehavior};

use super::call::{Added, Record};
use super::compaction::compact;
use super::identity::identity;
use super::kept::Kept;
use super::packs;
use super::retention::overwriting;
use super::written;
use crate::store::StoreError;

/// A person who is to be forgotten, and who waits to hear that it is done.
#[derive(Debug)]
pub(super) struct Forget {
    pub(super) identity: String,
    /// Where texts were written that name them.
    pub(super) region: Region,
    pub(super) reply: mpsc::Sender<Result<Forgotten, StoreError>>,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Forgotten {
    /// Calls by the number, and calls of others whose facts name it.
    pub(crate) calls: usize,
    /// When it was dialled or answered, its entries in lists, and what look-ups answered about it.
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
    region: Region,
    /// The end of their number in any form, if texts may be searched for it.
    end: Option<&'a str>,
}

impl<'a> Person<'a> {
    /// Takes a caller as [`super::identity()`] has it, and the region by whose habits texts name numbers.
    pub(super) fn new(identity: &'a str, region: Region) -> Self {
        let digits = identity.strip_prefix('+').unwrap_or(identity);
        let is_number = digits.len() >= FEWEST_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        Self { identity, region, end: is_number.then(|| &digits[digits.len() - FEWEST_DIGITS..]) }
    }

    /// Returns what the rules know them by.
    pub(super) const fn identity(self) -> &'a str {
        self.identity
    }

    /// Tells whether texts are searched for their number.
    pub(super) const fn is_number(self) -> bool {
        self.end.is_some()
    }

    /// Tells whether bytes may have their number in any form: of most it is known at a glance that they have not.
    pub(super) fn may_be_named(self, bytes: &[u8]) -> bool {
        self.end.is_some_and(|end| written::may_end(bytes, end))
    }

    /// Tells whether a text has their number as a whole, whatever separates its digits: as it is known, with any prefix for
    /// calls abroad, or as it is dialled in the region.
    fn is_named(self, text: &str) -> bool {
        let Some(end) = self.end.filter(|_| self.may_be_named(text.as_bytes())) else { return false };
        let own = self.identity.strip_prefix('+');
        let is_known = |number: &str| {
            identity(&Caller::told(number).identify(self.region)).as_deref() == Some(self.identity)
        };
        written::any(text, |raw, digits| {
            if !digits.ends_with(end) {
                return false;
            }
            let abroad = own.and_then(|own| digits.strip_suffix(own));
            abroad.is_some_and(|prefix| prefix.is_empty() || ABROAD.contains(&prefix))
                || digits == self.identity
                || is_known(raw)
                // With a plus sign it is a number of the country that it names, and nobody's here.
                || (!raw.starts_with('+') && is_known(digits))
        })
    }

    /// Tells whether a call is theirs, or somebody else's that names them.
    pub(super) fn is_in(self, call: &Kept) -> bool {
        call.identity() == Some(self.identity) || call.naming().any(|text| self.is_named(text))
    }

    /// Takes them out of what is written beside an entry.
    pub(super) fn take_from(self, added: &mut Added) {
        if self.is_beside(added) {
            added.note = None;
        }
    }

    fn is_beside(self, added: &Added) -> bool {
        added.note.as_ref().is_some_and(|note| self.is_named(note))
    }

    /// Takes them out of a record that waits to be written. Returns whether nothing is left of it.
    pub(super) fn is_all_of(self, record: &mut Record) -> bool {
        match record {
            Record::Call(call) => self.is_in(call),
            Record::Dialed { identity, .. } | Record::Answered { identity, .. } => identity == self.identity,
            Record::Added(added) => {
                if self.is_beside(added) {
                    Arc::make_mut(added).note = None;
                }
                added.identity == self.identity
            }
            Record::Ended { .. } | Record::Flipped(_) => false,
        }
    }
}

/// Removes every row that names a person, and then the bytes.
pub(super) fn forget(connection: &mut Connection, person: Person<'_>) -> rusqlite::Result<Forgotten> {
    let (calls, remembered) = overwriting(connection, |connection| delete(connection, person))?;
    let is_compacted = compact(connection).unwrap_or(false);
    Ok(Forgotten { calls, remembered, is_compacted })
}

/// Deletes the rows. Returns how many of calls, and of what is remembered.
fn delete(connection: &mut Connection, person: Person<'_>) -> rusqlite::Result<(usize, usize)> {
    let identity = person.identity;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut calls =
        transaction.execute("DELETE FROM calls WHERE ifnull(identity, caller) = ?1", [identity])?;
    calls += packs::forget(&transaction, person)?;
    if person.is_number() {
        for number in naming(&transaction, person)? {
            calls += transaction.execute("DELETE FROM calls WHERE number = ?1", [number])?;
        }
        for note in notes(&transaction, person)? {
            transaction.execute("UPDATE entries SET note = NULL WHERE CAST(note AS BLOB) = ?1", [note])?;
        }
    }
    let mut remembered = transaction.execute("DELETE FROM entries WHERE identity = ?1", [identity])?;
    remembered += transaction.execute("DELETE FROM spoken WHERE identity = ?1", [identity])?;
    transaction.commit()?;
    Ok((calls, remembered))
}

/// Shorter ones are extensions: their digits stand in many a text that does not mean them.
const FEWEST_DIGITS: usize = 7;
/// What is dialled before a country code in other regions.
const ABROAD: [&str; 5] = ["00", "011", "0011", "010", "810"];

/// Returns the calls of others that name a person.
fn naming(connection: &Connection, person: Person<'_>) -> rusqlite::Result<Vec<i64>> {
    // What stands in two columns is no number.
    let mut calls = connection.prepare(
        "SELECT number, concat_ws('|', caller, display_name, source, target, entry, reason, facts) FROM calls",
    )?;
    let mut rows = calls.query([])?;
    let mut numbers = Vec::new();
    while let Some(row) = rows.next()? {
        let said = row.get_ref(1)?.as_bytes()?;
        if person.may_be_named(said) && person.is_named(&String::from_utf8_lossy(said)) {
            numbers.push(row.get(0)?);
        }
    }
    Ok(numbers)
}

/// Returns the notes beside entries that name a person: bytes, for one that was changed by hand may be no text.
fn notes(connection: &Connection, person: Person<'_>) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut notes =
        connection.prepare("SELECT DISTINCT CAST(note AS BLOB) FROM entries WHERE note IS NOT NULL")?;
    let notes = notes.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<Vec<u8>>>>()?;
    Ok(notes.into_iter().filter(|note| person.is_named(&String::from_utf8_lossy(note))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(identity: &str, region: &str, text: &str) -> bool {
        Person::new(identity, Region::parse(region).unwrap()).is_named(text)
    }

    #[test]
    fn a_number_is_named_by_its_own_digits_only() {
        for text in [
            r#"{"diverted":"+41791234567"}"#,
            "41791234567",
            "0041791234567",
            "01141791234567",
            "0791234567 ",
        ] {
            assert!(names("+41791234567", "CH", text), "{text}");
        }
        for text in ["+417912345678", "141791234567", "1234567", "+49791234567", "00791234567", "", "+"] {
            assert!(!names("+41791234567", "CH", text), "{text}");
        }
    }

    #[test]
    fn a_number_is_named_as_it_is_dialled_in_the_region() {
        assert!(names("+49301234567", "DE", "Diversion: 0301234567"));
        assert!(!names("+49301234567", "CH", "Diversion: 0301234567"), "another person's there");
        assert!(names("+13125550177", "US", "13125550177") && names("+13125550177", "US", "3125550177"));
        assert!(names("+41791234567", "US", "01141791234567"));
    }

    #[test]
    fn a_number_is_named_whatever_separates_its_digits() {
        for text in [
            r#"{"diverted":"+41-79-555-44-33"}"#,
            "Anna 079 555 44 33",
            "Anna (079) 555.44.33, Bern",
            "+41 (0)79 555 44 33",
            "0041 79 555 44 33",
            "call 12 079 555 44 33 5",
            "079\u{a0}555\u{202f}44\u{2011}33",
        ] {
            assert!(names("+41795554433", "CH", text), "{text}");
        }
        for text in
            ["+1-079-555-44-33", "+49 79 555 44 33", "079 555 44 3", "079 555|44 33", "9-079-555-44-33"]
        {
            assert!(!names("+41795554433", "CH", text), "{text}");
        }
        assert!(!names("+13125550177", "US", "+44 312 555 0177"), "another country's");
        assert!(!names("20261201", "CH", r#"{"at":"2026-12-01T10:00"}"#), "a date");
    }

    #[test]
    fn an_extension_is_named_by_no_text() {
        assert!(!names("1002", "CH", "1002"));
    }
}
