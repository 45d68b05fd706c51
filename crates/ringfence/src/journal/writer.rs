//! The one thread that writes, and the one beside it that waits for the disk.
//!
//! ```text
//!  Inbox ──▶ journal: BEGIN … COMMIT ──▶ the file's -wal, which the system keeps when this program dies
//!                      │                         │
//!                      └──────── "enough" ──▶ journal-disk: waits until it is on the disk, moves it on
//! ```
//!
//! A commit is a write without a wait: a slow disk holds up the second thread only. What fails is said once, kept, and
//! tried again.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::call::Record;
use super::clock::Clock;
use super::compaction::{self, Owed};
use super::disk::Disk;
use super::forget::{self, Forgotten, Person};
use super::health::Vitals;
use super::inbox::{Ending, Inbox, Job};
use super::past::Past;
use super::retention;
use super::rows::Rows;
use crate::store::{Settings, Store, StoreError};

/// What writes.
#[derive(Debug)]
pub(super) struct Writer {
    settings: Settings,
    inbox: Arc<Inbox>,
    vitals: Arc<Vitals>,
    past: Arc<Past>,
    /// Whether the past has the calls that the file had at the start.
    is_read: bool,
    open: Option<Open>,
    clock: Clock,
    /// Whether it was said that numbers take the room of calls.
    has_told_crowded: bool,
    next_look: Instant,
}

/// The database and the thread that waits for the disk.
#[derive(Debug)]
struct Open {
    // The second thread lets go of the file first: whoever is last tidies up.
    disk: Disk,
    store: Store,
    rows: Rows,
    /// Whether it holds pages in memory for what may come next.
    has_pages: bool,
    /// Bytes of who was forgotten that are to be overwritten.
    owed: Option<Owed>,
    /// Records since the disk was last told.
    written: usize,
    told: Instant,
}

/// After a failure it is tried again so often.
const AGAIN: Duration = Duration::from_secs(5);
/// What is too old is looked for so often.
const LOOK: Duration = Duration::from_secs(60);
/// After a step that left work, calls come first for so long.
const BREATH: Duration = Duration::from_millis(100);
/// So many records are moved from the log of changes into the file at once: about 4 MB,
const ENOUGH: usize = 4_096;
/// or what has come in so long.
const LONG_ENOUGH: Duration = Duration::from_secs(30);
/// A log of changes that got longer, because the disk or a reader is slow, is moved while calls wait.
const TOO_LONG: u64 = 64 << 20;

impl Writer {
    pub(super) fn new(
        settings: Settings,
        (store, is_read): (Option<Store>, bool),
        inbox: Arc<Inbox>,
        vitals: Arc<Vitals>,
        past: Arc<Past>,
    ) -> rusqlite::Result<Self> {
        let open = store.map(Open::new).transpose()?;
        let next_look = Instant::now() + LOOK;
        Ok(Self {
            settings,
            inbox,
            vitals,
            past,
            is_read,
            open,
            clock: Clock::new(),
            has_told_crowded: false,
            next_look,
        })
    }

    /// Writes until the inbox is closed and empty.
    pub(super) fn run(mut self) {
        let _leaving = Leaving(Arc::clone(&self.inbox), Arc::clone(&self.vitals));
        loop {
            let due = self.inbox.wait(self.patience());
            let count = due.records.len();
            let is_over = count == 0 && !matches!(due.ending, Ending::No) && self.vitals.failing().is_none();
            let is_written = is_over || self.write(&due.records);
            if let Some(open) = &mut self.open {
                open.rest(count);
            }
            if is_written {
                self.inbox.written();
            }
            if !is_written && matches!(due.ending, Ending::No) {
                // Before anyone is told how it stands.
                self.inbox.put_back(due.records);
            }
            for job in due.jobs {
                self.work(job);
            }
            match (is_written, due.ending) {
                (true, Ending::Last) => return,
                (true, Ending::No | Ending::Near) => {
                    let has_more = self.look();
                    if count == 0 && !has_more {
                        self.vitals.looked.notify_one();
                    }
                }
                (false, Ending::Last | Ending::Near) => {
                    // A program that ends does not wait for a disk to come back.
                    self.vitals.lose((count + self.inbox.len()) as u64);
                    return;
                }
                (false, Ending::No) => {
                    // Who asks from now on is answered after another attempt.
                    for job in self.inbox.jobs(due.jobs_behind) {
                        self.work(job);
                    }
                    self.inbox.rest(AGAIN);
                }
            }
        }
    }

