//! How records become rows, and in busy moments packs: a transaction for many.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::ffi::{self, ErrorCode};
use rusqlite::{Connection, Error, Statement, TransactionBehavior, params};

use super::call::{Ended, Record};
use super::generations::Generations;
use super::kept::Kept;
use super::packs;

/// Writes records, and knows which rows wait for the end of their call.
#[derive(Debug)]
pub(super) struct Rows {
    open: Generations<String, i64>,
}

/// Calls under way whose row is known. The end of one that is forgotten is not written.
const MOST_OPEN: usize = 65_536;

impl Rows {
    pub(super) fn new() -> Self {
        Self { open: Generations::new(MOST_OPEN) }
    }

    /// Writes records in one transaction: all of them, or none.
    pub(super) fn write(&mut self, connection: &mut Connection, records: &[Record]) -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Most calls end before they are written: they become one row at once.
        let mut ends: HashMap<&str, &Ended> = HashMap::with_capacity(records.len() / 2);
        for record in records {
            if let Record::Ended { id, ended } = record {
                ends.insert(id, ended);
            }
        }
        let before = last_number(&transaction)?;
        let mut last = before;
        let mut calls = Vec::with_capacity(records.len());
        for record in records {
            if let Record::Call(call) = record {
                // What the call itself has of its end was judged by its line.
                let told = if ends.is_empty() { None } else { ends.remove(call.id()) };
                last += 1;
                calls.push((last, &**call, call.ended.as_ref().or(told)));
            }
        }
        let opened = write_calls(&transaction, &calls)?;
        let mut closed = Vec::new();
        for record in records {
            match record {
                Record::Call(_) => {}
                Record::Ended { id, ended } => {
                    if let Some(row) = self.open.get(id)
                        && ends.contains_key(id.as_str())
                    {
                        end(&transaction, *row, ended)?;
                        closed.push(id);
                    }
                }
                Record::Dialed { .. } | Record::Answered { .. } | Record::Added(_) | Record::Flipped(_) => {
                    remember(&transaction, record)?;
                }
            }
        }
        if last > before {
            transaction.prepare_cached("UPDATE numbering SET last = ?1")?.execute([last])?;
        }
        transaction.commit()?;
        for (row, call) in opened {
            *self.open.touch(call.id().to_owned()).0 = row;
        }
        for id in closed {
            self.open.remove(id);
        }
        Ok(())
    }
}

/// A call, its number and its end.
type Numbered<'a> = (i64, &'a Kept, Option<&'a Ended>);

/// Writes calls: in packs those that have ended and are kept no longer than others, if there are many, and the rest as rows.
/// Returns those that have not ended.
fn write_calls<'a>(
    connection: &Connection,
    calls: &[Numbered<'a>],
) -> rusqlite::Result<Vec<(i64, &'a Kept)>> {
    let packed = |&(number, call, ended): &Numbered<'a>| {
        ended.filter(|_| !call.is_audited).map(|ended| (number, call, ended))
    };
    let together: Vec<_> = calls.iter().filter_map(packed).collect();
    let is_busy = together.len() >= packs::FEWEST;
    if is_busy {
        packs::write(connection, &together)?;
    }
    let mut insert = connection.prepare_cached(INSERT)?;
    let mut opened = Vec::new();
    for numbered @ (number, call, ended) in calls {
        if !(is_busy && packed(numbered).is_some()) {
            insert_call(&mut insert, *number, call, *ended)?;
        }
        if ended.is_none() {
            opened.push((*number, *call));
        }
    }
    Ok(opened)
}

/// The highest number that a call can have: at a thousand calls a second it takes 285,000 years, and every reader of JSON knows it
/// from its neighbours.
const MOST_NUMBER: i64 = 1 << 53;

/// Returns the highest number that a call was ever given. Who has changed the tables by hand is not punished, unless no
/// call could have had such a number: behind the last one there is, there are none.
pub(super) fn last_number(connection: &Connection) -> rusqlite::Result<i64> {
    let last = connection
        .prepare_cached(
            "SELECT max(ifnull((SELECT max(last) FROM numbering), 0), ifnull((SELECT max(number) FROM calls), 0),
                    ifnull((SELECT last FROM packs ORDER BY first DESC LIMIT 1), 0))",
        )?
        .query_row([], |row| row.get(0))?;
    if last < MOST_NUMBER {
        return Ok(last);
    }
    let detail =
        format!("its last call has the number {last}, which none can have (`numbering`, `calls`, `packs`)");
    let corrupt = ffi::Error { code: ErrorCode::DatabaseCorrupt, extended_code: ffi::SQLITE_CORRUPT };
    Err(Error::SqliteFailure(corrupt, Some(detail)))
}

