//! The packs in the file: calls that came so fast that a row for each would have cost the next ones their core.
//!
//! A pack stays one until it is removed, and whoever asks for calls looks into it: nobody pays later for what was
//! saved. Calls that have not ended, or are kept longer, are rows at all times.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::call::Ended;
use super::forget::Person;
use super::kept::Kept;
use super::pack::{LONGEST, Pack, Span, Unpacked};
use super::unreadable::Unreadable;

/// So many calls that have ended in one transaction are packed: those of a moment of some 64 calls a second, for records gather
/// for a quarter of one. Of fewer nobody feels what they cost.
pub(super) const FEWEST: usize = 16;

/// A transaction writes fewer calls,
const MOST_CALLS: u64 = 1 << 16;
/// and a pack that is full takes one more, of which each text was in one datagram.
const MOST_BYTES: usize = 2 * LONGEST;

/// Which packs are looked into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within {
    /// Those that have calls of this time or later, in microseconds since 1970,
    pub(super) since: i64,
    /// and of a time before.
    pub(super) until: i64,
}

/// What stands in one pack.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) span: Span,
    pub(super) calls: Vec<Kept>,
}

/// All of them.
pub(super) const ALL: Within = Within { since: i64::MIN, until: i64::MAX };

/// Writes calls that have ended, with their numbers.
pub(super) fn write(connection: &Connection, calls: &[(i64, &Kept, &Ended)]) -> rusqlite::Result<()> {
    let mut pack: Option<Pack<'_>> = None;
    // To grow in steps would copy it.
    let room = calls.iter().map(|(_, call, _)| Pack::room(call)).sum::<usize>().min(LONGEST);
    for (number, call, ended) in calls {
        match &mut pack {
            Some(pack) if !pack.is_full() => pack.add(*number, call, ended),
            _ => {
                if let Some(full) = pack.replace(Pack::of(*number, call, ended, room)) {
                    insert(connection, &full)?;
                }
            }
        }
    }
    pack.map_or(Ok(()), |pack| insert(connection, &pack))
}

fn insert(connection: &Connection, pack: &Pack<'_>) -> rusqlite::Result<()> {
    let Span { first, last, oldest, newest, count } = pack.span();
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO packs (first, last, oldest, newest, count, calls)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![first, last, oldest, newest, count, pack.bytes()])?;
    Ok(())
}

/// Shows what stands in each pack, the latest first, until one says to stop. Returns what cannot be read.
pub(super) fn latest_first(
    connection: &Connection,
    within: Within,
    mut show: impl FnMut(Content) -> ControlFlow<()>,
) -> rusqlite::Result<Unreadable> {
    let mut unreadable = Unreadable::default();
    if !exist(connection)? {
        return Ok(unreadable);
    }
    // Which they are, before any is read: to sort them with their bytes would copy the file.
    let which: rusqlite::Result<Vec<i64>> = connection
        .prepare_cached("SELECT first FROM packs WHERE newest >= ?1 ORDER BY newest DESC, first DESC")?
        .query_map([within.since], |row| row.get(0))?
        .collect();
    let mut pack = connection.prepare_cached(
        "SELECT first, oldest, newest, count, calls FROM packs WHERE first = ?1 AND oldest < ?2",
    )?;
    for first in which? {
        // One that was removed meanwhile has nothing to show.
        let read = |row: &Row<'_>| unreadable.take(row, TABLE, content(row));
        let Some((content, lost)) = pack.query_row([first, within.until], read).optional()?.flatten() else {
            continue;
        };
        unreadable.add(lost);
        if show(content).is_break() {
            break;
        }
    }
    Ok(unreadable)
}

/// Returns the first pack behind a place that has calls above a number, of those with calls since a time. The place moves
/// behind each that is over, and what of it cannot be read is noted then, once.
pub(super) fn after(
    connection: &Connection,
    place: &mut i64,
    number: i64,
    since: i64,
    unreadable: &mut Unreadable,
) -> rusqlite::Result<Option<(Content, Unreadable)>> {
    if !exist(connection)? {
        return Ok(None);
    }
    // By its number and not by `newest`: to sort them with their bytes would copy the file. What its `last` says is not asked.
    let mut packs = connection.prepare_cached(
        "SELECT first, oldest, newest, count, calls FROM packs WHERE first > ?1 AND +newest >= ?2 ORDER BY first",
    )?;
    let mut rows = packs.query([*place, since])?;
    while let Some(row) = rows.next()? {
        if let Some((content, lost)) = unreadable.take(row, TABLE, content(row))? {
            if !content.calls.is_empty() && content.span.last > number {
                return Ok(Some((content, lost)));
            }
            unreadable.add(lost);
        }
        *place = row.get(0)?;
    }
    Ok(None)
}

