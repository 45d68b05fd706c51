//! Reads the journal's file, beside the program that writes it or without one.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params_from_iter};

use super::call::{Added, Call, Ended, Evidence, Flipped, Outcome};
use super::kept::Kept;
use super::packs::{self, Within};
use super::query::Query;
use super::stats::Stats;
use crate::store::{Store, StoreError};

/// Reads the journal's file. Whoever writes it is not held up.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Connection,
    path: std::path::PathBuf,
    columns: String,
    /// Calls that could not be read.
    unreadable: Cell<u64>,
}

/// What a row of calls is read from, in this order.
const COLUMNS: &str = "number, at, id, call_id, line, caller, identity, display_name, source, verdict, status, \
                       target, rule, list, entry, shadow, policy, decided_in, ended_at, ended_status, ended_how, \
                       reason, facts, audited";
/// The last of them; a file of an earlier version, which nobody has opened to write, has none.
const LATE: &str = "late";
/// Calls that are read in one go: between two, whoever writes may tidy up.
const PAGE: u32 = 512;

impl Reader {
    /// Opens the journal at a path.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Store::read(path)?;
        let late = if connection.column_exists(None, "calls", LATE).unwrap_or(false) { LATE } else { "NULL" };
        Ok(Self {
            connection,
            path: path.to_owned(),
            columns: format!("{COLUMNS}, {late}"),
            unreadable: Cell::default(),
        })
    }

    /// Returns the calls that a query asks for, the newest first.
    pub(crate) fn search(&self, query: &Query) -> Result<Vec<Call>, StoreError> {
        let most = query.limit.map_or(usize::MAX, |limit| limit as usize);
        self.told(|| {
            let (sql, values) = query.sql(&self.columns);
            let mut rows = self.connection.prepare(&sql)?;
            let calls: rusqlite::Result<Vec<_>> = rows.query_map(params_from_iter(values), call)?.collect();
            let mut calls = calls?;
            let newest_first = |calls: &mut Vec<Call>| {
                calls.sort_by_key(|call| std::cmp::Reverse((call.at, call.number)));
                calls.truncate(most);
            };
            let micros = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
            let within = Within {
                since: micros(query.since).unwrap_or(i64::MIN),
                until: micros(query.until).unwrap_or(i64::MAX),
            };
            let unreadable = packs::latest_first(&self.connection, within, |pack| {
                // Where there are enough that are newer than all of it, nothing of this pack or the next is asked for.
                let is_older = |call: &Call| pack.span.newest < call.at.as_microsecond();
                if calls.len() >= most && calls.last().is_some_and(is_older) {
                    return ControlFlow::Break(());
                }
                calls.extend(pack.calls.iter().filter(|call| query.is_about(call)).map(Kept::call));
                if query.limit.is_some() {
                    newest_first(&mut calls);
                }
                ControlFlow::Continue(())
            })?;
            newest_first(&mut calls);
            self.tell(unreadable);
            Ok(calls)
        })
    }

    /// Shows every call since a time, in the order in which they came, until one says to stop.
    pub(crate) fn walk(
        &self,
        since: Option<Timestamp>,
        mut show: impl FnMut(&Call) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let since = since.map_or(i64::MIN, Timestamp::as_microsecond);
        let sql = format!(
            "SELECT {} FROM calls WHERE number > ?1 AND at >= ?2 ORDER BY number LIMIT {PAGE}",
            self.columns
        );
        let first = "SELECT ifnull(min(number), ?2) FROM calls WHERE at >= ?1";
        let mut last = self.told(|| {
            let row: i64 = self.connection.query_row(first, [since, i64::MAX], |row| row.get(0))?;
            Ok(packs::first(&self.connection, since)?.unwrap_or(i64::MAX).min(row).saturating_sub(1))
        })?;
        loop {
            let Some((page, end)) = self.told(|| self.page(&sql, last, since))? else { return Ok(()) };
            last = end;
            if page.iter().try_for_each(&mut show).is_break() {
                return Ok(());
            }
        }
    }

    /// Returns the calls that come after a number, and the number up to which these are all there are.
    fn page(&self, sql: &str, last: i64, since: i64) -> rusqlite::Result<Option<(Vec<Call>, i64)>> {
        // Rows and packs as they are at one moment.
        let moment = self.connection.unchecked_transaction()?;
        let rows: rusqlite::Result<_> = moment.prepare_cached(sql)?.query_map((last, since), call)?.collect();
        let mut page: Vec<Call> = rows?;
        let pack = packs::after(&moment, last, since)?;
        let number = |call: &Call| i64::try_from(call.number).unwrap_or(i64::MAX);
        let rows_end = page.last().map(number).filter(|_| page.len() >= PAGE as usize);
        let end = match (rows_end, pack.as_ref().map(|(pack, _)| pack.span.last)) {
            (None, None) if page.is_empty() => return Ok(None),
            (rows, pack) => rows.unwrap_or(i64::MAX).min(pack.unwrap_or(i64::MAX)),
        };
        if let Some((pack, unreadable)) = pack {
            self.tell(unreadable);
            let calls = pack.calls.iter().filter(|call| call.at.as_microsecond() >= since).map(Kept::call);
            page.extend(calls.filter(|call| number(call) > last));
        }
        page.retain(|call| number(call) <= end);
        page.sort_by_key(|call| call.number);
        Ok(Some((page, end)))
    }

    /// Counts the calls since a time per rule, list, line and day of a time zone.
    pub(crate) fn stats(
        &self,
        since: Option<Timestamp>,
        zone: &jiff::tz::TimeZone,
    ) -> Result<Stats, StoreError> {
        self.told(|| {
            let since = since.map_or(i64::MIN, Timestamp::as_microsecond);
            let mut calls = self
                .connection
                .prepare("SELECT at, verdict, rule, list, line, shadow FROM calls WHERE at >= ?1")?;
            let mut rows = calls.query([since])?;
            let mut stats = Stats::default();
            while let Some(row) = rows.next()? {
                let day = time(row.get(0)?).to_zoned(zone.clone()).date();
                let text = |index| row.get_ref(index).and_then(|value| Ok(value.as_str_or_null()?));
                let shadow = text(5)?.map(shadow).unwrap_or_default();
                let (verdict, rule, line) = (text(1)?, text(2)?, text(4)?);
                stats.count(
                    day,
                    verdict.unwrap_or_default(),
                    rule.unwrap_or_default(),
                    text(3)?,
                    line.unwrap_or_default(),
                    &shadow,
                );
            }
            let unreadable = packs::latest_first(&self.connection, Within { since, ..packs::ALL }, |pack| {
                for call in pack.calls.iter().filter(|call| call.at.as_microsecond() >= since) {
                    let day = call.at.to_zoned(zone.clone()).date();
                    stats.count(
                        day,
                        call.verdict.name(),
                        call.rule(),
                        call.list(),
                        call.line(),
                        &call.shadow,
                    );
                }
                ControlFlow::Continue(())
            })?;
            self.tell(unreadable);
            Ok(stats)
        })
    }

    /// Returns the lines that were called. It looks at every call.
    pub(crate) fn lines(&self) -> Result<Vec<String>, StoreError> {
        self.distinct("SELECT DISTINCT line FROM calls", Kept::line)
    }

    /// Returns the rules that decided. It looks at every call.
    pub(crate) fn rules(&self) -> Result<Vec<String>, StoreError> {
        self.distinct("SELECT DISTINCT rule FROM calls", Kept::rule)
    }

    fn distinct(&self, sql: &str, of: impl Fn(&Kept) -> &str) -> Result<Vec<String>, StoreError> {
        self.told(|| {
            let rows: rusqlite::Result<BTreeSet<String>> =
                self.connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect();
            let mut distinct = rows?;
            let unreadable = packs::latest_first(&self.connection, packs::ALL, |pack| {
                distinct.extend(pack.calls.iter().map(|call| of(call).to_owned()));
                ControlFlow::Continue(())
            })?;
            self.tell(unreadable);
            Ok(distinct.into_iter().collect())
        })
    }

    /// Returns how many calls could not be read so far, at least: what is damaged hides nothing else.
    pub(crate) fn unreadable(&self) -> u64 {
        self.unreadable.get()
    }

    fn tell(&self, unreadable: u64) {
        self.unreadable.set(self.unreadable.get().max(unreadable));
    }

    /// Returns what was added to lists for a time and still holds, the newest first.
    pub(crate) fn entries(&self, now: Timestamp) -> Result<Vec<Added>, StoreError> {
        self.told(|| entries(&self.connection, now))
    }

    /// Returns the switches that are not as their default has them.
    pub(crate) fn switches(&self, now: Timestamp) -> Result<Vec<Flipped>, StoreError> {
        self.told(|| switches(&self.connection, now))
    }

    /// Reads what the rules remember, as a start does.
    pub(crate) fn past(&self, now: Timestamp) -> Result<super::Past, StoreError> {
        self.told(|| {
            let past = super::Past::default();
            past.read_calls(&self.connection, now)?;
            past.read_state(&self.connection, now)?;
            Ok(past)
        })
    }

    fn told<T>(&self, read: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, StoreError> {
        read().map_err(|error| StoreError::of(&self.path, &error))
    }
}