const INSERT: &str = "INSERT INTO calls (number, at, id, call_id, line, caller, identity, display_name, source, verdict, \
                      status, target, rule, list, entry, shadow, policy, decided_in, ended_at, ended_status, \
                      ended_how, reason, facts, audited, late) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
                      ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)";

fn insert_call(
    insert: &mut Statement<'_>,
    number: i64,
    call: &Kept,
    ended: Option<&Ended>,
) -> rusqlite::Result<()> {
    let shadow = (!call.shadow.is_empty()).then(|| serde_json::to_string(&call.shadow));
    let shadow = shadow.and_then(Result::ok);
    // Most are known by what is shown.
    let is_shown = call.identity() == Some(call.caller());
    let identity = (!is_shown).then(|| call.identity().unwrap_or_default());
    insert.execute(params![
        number,
        call.at.as_microsecond(),
        call.id(),
        call.call_id(),
        call.line(),
        call.caller(),
        identity,
        call.display_name(),
        call.source(),
        call.verdict.name(),
        call.verdict.status(),
        call.verdict.target(),
        call.rule(),
        call.list(),
        call.entry(),
        shadow,
        text(&call.policy),
        i64::try_from(call.decided_in.as_micros()).ok(),
        ended.map(|ended| ended.at.as_microsecond()),
        ended.and_then(|ended| ended.status),
        ended.map(|ended| ended.how.as_ref()),
        call.reason(),
        text(&call.facts()),
        call.is_audited.then_some(1),
        call.is_late.then_some(1),
    ])?;
    Ok(())
}

fn end(connection: &Connection, row: i64, ended: &Ended) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE calls SET ended_at = ?2, ended_status = ?3, ended_how = ?4 WHERE number = ?1",
        )?
        .execute(params![row, ended.at.as_microsecond(), ended.status, ended.how.as_ref()])?;
    Ok(())
}

/// Writes what rules ask for later.
fn remember(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let micros = |at: &Timestamp| at.as_microsecond();
    let now = Timestamp::now();
    match record {
        Record::Dialed { identity, at } => connection
            .prepare_cached(
                // One that is to come is of a clock that stood ahead, and gives way.
                "INSERT INTO spoken (identity, dialed) VALUES (?1, ?2)
                 ON CONFLICT (identity) DO UPDATE SET dialed = excluded.dialed
                 WHERE dialed IS NULL OR dialed < excluded.dialed OR dialed > ?3",
            )?
            .execute(params![identity, micros(at), micros(&now)])?,
        Record::Answered { identity, at } => connection
            .prepare_cached(
                // One that is to come is of a clock that stood ahead, and gives way.
                "INSERT INTO spoken (identity, answered) VALUES (?1, ?2)
                 ON CONFLICT (identity) DO UPDATE SET answered = excluded.answered
                 WHERE answered IS NULL OR answered < excluded.answered OR answered > ?3",
            )?
            .execute(params![identity, micros(at), micros(&now)])?,
        Record::Added(added) => connection
            .prepare_cached(
                // One that still holds is made longer, and has been there since it was added first.
                "INSERT INTO entries (list, identity, added, until, rule, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (list, identity) DO UPDATE SET
                     added = CASE WHEN until IS NULL OR until > excluded.added
                                  THEN min(added, excluded.added) ELSE excluded.added END,
                     until = excluded.until, rule = excluded.rule, note = excluded.note",
            )?
            .execute(params![
                added.list,
                added.identity,
                micros(&added.at),
                added.until.as_ref().map(micros),
                added.rule,
                added.note
            ])?,
        Record::Flipped(flipped) => connection
            .prepare_cached(
                "INSERT OR REPLACE INTO switches (name, is_on, flipped, until) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                flipped.name,
                flipped.is_on,
                micros(&flipped.at),
                flipped.until.as_ref().map(micros)
            ])?,
        Record::Call(_) | Record::Ended { .. } => 0,
    };
    Ok(())
}

/// An empty text says nothing.
fn text(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
