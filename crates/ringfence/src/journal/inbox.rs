//! What waits to be written: records in order, jobs for in between. Bounded in count and in bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::call::Record;
use super::forget::{Forget, Person};
use super::kept::Kept;
use super::packs;

/// What waits to be written.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Each with when it came.
    records: VecDeque<(Instant, Record)>,
    /// So many of the oldest wait for no end any more: each is looked at once for that.
    settled: usize,
    /// What is being written.
    taken: Option<Oldest>,
    bytes: usize,
    /// When the oldest record came.
    since: Option<Instant>,
    jobs: Vec<Job>,
    is_closed: bool,
}

/// What is known of records that are being written.
#[derive(Debug, Clone, Copy)]
struct Oldest {
    count: usize,
    /// When the first of them came.
    came: Instant,
    /// The earliest time of what they tell.
    at: Timestamp,
}

/// What is done between two transactions, after everything that came before it is written.
#[derive(Debug)]
pub(super) enum Job {
    /// Says when all that came before is written; how it went is in the health.
    Flush(std::sync::mpsc::Sender<()>),
    Forget(Forget),
    /// Does something with the connection that writes, as a disk does that fails.
    #[cfg(test)]
    Spoil(fn(&mut rusqlite::Connection)),
    /// Says that it has begun and keeps the thread until the other end is let go of: what comes meanwhile is one batch.
    #[cfg(test)]
    Hold {
        begun: std::sync::mpsc::Sender<()>,
        until: std::sync::mpsc::Receiver<()>,
    },
}

/// What there is to do.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) records: Vec<Record>,
    pub(super) jobs: Vec<Job>,
    /// How many jobs wait for the records behind these.
    pub(super) jobs_behind: usize,
    pub(super) ending: Ending,
}

/// Whether something comes after this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// As long as the program runs.
    No,
    /// The program ends; there is more of what came before.
    Near,
    /// There is nothing more.
    Last,
}

/// A transaction takes so many records at most,
pub(super) const BATCH: usize = 1_024;
/// and where there are as many it is looked again with each so many more, whether their calls have ended.
const STEP: usize = BATCH / 4;
/// and gathers them for so long at most: four times within the second after which no call may be lost.
const GATHERING: Duration = Duration::from_millis(250);
/// In a busy moment a call that has not ended is not written before it has waited for so long, less than it may, unless there is
/// a job to be done: with its end it is one record instead of two, and can be packed.
const ENDING: Duration = Duration::from_millis(200);
/// Beyond so many, of calls of which many do not end in that time, they are written all the same.
const MOST_HELD: usize = 8 * BATCH;
/// A call that ends is looked for among so many on either side of where it should be: calls that are only counted have numbers,
/// too, and other records lie between.
const AMENDED: usize = 256;
/// Records that wait at most, while the disk takes none: those of half a minute of 2,000 calls a second,
const MOST_RECORDS: usize = 65_536;
/// and what they hold at most.
const MOST_BYTES: usize = 64 << 20;

impl Inbox {
    /// Puts records in that came at a time. Returns how many found no room.
    pub(super) fn put(&self, came: Instant, records: impl IntoIterator<Item = Record>) -> u64 {
        let mut waiting = self.waiting();
        let before = waiting.records.len();
        let mut lost = 0;
        for record in records {
            if waiting.records.len() >= MOST_RECORDS || waiting.bytes >= MOST_BYTES {
                lost += 1;
            } else {
                waiting.bytes += size(&record);
                waiting.records.push_back((came, record));
            }
        }
        if waiting.since.is_none() && !waiting.records.is_empty() {
            waiting.since = Some(came);
            self.bell.notify_one();
        } else if waiting.records.len() >= BATCH && waiting.records.len() / STEP > before / STEP {
            // Who waits for the ends of calls is not woken for each that comes behind them.
            self.bell.notify_one();
        }
        lost
    }