/// Returns the lowest number in packs with calls since a time.
pub(super) fn first(connection: &Connection, since: i64) -> rusqlite::Result<Option<i64>> {
    if !exist(connection)? {
        return Ok(None);
    }
    connection.query_row("SELECT min(first) FROM packs WHERE newest >= ?1", [since], |row| row.get(0))
}

/// Tells whether the file has packs: one of an earlier version, which nobody has opened to write, has none.
fn exist(connection: &Connection) -> rusqlite::Result<bool> {
    connection.table_exists(None::<&str>, "packs")
}

/// How the file calls them.
const TABLE: &str = "packs";

/// Reads a pack as far as it can be read, and returns what cannot: a count that is too low hides no call, and which is the
/// last is what the calls say.
fn content(row: &Row<'_>) -> rusqlite::Result<(Content, Unreadable)> {
    let [first, oldest, newest, count] = [0, 1, 2, 3].map(|index| row.get(index));
    let first = first?;
    let mut span = Span { first, last: first, oldest: oldest?, newest: newest?, count: count? };
    let mut calls = Vec::new();
    // What a damaged file has more of, in bytes or in calls, no pack ever had.
    let count = u64::try_from(span.count).unwrap_or_default().min(MOST_CALLS);
    let blob = row.get_ref(4)?.as_blob()?;
    let mut is_whole = blob.len() <= MOST_BYTES;
    let mut unpacked = Unpacked::of(span.first, &blob[..blob.len().min(MOST_BYTES)]);
    for call in unpacked.by_ref().take(usize::try_from(MOST_CALLS).unwrap_or_default()) {
        match call {
            // Each has a higher number than the one before: octets that read as another are none.
            Ok(call) if calls.last().is_none_or(|last: &Kept| call.number > last.number) => calls.push(call),
            Ok(_) | Err(_) => {
                is_whole = false;
                break;
            }
        }
    }
    is_whole &= unpacked.next().is_none();
    span.last = calls.last().map_or(first, number);
    let left = count.saturating_sub(calls.len() as u64);
    // What cannot be read is at least one.
    let lost = if is_whole { left } else { left.max(1) };
    let mut unreadable = Unreadable::default();
    unreadable
        .note(lost, || format!("row {} of {TABLE}: {} of its calls can be read", span.first, calls.len()));
    Ok((Content { span, calls }, unreadable))
}

/// Returns the number of a call as the file has it.
pub(super) fn number(call: &Kept) -> i64 {
    i64::try_from(call.number).unwrap_or(i64::MAX)
}

/// Takes a person out of the packs, with what cannot be read of those that name them. Returns how many calls went.
pub(super) fn forget(connection: &Connection, person: Person<'_>) -> rusqlite::Result<usize> {
    // Whoever is named has their bytes there: what has not is not taken apart.
    let mut packs = connection.prepare(
        "SELECT first, oldest, newest, count, calls FROM packs
         WHERE ?2 OR instr(calls, CAST(?1 AS BLOB)) ORDER BY first",
    )?;
    let mut named = Vec::new();
    let mut rows = packs.query((person.identity(), person.is_number()))?;
    let mut removed = 0;
    while let Some(row) = rows.next()? {
        if person.is_number() && !person.may_be_named(row.get_ref(4)?.as_blob()?) {
            continue;
        }
        let (Content { span, calls }, unreadable) = content(row)?;
        let before = calls.len();
        let stay: Vec<_> = calls.into_iter().filter(|call| !person.is_in(call)).collect();
        if stay.len() < before || unreadable.rows > 0 {
            removed += before - stay.len();
            named.push((span.first, stay));
        }
    }
    drop(rows);
    for (first, calls) in named {
        connection.prepare_cached("DELETE FROM packs WHERE first = ?1")?.execute([first])?;
        let stay = calls.iter().filter_map(|call| Some((number(call), call, call.ended.as_ref()?)));
        write(connection, &stay.collect::<Vec<_>>())?;
    }
    Ok(removed)
}

/// Removes the first pack with nothing later than a time. Returns how many calls were in it.
pub(super) fn remove_old(connection: &Connection, before: i64) -> rusqlite::Result<usize> {
    let oldest = "SELECT first, count FROM packs WHERE newest < ?1 ORDER BY newest LIMIT 1";
    remove(connection, oldest, before)
}

/// Removes the first pack. Returns how many calls were in it.
pub(super) fn remove_first(connection: &Connection) -> rusqlite::Result<usize> {
    remove(connection, "SELECT first, count FROM packs WHERE first >= ?1 ORDER BY first LIMIT 1", i64::MIN)
}

fn remove(connection: &Connection, which: &str, asked: i64) -> rusqlite::Result<usize> {
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let found = connection.prepare_cached(which)?.query_row([asked], read).optional()?;
    let Some((first, count)) = found else { return Ok(0) };
    connection.prepare_cached("DELETE FROM packs WHERE first = ?1")?.execute([first])?;
    // One that says it has none is one thing all the same: else nobody would go on.
    Ok(usize::try_from(count).unwrap_or_default().max(1))
}
