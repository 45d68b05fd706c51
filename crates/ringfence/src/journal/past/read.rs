//! What the file has of the past, read at the start.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::super::generations::Generations;
use super::super::packs::{self, Within};
use super::super::row::{entries, switches};
use super::super::times::Times;
use super::super::unreadable::Unreadable;
use super::shards::Shards;
use super::{LONGEST_EMERGENCY, Past, address, latest, millis};
use crate::keyed::Hashed;

impl Past {
    /// Reads the calls before this start. It comes before the first call: older ones than those that
    /// are known would be taken for a clock that was set back.
    pub(crate) fn read_calls(&self, connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
        let (callers, mut unreadable) = self.callers_of(connection, now)?;
        for (at, key) in callers {
            self.note(&self.callers, key, at);
        }
        let (rates, of_rates) = self.rates_of(connection, now)?;
        for (at, key) in rates {
            self.note(&self.rates, key, at);
        }
        unreadable.at_least(of_rates);
        tell(unreadable);
        Ok(())
    }

    /// Reads them when calls have come already, because the file could not be read at the start. Those that have come count as
    /// later ones, and nobody who has called meanwhile is forgotten for it.
    pub(crate) fn recall_calls(&self, connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
        let (callers, mut unreadable) = self.callers_of(connection, now)?;
        let (rates, of_rates) = self.rates_of(connection, now)?;
        recall(&self.callers, callers);
        recall(&self.rates, rates);
        unreadable.at_least(of_rates);
        tell(unreadable);
        Ok(())
    }

    /// Reads what else was remembered. Entries and switches that are known already are newer, and stay.
    pub(crate) fn read_state(&self, connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
        let mut unreadable = self.read_spoken(connection, now)?;
        for added in entries(connection, now, &mut unreadable)? {
            if !self.has_entry(&added.list, &added.identity) {
                self.set_at(&added, now);
            }
        }
        for flipped in switches(connection, now, &mut unreadable)? {
            if !self.switches.load().contains_key(&flipped.name) {
                self.flip(&Arc::new(flipped));
            }
        }
        if let Some(first) = unreadable.first {
            let rows = unreadable.rows;
            tracing::warn!(
                rows,
                first,
                "what the journal remembers cannot be read whole: the rules leave out the rest"
            );
        }
        Ok(())
    }