    /// Returns how long there may be nothing to do.
    fn patience(&self) -> Duration {
        if self.vitals.failing().is_some() {
            // It has rested since the last attempt.
            return Duration::ZERO;
        }
        self.next_look.saturating_duration_since(Instant::now()).min(LONG_ENOUGH)
    }

    /// Writes records, or looks whether they could be written if there are none. Returns whether they are written.
    fn write(&mut self, records: &[Record]) -> bool {
        // Each time: what goes to a file that was taken away is lost.
        let misplaced = self.open.as_ref().and_then(|open| open.store.misplaced());
        if let Some(file) = misplaced
            && let Some(open) = self.open.take()
        {
            let file = file.display();
            tracing::warn!(%file, "journal file removed or replaced: its place is opened anew");
            open.let_go();
        }
        let has_nothing_to_do = records.is_empty() && self.vitals.failing().is_none();
        let written = self
            .reopen()
            .and_then(|open| if has_nothing_to_do { open.store.check() } else { open.write(records) });
        match written {
            Ok(()) => self.vitals.recover(),
            Err(error) => {
                self.vitals.fail(&error);
                return false;
            }
        }
        true
    }

    /// Returns the file, and opens it again if it was removed, or for the first time if the disk refused at the
    /// start.
    fn reopen(&mut self) -> Result<&mut Open, StoreError> {
        let path = self.settings.path().unwrap_or("".as_ref());
        let of = |error: rusqlite::Error| StoreError::of(path, &error);
        let open = if let Some(open) = self.open.take() {
            open
        } else {
            let mut store = Store::open(path, self.settings.durability)?;
            let now = Timestamp::now();
            if !self.is_read {
                self.past.recall_calls(store.connection(), now).map_err(of)?;
            }
            self.past.read_state(store.connection(), now).map_err(of)?;
            if !self.is_read {
                self.is_read = true;
                self.vitals.read_at_last();
            }
            Open::new(store).map_err(of)?
        };
        Ok(self.open.insert(open))
    }

    /// Does what is asked for between two transactions.
    fn work(&mut self, job: Job) {
        match job {
            // Who asked may have gone; then nobody misses the answer.
            Job::Flush(reply) => drop(reply.send(())),
            #[cfg(test)]
            Job::Spoil(spoil) => spoil(self.open.as_mut().expect("it is open").store.connection()),
            #[cfg(test)]
            Job::Hold { begun, until } => {
                begun.send(()).expect("a test waits for it");
                let _ = until.recv();
            }
            Job::Forget(forget) => {
                // What could not be written may wait: it is not to be written when it can.
                let person = Person::new(&forget.identity, forget.region);
                let (calls, others) = self.inbox.forget(person);
                let done = match &mut self.open {
                    Some(open) => open.forget(person),
                    None => Err(StoreError::Unavailable {
                        path: self.settings.path().unwrap_or("".as_ref()).to_owned(),
                        detail: self.vitals.failing().map_or_else(String::new, |failing| failing.why),
                    }),
                };
                let done = done.map(|forgotten| Forgotten {
                    calls: forgotten.calls + calls,
                    remembered: forgotten.remembered + others,
                    ..forgotten
                });
                drop(forget.reply.send(done));
            }
        }
    }