/// Returns what was added to lists for a time and still holds, the newest first.
pub(super) fn entries(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Added>> {
    let mut entries = connection.prepare(
        "SELECT list, identity, added, until, rule, note FROM entries
         WHERE until IS NULL OR until > ?1 ORDER BY added DESC, list, identity",
    )?;
    let rows = entries.query_map([now.as_microsecond()], |row| {
        Ok(Added {
            list: row.get(0)?,
            identity: row.get(1)?,
            at: time(row.get(2)?),
            until: row.get::<_, Option<i64>>(3)?.and_then(until),
            rule: row.get(4)?,
            note: row.get(5)?,
        })
    })?;
    rows.collect()
}

/// Returns the switches that are not as their default has them.
pub(super) fn switches(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Flipped>> {
    let mut switches = connection.prepare(
        "SELECT name, is_on, flipped, until FROM switches WHERE until IS NULL OR until > ?1 ORDER BY name",
    )?;
    let rows = switches.query_map([now.as_microsecond()], |row| {
        Ok(Flipped {
            name: row.get(0)?,
            is_on: row.get(1)?,
            at: time(row.get(2)?),
            until: row.get::<_, Option<i64>>(3)?.and_then(until),
        })
    })?;
    rows.collect()
}

/// Reads a row of [`COLUMNS`].
fn call(row: &Row<'_>) -> rusqlite::Result<Call> {
    let caller: String = row.get(5)?;
    let identity = match row.get::<_, Option<String>>(6)? {
        None => Some(caller.clone()),
        Some(nobody) if nobody.is_empty() => None,
        withheld => withheld,
    };
    let shadow = row.get::<_, Option<String>>(15)?.as_deref().map(shadow).unwrap_or_default();
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
        verdict: Outcome::read(row.get_ref(9)?.as_str()?, row.get(10)?, row.get(11)?),
        rule: row.get(12)?,
        entry: row.get(14)?,
        reason: row.get(21)?,
        evidence: Evidence {
            identity,
            list: row.get(13)?,
            shadow,
            facts: row.get::<_, Option<String>>(22)?.unwrap_or_default(),
            policy: Arc::from(row.get::<_, Option<String>>(16)?.unwrap_or_default()),
            is_audited: row.get::<_, Option<i64>>(23)?.is_some(),
            is_late: row.get::<_, Option<i64>>(24)?.is_some(),
            is_sole: false,
            decided_in: Duration::from_micros(decided_in),
        },
        ended,
    })
}

/// Reads a time; one that no calendar has is the beginning.
fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Reads when something ends; a time that no calendar has is never.
fn until(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}

/// Reads the rules of a JSON array.
fn shadow(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}