    /// Returns who called when, the oldest first.
    fn callers_of(&self, connection: &Connection, now: Timestamp) -> rusqlite::Result<(Called, Unreadable)> {
        let oldest = "SELECT at FROM calls ORDER BY at DESC LIMIT 1 OFFSET ?1";
        let oldest: Option<i64> = connection.query_row(oldest, [MOST_READ], |row| row.get(0)).optional()?;
        // The index has all of it, and is a tenth of the table. To sort it here is quicker than there.
        let mut calls = connection.prepare(
            "SELECT number, ifnull(identity, caller) AS caller, at FROM calls INDEXED BY calls_by_caller
             WHERE identity IS NOT '' AND at > ?1",
        )?;
        let mut rows = calls.query([oldest.unwrap_or(i64::MIN)])?;
        let latest = (now + LATER).as_microsecond();
        let (mut read, mut unreadable) = (Vec::new(), Unreadable::default());
        let caller = |row: &Row<'_>| Ok((row.get(2)?, self.keys.identity(row.get_ref(1)?.as_str()?).0));
        while let Some(row) = rows.next()? {
            match unreadable.take(row, "calls", caller(row))? {
                Some((at, _)) if at > latest => drop(self.from_future.fetch_add(1, Relaxed)),
                called => read.extend(called),
            }
        }
        let within = Within { since: oldest.unwrap_or(i64::MIN), ..packs::ALL };
        let packed = packs::latest_first(connection, within, |pack| {
            for call in &pack.calls {
                match (call.at.as_microsecond(), call.identity()) {
                    (at, Some(_)) if at > latest => drop(self.from_future.fetch_add(1, Relaxed)),
                    (at, Some(identity)) => read.push((at, self.keys.identity(identity).0)),
                    (_, None) => {}
                }
            }
            if read.len() < 2 * MOST_READ as usize {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        unreadable.add(packed);
        read.sort_unstable();
        // Copies of one call on several lines have its time, and are one call of its caller.
        read.dedup();
        let called = read.into_iter().map(|(at, key)| (from_micros(at), key)).collect();
        Ok((called, unreadable))
    }

    /// Returns which line was called from where and when, the oldest first.
    fn rates_of(&self, connection: &Connection, now: Timestamp) -> rusqlite::Result<(Called, Unreadable)> {
        let latest = (now + LATER).as_microsecond();
        let mut calls = connection
            .prepare("SELECT number, line, source, at FROM calls WHERE at <= ?1 ORDER BY at DESC LIMIT ?2")?;
        let mut rows = calls.query((latest, u32::try_from(MOST_RATED).unwrap_or(u32::MAX)))?;
        let mut read = Vec::<(i64, u64, Option<u64>)>::new();
        let keys = |line: &str, source: &str| {
            (self.keys.line(line).0, address(source).map(|source| self.keys.source(source)))
        };
        let called = |row: &Row<'_>| {
            let (line, source) = keys(row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?);
            Ok((row.get(3)?, line, source))
        };
        let mut unreadable = Unreadable::default();
        while let Some(row) = rows.next()? {
            read.extend(unreadable.take(row, "calls", called(row))?);
        }
        let mut packed = 0;
        let of_packs = packs::latest_first(connection, packs::ALL, |pack| {
            for call in pack.calls.iter().filter(|call| call.at.as_microsecond() <= latest) {
                let (line, source) = keys(call.line(), call.source());
                read.push((call.at.as_microsecond(), line, source));
                packed += 1;
            }
            if packed < MOST_RATED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        unreadable.add(of_packs);
        read.sort_by_key(|(at, ..)| Reverse(*at));
        read.truncate(MOST_RATED);
        let (mut newest_first, count) = (Vec::<(u64, i64)>::new(), read.len());
        for (at, line, source) in read {
            newest_first.push((line, at));
            if let Some(source) = source {
                let counted = (source, at);
                // Copies of one call on several lines come from one place.
                let mut same_time = newest_first.iter().rev().take_while(|(_, other)| *other == at);
                if !same_time.any(|other| *other == counted) {
                    newest_first.push(counted);
                }
            }
        }
        if let Some((_, oldest)) = newest_first.last().filter(|_| count == MOST_RATED) {
            let since = Timestamp::from_microsecond(*oldest).unwrap_or_default();
            tracing::info!(%since, calls = count, "rates of lines and sources count no earlier calls");
        }
        let called = newest_first.into_iter().rev().map(|(key, at)| (from_micros(at), key)).collect();
        Ok((called, unreadable))
    }

    fn read_spoken(&self, connection: &Connection, now: Timestamp) -> rusqlite::Result<Unreadable> {
        let mut spoken = connection.prepare("SELECT identity, dialed, answered FROM spoken")?;
        let mut rows = spoken.query([])?;
        let time = |at: Option<i64>| at.map(from_micros);
        let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, time(row.get(1)?), time(row.get(2)?)));
        let mut unreadable = Unreadable::default();
        while let Some(row) = rows.next()? {
            let Some((identity, dialed, answered)) = unreadable.take(row, "spoken", read(row))? else {
                continue;
            };
            self.spoke(&identity, |spoken| {
                for (known, read) in [(&mut spoken.dialed, dialed), (&mut spoken.answered, answered)] {
                    if let Some(read) = read {
                        latest(known, read, millis(now));
                    }
                }
            });
            if identity.len() <= LONGEST_EMERGENCY {
                self.is_short_dialed.store(true, Relaxed);
            }
        }
        Ok(unreadable)
    }
}

/// Puts calls before those that are known, of who called last first: whom there is no room for are those that have not called for
/// longest.
fn recall(shards: &Shards<Generations<u64, Times, Hashed>>, called: Called) {
    let mut earlier: HashMap<u64, Times, Hashed> = HashMap::default();
    for (at, key) in called {
        earlier.entry(key).or_default().add(at);
    }
    let mut earlier: Vec<_> = earlier.into_iter().collect();
    earlier.sort_by_key(|(_, times)| Reverse(times.newest()));
    for (key, times) in earlier {
        if let Some(known) = shards.of(key).recall(key) {
            known.follow(times);
        }
    }
}

/// Says which calls the rules do without.
fn tell(unreadable: Unreadable) {
    if let Some(first) = unreadable.first {
        tracing::warn!(
            calls = unreadable.rows,
            first,
            "calls in the journal cannot be read: the rules leave them out"
        );
    }
}

/// When, in milliseconds, and the key of who called or was called.
type Called = Vec<(u64, u64)>;

fn from_micros(at: i64) -> u64 {
    u64::try_from(at / 1_000).unwrap_or(0)
}

/// Calls that are read at the start at most, the newest.
const MOST_READ: u32 = 1_000_000;
/// Calls of which lines and sources are counted at the start at most, the newest.
const MOST_RATED: usize = 100_000;
/// A call of the file may be this much later than now before its time is taken for wrong.
const LATER: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);