    /// Has the disk keep what was written a while ago, and looks for what is too old, and whether records were lost. Returns
    /// whether there is more to be cleared in a moment.
    fn look(&mut self) -> bool {
        let now = Instant::now();
        if let Some(open) = &mut self.open {
            open.tend();
            open.settle(now);
        }
        if now < self.next_look && !self.is_too_large() {
            return false;
        }
        self.next_look = now + LOOK;
        self.vitals.say_lost();
        let Some(open) = &mut self.open else { return false };
        let now = self.clock.read(Timestamp::now(), Instant::now());
        match retention::steps(open.store.connection(), &self.settings, now) {
            Ok(step) => {
                self.vitals.removed.fetch_add(step.removed as u64, Relaxed);
                if step.is_crowded && !std::mem::replace(&mut self.has_told_crowded, true) {
                    tracing::warn!(
                        hint = "a greater [journal] max_size",
                        "numbers and entries take more than half of the journal: the numbers that were dialled or answered \
                         longest ago are removed, and few calls are kept"
                    );
                }
                if step.shrinks {
                    open.written = open.written.max(ENOUGH);
                }
                // What was read for it.
                open.has_pages = true;
                if step.has_more {
                    self.next_look = Instant::now() + BREATH;
                } else {
                    open.rest(0);
                }
                step.has_more
            }
            Err(error) => {
                tracing::debug!(%error, "journal not cleared");
                false
            }
        }
    }

    /// Tells whether the file is larger than it may be: then what is too much is looked for at once.
    fn is_too_large(&mut self) -> bool {
        let connection = self.open.as_mut().map(|open| open.store.connection());
        connection.is_some_and(|file| retention::is_too_large(file, &self.settings).unwrap_or(false))
    }
}

/// Leaves the inbox when the thread ends, also when it panics, which is told.
struct Leaving(Arc<Inbox>, Arc<Vitals>);

impl Drop for Leaving {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.1.end();
        }
        self.0.leave();
    }
}

impl Open {
    fn new(store: Store) -> rusqlite::Result<Self> {
        let disk = Disk::start(store.beside()?);
        Ok(Self {
            disk,
            store,
            rows: Rows::new(),
            has_pages: true,
            owed: None,
            written: 0,
            told: Instant::now(),
        })
    }

    fn write(&mut self, records: &[Record]) -> Result<(), StoreError> {
        self.store.check()?;
        let written = self.rows.write(self.store.connection(), records);
        written.map_err(|error| StoreError::of(self.store.path(), &error))?;
        self.written += records.len();
        Ok(())
    }

    /// Removes a person. What cannot be overwritten now is remembered.
    fn forget(&mut self, person: Person<'_>) -> Result<Forgotten, StoreError> {
        let forgotten = forget::forget(self.store.connection(), person);
        let forgotten = forgotten.map_err(|error| StoreError::of(self.store.path(), &error))?;
        self.owed = (!forgotten.is_compacted).then(|| Owed::since(Instant::now()));
        Ok(forgotten)
    }

    /// Lets go of files of which one was removed or replaced.
    fn let_go(self) {
        drop(self.disk);
        self.store.let_go();
    }

    /// Gives back the pages that the start or a busy time has left in memory, once nothing has come for as long as the inbox waits.
    fn rest(&mut self, count: usize) {
        if count > 0 || !std::mem::take(&mut self.has_pages) {
            self.has_pages |= count > 0;
            return;
        }
        if let Err(error) = self.store.connection().release_memory() {
            tracing::debug!(%error, "pages of the journal kept");
        }
    }

    /// Moves what was written on to the disk, when it is enough or long ago.
    fn tend(&mut self) {
        let is_time = self.written > 0 && self.told.elapsed() >= LONG_ENOUGH;
        if self.written >= ENOUGH || is_time {
            self.written = 0;
            self.told = Instant::now();
            self.disk.tell();
            if self.store.log_size() > TOO_LONG {
                // One that cannot be moved now is moved another time.
                drop(compaction::truncate(self.store.connection()));
            }
        }
    }

    /// Overwrites what could not be when somebody was forgotten, if that is possible now.
    fn settle(&mut self, now: Instant) {
        if let Some(owed) = self.owed {
            self.owed = owed.settle(self.store.connection(), now);
        }
    }
}

#[cfg(test)]
mod tests;