    /// Changes a call that waits to be written. It is looked for behind so many newer calls, and then a little before that place.
    /// Returns whether it is there.
    pub(super) fn amend(&self, call: &mut Arc<Kept>, newer: usize, change: impl FnOnce(&mut Kept)) -> bool {
        let mut waiting = self.waiting();
        let records = &mut waiting.records;
        let is_it = |record: &Record| matches!(record, Record::Call(waits) if Arc::ptr_eq(waits, call));
        let find = |behind: usize, most: usize| {
            let mut newest = records.iter().enumerate().rev().skip(behind).take(most);
            newest.find(|(_, (_, record))| is_it(record)).map(|(place, _)| place)
        };
        let newer = newer.min(records.len());
        let before = newer.saturating_sub(AMENDED);
        let place = find(newer, AMENDED).or_else(|| find(before, newer - before));
        let Some((_, record)) = place.and_then(|place| records.get_mut(place)) else { return false };
        // While the record is away nobody else may have the call: then it need not be copied.
        drop(std::mem::replace(record, Record::Dialed { identity: String::new(), at: call.at }));
        change(Arc::make_mut(call));
        *record = Record::Call(Arc::clone(call));
        true
    }

    /// Puts records that could not be written back, before all others.
    pub(super) fn put_back(&self, records: Vec<Record>) {
        let mut waiting = self.waiting();
        waiting.bytes += records.iter().map(size).sum::<usize>();
        let came = waiting.taken.take().map_or_else(Instant::now, |taken| taken.came);
        for record in records.into_iter().rev() {
            waiting.records.push_front((came, record));
        }
        waiting.settled = 0;
        waiting.since.get_or_insert_with(Instant::now);
    }

    /// Takes a person out of what waits. Returns how many calls went, and how many other records.
    pub(super) fn forget(&self, person: Person<'_>) -> (usize, usize) {
        let mut waiting = self.waiting();
        let (mut calls, mut others) = (0, 0);
        waiting.records.retain_mut(|(_, record)| {
            let is_all = person.is_all_of(record);
            match record {
                Record::Call(_) => calls += usize::from(is_all),
                Record::Ended { .. }
                | Record::Dialed { .. }
                | Record::Answered { .. }
                | Record::Added(_)
                | Record::Flipped(_) => others += usize::from(is_all),
            }
            !is_all
        });
        waiting.bytes = waiting.records.iter().map(|(_, record)| size(record)).sum();
        waiting.settled = 0;
        (calls, others)
    }

    /// Puts a job in. Gives it back when nobody will do it any more.
    pub(super) fn ask(&self, job: Job) -> Result<(), Job> {
        let mut waiting = self.waiting();
        if waiting.is_closed {
            return Err(job);
        }
        waiting.jobs.push(job);
        self.bell.notify_one();
        Ok(())
    }

