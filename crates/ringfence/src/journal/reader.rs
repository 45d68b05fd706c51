//! Reads the journal's file, beside the program that writes it or without one.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Row, params_from_iter};

use super::call::{Added, Call, Flipped};
use super::kept::Kept;
use super::packs::{self, Within};
use super::query::Query;
use super::row::{COLUMNS, LATE, call, entries, shadow, switches, time};
use super::stats::Stats;
use super::unreadable::Unreadable;
use crate::store::{Store, StoreError};

/// Reads the journal's file. Whoever writes it is not held up.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Connection,
    path: std::path::PathBuf,
    columns: String,
    /// How far back the rules see.
    retention: SignedDuration,
    /// What could not be read so far.
    unreadable: RefCell<Unreadable>,
}

/// Calls that are read in one go: between two, whoever writes may tidy up.
const PAGE: u32 = 512;
/// How the file calls the calls.
const CALLS: &str = "calls";

impl Reader {
    /// Opens the journal at a path.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Store::read(path)?;
        let late = if connection.column_exists(None, "calls", LATE).unwrap_or(false) { LATE } else { "NULL" };
        Ok(Self {
            connection,
            path: path.to_owned(),
            columns: format!("{COLUMNS}, {late}"),
            retention: SignedDuration::MAX,
            unreadable: RefCell::default(),
        })
    }

    /// Has the rules see no further back than calls are kept.
    pub(crate) fn keeping(self, retention: SignedDuration) -> Self {
        Self { retention, ..self }
    }

    /// Returns how far back the rules see.
    pub(crate) fn retention(&self) -> SignedDuration {
        self.retention
    }

    /// Returns the calls that a query asks for, the newest first.
    pub(crate) fn search(&self, query: &Query) -> Result<Vec<Call>, StoreError> {
        let most = query.limit.map_or(usize::MAX, |limit| limit as usize);
        self.told(|| {
            let (mut calls, mut unreadable) = self.rows(query, most)?;
            if unreadable.rows > 0 && query.limit.is_some() {
                // As many as are asked for, though some of the newest are left out.
                (calls, unreadable) = self.rows(&Query { limit: None, ..query.clone() }, most)?;
            }
            let newest_first = |calls: &mut Vec<Call>| {
                calls.sort_by_key(|call| std::cmp::Reverse((call.at, call.number)));
                calls.truncate(most);
            };
            let micros = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
            let within = Within {
                since: micros(query.since).unwrap_or(i64::MIN),
                until: micros(query.until).unwrap_or(i64::MAX),
            };
            let packed = packs::latest_first(&self.connection, within, |pack| {
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
            unreadable.add(packed);
            self.tell(unreadable);
            Ok(calls)
        })
    }

    /// Returns the rows that a query asks for, so many at most, and what of them cannot be read.
    fn rows(&self, query: &Query, most: usize) -> rusqlite::Result<(Vec<Call>, Unreadable)> {
        let (sql, values) = query.sql(&self.columns);
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let (mut calls, mut unreadable) = (Vec::new(), Unreadable::default());
        while calls.len() < most
            && let Some(row) = rows.next()?
        {
            calls.extend(unreadable.take(row, CALLS, call(row))?);
        }
        Ok((calls, unreadable))
    }

    /// Shows every call since a time, in the order in which they came, until one says to stop.
    pub(crate) fn walk(
        &self,
        since: Option<Timestamp>,
        mut show: impl FnMut(&Call) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let since = since.map_or(i64::MIN, Timestamp::as_microsecond);
        let sql = format!(
            "SELECT {} FROM calls WHERE number > ?1 AND number <= ?3 AND at >= ?2 ORDER BY number LIMIT {PAGE}",
            self.columns
        );
        let first = "SELECT ifnull(min(number), ?2) FROM calls WHERE at >= ?1";
        let mut last = self.told(|| {
            let row: i64 = self.connection.query_row(first, [since, i64::MAX], |row| row.get(0))?;
            Ok(packs::first(&self.connection, since)?.unwrap_or(i64::MAX).min(row).saturating_sub(1))
        })?;
        let (mut pack, mut unreadable) = (last, Unreadable::default());
        while let Some((page, end)) =
            self.told(|| self.page(&sql, last, &mut pack, since, &mut unreadable))?
        {
            last = end;
            if page.iter().try_for_each(&mut show).is_break() {
                break;
            }
        }
        self.tell(unreadable);
        Ok(())
    }

    /// Returns the calls that come after a number, of packs those behind a place, and the number up to which these are all
    /// there are. What cannot be read is noted with the page that it would be on.
    fn page(
        &self,
        sql: &str,
        last: i64,
        place: &mut i64,
        since: i64,
        unreadable: &mut Unreadable,
    ) -> rusqlite::Result<Option<(Vec<Call>, i64)>> {
        // Rows and packs as they are at one moment.
        let moment = self.connection.unchecked_transaction()?;
        let pack = packs::after(&moment, place, last, since, unreadable)?;
        let pack_end = pack.as_ref().map_or(i64::MAX, |(pack, _)| pack.span.last);
        let mut statement = moment.prepare_cached(sql)?;
        let mut rows = statement.query((last, since, pack_end))?;
        let (mut page, mut seen, mut end) = (Vec::new(), 0, pack_end);
        while let Some(row) = rows.next()? {
            seen += 1;
            if seen == PAGE {
                end = row.get(0)?;
            }
            page.extend(unreadable.take(row, CALLS, call(row))?);
        }
        let Some((pack, lost)) = pack else {
            return Ok((seen > 0).then_some((page, end)));
        };
        if end == pack_end {
            *place = pack.span.first;
            unreadable.add(lost);
        }
        let calls = pack.calls.iter().filter(|call| call.at.as_microsecond() >= since);
        page.extend(calls.filter(|call| (last + 1..=end).contains(&packs::number(call))).map(Kept::call));
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
                .prepare("SELECT number, at, verdict, rule, list, line, shadow FROM calls WHERE at >= ?1")?;
            let mut rows = calls.query([since])?;
            let (mut stats, mut unreadable) = (Stats::default(), Unreadable::default());
            while let Some(row) = rows.next()? {
                unreadable.take(row, CALLS, count(row, zone, &mut stats))?;
            }
            let packed = packs::latest_first(&self.connection, Within { since, ..packs::ALL }, |pack| {
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
            unreadable.add(packed);
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
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            let (mut distinct, mut unreadable) = (BTreeSet::new(), Unreadable::default());
            while let Some(row) = rows.next()? {
                distinct.extend(unreadable.take(row, CALLS, row.get::<_, String>(0))?);
            }
            let packed = packs::latest_first(&self.connection, packs::ALL, |pack| {
                distinct.extend(pack.calls.iter().map(|call| of(call).to_owned()));
                ControlFlow::Continue(())
            })?;
            unreadable.add(packed);
            self.tell(unreadable);
            Ok(distinct.into_iter().collect())
        })
    }

    /// Returns what could not be read so far, at least: what is damaged hides nothing else.
    pub(crate) fn unreadable(&self) -> Unreadable {
        self.unreadable.borrow().clone()
    }

    /// Returns the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn tell(&self, unreadable: Unreadable) {
        self.unreadable.borrow_mut().at_least(unreadable);
    }

    /// Reads, and notes what of it cannot be read.
    fn noting<T>(&self, read: impl FnOnce(&mut Unreadable) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let mut unreadable = Unreadable::default();
        let read = self.told(|| read(&mut unreadable));
        self.tell(unreadable);
        read
    }

    /// Returns what was added to lists for a time and still holds, the newest first.
    pub(crate) fn entries(&self, now: Timestamp) -> Result<Vec<Added>, StoreError> {
        self.noting(|unreadable| entries(&self.connection, now, unreadable))
    }

    /// Returns the switches that are not as their default has them.
    pub(crate) fn switches(&self, now: Timestamp) -> Result<Vec<Flipped>, StoreError> {
        self.noting(|unreadable| switches(&self.connection, now, unreadable))
    }

    /// Reads what the rules remember, as a start does.
    pub(crate) fn past(&self, now: Timestamp) -> Result<super::Past, StoreError> {
        self.told(|| {
            let past = super::Past::keeping(self.retention);
            past.read_calls(&self.connection, now)?;
            past.read_state(&self.connection, now)?;
            Ok(past)
        })
    }

    fn told<T>(&self, read: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, StoreError> {
        read().map_err(|error| StoreError::of(&self.path, &error))
    }
}

/// Counts a row.
fn count(row: &Row<'_>, zone: &jiff::tz::TimeZone, stats: &mut Stats) -> rusqlite::Result<()> {
    let day = time(row.get(1)?).to_zoned(zone.clone()).date();
    let text = |index| row.get_ref(index).and_then(|value| Ok(value.as_str_or_null()?));
    let (verdict, rule, list) = (text(2)?.unwrap_or_default(), text(3)?.unwrap_or_default(), text(4)?);
    let (line, shadow) = (text(5)?.unwrap_or_default(), text(6)?.map(shadow).unwrap_or_default());
    stats.count(day, verdict, rule, list, line, &shadow);
    Ok(())
}
