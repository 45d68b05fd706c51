//! What a row of the file says.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, Row};
use serde_json::{Map, Value};

use super::call::{Added, Call, Ended, Evidence, Flipped, Outcome};
use super::unreadable::Unreadable;

/// What a row of calls is read from, in this order.
pub(super) const COLUMNS: &str = "number, at, id, call_id, line, caller, identity, display_name, source, verdict, status, \
                       target, rule, list, entry, shadow, policy, decided_in, ended_at, ended_status, ended_how, \
                       reason, facts, audited";
/// The last of them; a file of an earlier version, which nobody has opened to write, has none.
pub(super) const LATE: &str = "late";

/// Returns what was added to lists for a time and still holds, the newest first.
pub(super) fn entries(
    connection: &Connection,
    now: Timestamp,
    unreadable: &mut Unreadable,
) -> rusqlite::Result<Vec<Added>> {
    let mut entries = connection.prepare(
        "SELECT list, identity, added, until, rule, note FROM entries
         WHERE until IS NULL OR until > ?1 ORDER BY added DESC, list, identity",
    )?;
    let read = |row: &Row<'_>| {
        Ok(Added {
            list: row.get(0)?,
            identity: row.get(1)?,
            at: time(row.get(2)?),
            until: row.get::<_, Option<i64>>(3)?.and_then(until),
            rule: row.get(4)?,
            note: row.get(5)?,
        })
    };
    let mut rows = entries.query([now.as_microsecond()])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.extend(unreadable.take(row, "entries", read(row))?);
    }
    Ok(entries)
}

/// Returns the switches that are not as their default has them.
pub(super) fn switches(
    connection: &Connection,
    now: Timestamp,
    unreadable: &mut Unreadable,
) -> rusqlite::Result<Vec<Flipped>> {
    let mut switches = connection.prepare(
        "SELECT name, is_on, flipped, until FROM switches WHERE until IS NULL OR until > ?1 ORDER BY name",
    )?;
    let read = |row: &Row<'_>| {
        Ok(Flipped {
            name: row.get(0)?,
            is_on: row.get(1)?,
            at: time(row.get(2)?),
            until: row.get::<_, Option<i64>>(3)?.and_then(until),
        })
    };
    let mut rows = switches.query([now.as_microsecond()])?;
    let mut switches = Vec::new();
    while let Some(row) = rows.next()? {
        switches.extend(unreadable.take(row, "switches", read(row))?);
    }
    Ok(switches)
}

/// Reads a row of [`COLUMNS`].
pub(super) fn call(row: &Row<'_>) -> rusqlite::Result<Call> {
    let caller: String = row.get(5)?;
    let identity = match row.get::<_, Option<String>>(6)? {
        None => Some(caller.clone()),
        Some(nobody) if nobody.is_empty() => None,
        withheld => withheld,
    };
    let shadow =
        json(row, 15, "an array of texts", |shadow| serde_json::from_str(shadow))?.unwrap_or_default();
    let decided_in = u64::try_from(row.get::<_, Option<i64>>(17)?.unwrap_or_default()).unwrap_or_default();
    let ended = match (row.get::<_, Option<i64>>(18)?, row.get::<_, Option<String>>(20)?) {
        (Some(at), Some(how)) => Some(Ended { at: time(at), status: row.get(19)?, how: Cow::Owned(how) }),
        _ => None,
    };
    Ok(Call {
        number: u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
        at: time(row.get(1)?),
        id: row.get(2)?,
        call_id: row.get(3)?,
        line: row.get(4)?,
        caller,
        display_name: row.get(7)?,
        source: row.get(8)?,
        verdict: Outcome::read(&row.get::<_, String>(9)?, row.get(10)?, row.get(11)?),
        rule: row.get(12)?,
        entry: row.get(14)?,
        reason: row.get(21)?,
        evidence: Evidence {
            identity,
            list: row.get(13)?,
            shadow,
            facts: facts(row, 22)?,
            policy: Arc::from(row.get::<_, Option<String>>(16)?.unwrap_or_default()),
            is_audited: row.get::<_, Option<i64>>(23)?.is_some(),
            is_late: row.get::<_, Option<i64>>(24)?.is_some(),
            is_sole: false,
            decided_in: Duration::from_micros(decided_in),
        },
        ended,
    })
}

/// Reads facts, and leaves them as they are written: whoever shows them as JSON takes them for it.
fn facts(row: &Row<'_>, index: usize) -> rusqlite::Result<String> {
    let written = |facts: &str| serde_json::from_str::<Map<String, Value>>(facts).map(|_| facts.to_owned());
    json(row, index, "an object", written).map(Option::unwrap_or_default)
}

/// Reads a JSON text, if there is one. What is none is told without what stands there.
fn json<T>(
    row: &Row<'_>,
    index: usize,
    expected: &str,
    read: impl FnOnce(&str) -> serde_json::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(index)?;
    let misfit =
        |_| Error::FromSqlConversionFailure(index, Type::Text, format!("no JSON of {expected}").into());
    text.filter(|text| !text.is_empty()).as_deref().map(read).transpose().map_err(misfit)
}

/// Reads a time; one that no calendar has is the beginning.
pub(super) fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Reads when something ends; a time that no calendar has is never.
fn until(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}

/// Reads the rules of a JSON array.
pub(super) fn shadow(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}