    /// Says that nothing comes any more.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.bell.notify_one();
    }

    /// Says that nobody takes anything out any more, and lets go of the jobs: whoever waits for one waits no longer.
    pub(super) fn leave(&self) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        waiting.jobs.clear();
    }

    /// Waits until a batch is full of calls that have ended, or old enough, or too many wait, a job is there, or the patience is
    /// over.
    pub(super) fn wait(&self, patience: Duration) -> Due {
        let mut waiting = self.waiting();
        let mut now = Instant::now();
        let end = now + patience;
        while !waiting.is_due(now) {
            let ripe = waiting.ripe_at().map_or(end, |at| end.min(at));
            if ripe <= now {
                break;
            }
            let (again, _) =
                self.bell.wait_timeout(waiting, ripe - now).unwrap_or_else(PoisonError::into_inner);
            waiting = again;
            now = Instant::now();
        }
        waiting.take(now)
    }

    /// Notes that what was taken is written.
    pub(super) fn written(&self) {
        self.waiting().taken = None;
    }

    /// Returns the earliest time of what waits to be written, if any of it has waited for so long: no call that was answered
    /// before that time is among it.
    pub(super) fn late(&self, now: Instant, patience: Duration) -> Option<Timestamp> {
        let waiting = self.waiting();
        if !waiting.is_late(now, patience) {
            return None;
        }
        let waits = waiting.records.iter().map(|(_, record)| record.at());
        waits.chain(waiting.taken.map(|taken| taken.at)).min()
    }

    /// Tells whether any of what waits to be written has waited for so long.
    pub(super) fn is_late(&self, now: Instant, patience: Duration) -> bool {
        self.waiting().is_late(now, patience)
    }

    /// Tells whether anything is not written.
    pub(super) fn is_waiting(&self) -> bool {
        let waiting = self.waiting();
        waiting.taken.is_some() || !waiting.records.is_empty()
    }

    /// Returns the first jobs, whatever waits before them.
    pub(super) fn jobs(&self, count: usize) -> Vec<Job> {
        self.waiting().jobs.drain(..count).collect()
    }

    /// Waits so long, or until a job is there or nothing comes any more.
    pub(super) fn rest(&self, patience: Duration) {
        let waiting = self.waiting();
        let is_idle = |waiting: &mut Waiting| waiting.jobs.is_empty() && !waiting.is_closed;
        drop(self.bell.wait_timeout_while(waiting, patience, is_idle));
    }

    /// Returns how many records wait.
    pub(super) fn len(&self) -> usize {
        self.waiting().records.len()
    }

    /// Returns how many records wait or are being written.
    pub(super) fn unwritten(&self) -> usize {
        let waiting = self.waiting();
        waiting.records.len() + waiting.taken.map_or(0, |taken| taken.count)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Tells whether a batch is to be taken though it has not gathered for as long as it may.
    fn is_due(&mut self, now: Instant) -> bool {
        self.has_no_time() || (self.records.len() >= BATCH && self.settled(now) >= BATCH)
    }

    /// Tells whether nothing may wait for the end of its call.
    fn has_no_time(&self) -> bool {
        self.records.len() >= MOST_HELD || !self.jobs.is_empty() || self.is_closed
    }

    /// Returns when what waits is old enough to be written.
    fn ripe_at(&self) -> Option<Instant> {
        let gathered = self.since? + GATHERING;
        // Behind the call whose end is waited for there may be a batch.
        let held = self.records.get(self.settled).filter(|_| self.records.len() >= BATCH);
        Some(held.map_or(gathered, |(came, _)| gathered.min(*came + ENDING)))
    }

    /// Counts the oldest records that wait for no end any more. What comes behind a call that waits for its end waits as well: the
    /// file has calls in their order.
    fn settled(&mut self, now: Instant) -> usize {
        let is_held = |(came, record): &(Instant, Record)| {
            let is_open = matches!(record, Record::Call(call) if call.ended.is_none());
            is_open && now.saturating_duration_since(*came) < ENDING
        };
        self.settled += self.records.iter().skip(self.settled).take_while(|record| !is_held(record)).count();
        self.settled
    }

    fn is_late(&self, now: Instant, patience: Duration) -> bool {
        let came = self.taken.map(|taken| taken.came).or(self.records.front().map(|(came, _)| *came));
        came.is_some_and(|came| now.saturating_duration_since(came) >= patience)
    }

    /// Returns how many records are to be written now.
    fn ripe(&mut self, now: Instant) -> usize {
        let all = self.records.len().min(BATCH);
        if self.has_no_time() {
            return all;
        }
        // Fewer would be rows, each for itself.
        Some(self.settled(now).min(all)).filter(|settled| *settled >= packs::FEWEST).unwrap_or(all)
    }

    fn take(&mut self, now: Instant) -> Due {
        let count = self.ripe(now);
        let came = self.records.front().map(|(came, _)| *came);
        let records: Vec<_> = self.records.drain(..count).map(|(_, record)| record).collect();
        self.settled = self.settled.saturating_sub(count);
        let at = records.iter().map(Record::at).min();
        self.taken = came.zip(at).map(|(came, at)| Oldest { count, came, at });
        self.bytes = self.bytes.saturating_sub(records.iter().map(size).sum());
        let ending = match (self.is_closed, self.records.is_empty()) {
            (false, _) => Ending::No,
            (true, false) => Ending::Near,
            (true, true) => Ending::Last,
        };
        self.since = self.records.front().map(|(came, _)| *came);
        let jobs = if self.records.is_empty() { std::mem::take(&mut self.jobs) } else { Vec::new() };
        let jobs_behind = self.jobs.len();
        Due { records, jobs, jobs_behind, ending }
    }
}

/// Returns how many bytes a record holds.
fn size(record: &Record) -> usize {
    let apart = match record {
        Record::Call(call) => call.bytes(),
        Record::Ended { id, .. } => id.len(),
        Record::Dialed { identity, .. } | Record::Answered { identity, .. } => identity.len(),
        Record::Added(added) => size_of_val(&**added) + added.list.len() + added.identity.len(),
        Record::Flipped(flipped) => size_of_val(&**flipped) + flipped.name.len(),
    };
    size_of::<(Instant, Record)>() + apart
}

#[cfg(test)]
mod tests;
