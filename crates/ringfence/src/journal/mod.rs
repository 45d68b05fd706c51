//! The journal: what was decided about each call, why, how the call ended, and what the rules remember.
//!
//! ```text
//!  shard ──▶ Recorder ──▶ bounded queue ──▶ Journal::take ──▶ the newest 1,000 calls, those who follow
//!             │ (never waits)               (one task)  └───▶ Inbox ──▶ journal thread ──▶ the file
//!             └──▶ Past: in force for the next call
//! ```
//!
//! A shard never waits, nor makes a record: it queues a draft, which the task puts into words. What finds the
//! queue full is counted as lost. A record is in the file within a third of a second, and then survives a
//! `kill -9`. A disk that takes nothing is said once, and stops no call: records wait in memory, up to a
//! bound. Reading is [`Reader`]'s business, in any process.

mod call;
mod clock;
mod compaction;
mod disk;
pub(crate) mod facts;
mod forget;
mod forgetting;
mod generations;
mod health;
mod identity;
mod in_time;
mod inbox;
mod kept;
mod listed;
mod news;
mod of_call;
mod offline;
mod pack;
mod packs;
mod past;
mod query;
mod queue;
mod queued;
mod reader;
mod recent;
mod recorder;
mod retention;
mod row;
mod rows;
mod stats;
mod tally;
mod texts;
mod times;
mod unreadable;
mod writer;
mod writing;
mod written;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::broadcast;

pub(crate) use call::{Added, Call, Ended, Evidence, Flipped, Outcome, Record};
pub(crate) use forget::Forgotten;
#[cfg(test)]
pub(crate) use health::Failing;
pub(crate) use health::Health;
pub(crate) use identity::{identity, with_identity};
pub(crate) use kept::Kept;
pub(crate) use news::News;
pub(crate) use of_call::OfCall;
pub(crate) use offline::Offline;
pub(crate) use past::{CallerKey, LeftOut, LineKey, Past, address};
pub(crate) use query::Query;
pub(crate) use queue::Records;
pub(crate) use queued::{Draft, Queued, join_ends};
pub(crate) use reader::Reader;
pub(crate) use recorder::{Counted, Recorder};
pub(crate) use stats::{Stats, Verdicts};
pub(crate) use tally::Tally;
pub(crate) use texts::{Text, Texts};
pub(crate) use unreadable::Unreadable;

pub(crate) use crate::store::{
    AGAIN, Durability, PATIENCE, Place, Settings, StoreError, read_age, read_size,
};

use forgetting::Forgetting;
use inbox::Job;
use listed::Listed;
use news::readable;
use recent::Recent;
use tally::Counts;
use writing::Writing;

/// How many calls are remembered in memory.
pub(crate) const MOST_CALLS: usize = 1_000;
/// How many records may wait for the journal's task: four seconds at 2,000 calls a second.
const QUEUE: usize = 8_192;
/// How many events a follower may lag behind before it is told that it missed some.
const BACKLOG: usize = 1_024;
/// How long it is waited for what is not written yet.
const PARTING: Duration = Duration::from_secs(5);

/// The readers' end of the journal. Dropping it writes what is left.
#[derive(Debug)]
pub(crate) struct Journal {
    calls: Mutex<Recent>,
    counts: Arc<Counts>,
    news: broadcast::Sender<News>,
    past: Arc<Past>,
    forgetting: Forgetting,
    /// Of a journal without a file.
    listed: Listed,
    settings: Settings,
    writing: Option<Writing>,
}

/// Opens the journal: the screen's end, the readers' end, and the queue between them.
///
/// It reads what the rules remember, so it may take a second; a disk that cannot be written is no error
/// but said, and tried again. It fails on a file that is another program's, too new, damaged or in use.
pub(crate) fn open(settings: Settings) -> Result<(Recorder, Arc<Journal>, Records), StoreError> {
    let counts = Arc::new(Counts::default());
    let (queue, records) = queue::queue(QUEUE, Arc::clone(&counts));
    let past = Arc::new(Past::keeping(settings.retention));
    let writing = match &settings.place {
        Place::Memory => None,
        Place::File(_) => Some(Writing::start(&settings, &counts, &past)?),
    };
    let recorder = Recorder::new(queue, Arc::clone(&counts), Arc::clone(&past));
    let calls = Mutex::default();
    let news = broadcast::channel(BACKLOG).0;
    let (forgetting, listed) = (Forgetting::default(), Listed::default());
    let journal = Journal { calls, counts, news, past, forgetting, listed, settings, writing };
    Ok((recorder, Arc::new(journal), records))
}

/// What happens.
impl Journal {
    /// Takes a record out of the queue, and returns what there is to tell: of a call that ended before it was told,
    /// both.
    pub(crate) fn take<Q: Into<Queued>>(&self, queued: Q) -> impl Iterator<Item = News<Kept>> + use<Q> {
        self.take_at(Instant::now(), queued)
    }

    /// The same for who takes many at one time.
    pub(crate) fn take_at<Q: Into<Queued>>(
        &self,
        now: Instant,
        queued: Q,
    ) -> impl Iterator<Item = News<Kept>> + use<Q> {
        let told = match queued.into() {
            Queued::Draft { number, draft, ended, .. } => self.take_call(now, draft.write(number), ended),
            Queued::Record(Record::Call(call)) => self.take_call(now, call, None),
            Queued::Joined => [None, None],
            Queued::Ended { id, ended } => queued::with_text(id, |id| self.take_end(now, id, ended)),
            Queued::Record(Record::Ended { id, ended }) => self.take_end(now, &id, ended),
            Queued::Record(Record::Added(added)) if self.forgetting.has_gone(&added) => [None, None],
            Queued::Record(
                record @ (Record::Dialed { .. }
                | Record::Answered { .. }
                | Record::Added(_)
                | Record::Flipped(_)),
            ) => {
                if let Record::Added(added) = &record {
                    self.list(added);
                }
                self.put(now, || record);
                [None, None]
            }
        };
        told.into_iter().flatten()
    }

    fn take_call(&self, now: Instant, call: Arc<Kept>, ended: Option<Ended>) -> [Option<News<Kept>>; 2] {
        if self.is_gone(&call) {
            return [None, None];
        }
        let call = self.keep(call, ended);
        self.put(now, || Record::Call(Arc::clone(&call)));
        self.note_answered(&call);
        let ended = call.ended.is_some().then(|| News::Ended(Arc::clone(&call)));
        [Some(News::Call(call)), ended]
    }

    fn take_end(&self, now: Instant, id: &str, ended: Ended) -> [Option<News<Kept>>; 2] {
        let (call, is_amended) = self.end(id, ended.clone());
        if !is_amended {
            let ended = call.as_ref().and_then(|call| call.ended.clone()).unwrap_or(ended);
            self.put(now, || Record::Ended { id: id.to_owned(), ended });
        }
        if let Some(call) = &call {
            self.note_answered(call);
        }
        [call.map(News::Ended), None]
    }

    /// Notes that a number was dialled.
    pub(crate) fn dialed(&self, identity: String, at: Timestamp) {
        self.past.dialed(&identity, at, Timestamp::now());
        self.put(Instant::now(), || Record::Dialed { identity, at });
    }

    /// Notes an entry of a list as it is from now on: one that was taken off the list ends.
    pub(crate) fn set(&self, added: Added) {
        self.past.set(&added);
        self.list(&added);
        self.put(Instant::now(), || Record::Added(Arc::new(added)));
    }

    /// Notes that a call of a number was answered.
    pub(crate) fn answered(&self, identity: String, at: Timestamp) {
        self.past.answered(&identity, at, Timestamp::now());
        self.put(Instant::now(), || Record::Answered { identity, at });
    }

    /// Flips a switch.
    pub(crate) fn flip(&self, flipped: Flipped) {
        let flipped = Arc::new(flipped);
        self.past.flip(&flipped);
        self.put(Instant::now(), || Record::Flipped(flipped));
    }

    /// Waits until the file has been looked at while there was nothing to write, as it is every half minute at rest.
    pub(crate) async fn looked_at(&self) {
        match &self.writing {
            Some(writing) => writing.vitals.looked.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Waits until all that was taken before is written, for a few seconds at most. Returns whether it is.
    pub(crate) fn flush(&self) -> bool {
        let Some(writing) = &self.writing else { return true };
        let (reply, answer) = std::sync::mpsc::channel();
        let is_asked = writing.inbox.ask(Job::Flush(reply)).is_ok();
        is_asked && answer.recv_timeout(PARTING).is_ok() && writing.vitals.failing().is_none()
    }

    /// Writes what is left and lets go of the file; what is taken later is in memory only. It waits for the
    /// disk.
    pub(crate) fn close(&self) {
        if let Some(writing) = &self.writing {
            writing.close();
        }
    }

    /// Notes that a call was answered, if that is how it ended.
    fn note_answered(&self, call: &Kept) {
        if let (Some(identity), Some(ended)) = (call.identity(), &call.ended)
            && ended.how == Ended::ELSEWHERE
        {
            self.answered(identity.to_owned(), ended.at);
        }
    }

    /// Keeps a call, and forgets the oldest if there are too many. Returns it, with its end if that has come.
    fn keep(&self, mut call: Arc<Kept>, ended: Option<Ended>) -> Arc<Kept> {
        let mut calls = self.calls();
        if let Some(ended) = ended.or_else(|| calls.early(call.id())) {
            let ended = ended.of(&call);
            Arc::make_mut(&mut call).ended = Some(ended);
        }
        if calls.keep(Arc::clone(&call)) {
            self.counts.forgotten.fetch_add(1, Relaxed);
        }
        // While they are locked: who begins to follow has each call either told or among the newest.
        self.tell(|| News::Call(Arc::clone(&call)));
        if call.ended.is_some() {
            self.tell(|| News::Ended(Arc::clone(&call)));
        }
        drop(calls);
        call
    }

    /// Notes how a call ended. Returns it, and whether its record, which still waits to be written, has its end.
    fn end(&self, id: &str, ended: Ended) -> (Option<Arc<Kept>>, bool) {
        let mut calls = self.calls();
        let mut is_amended = false;
        let call = calls.end(id, ended, |call, ended, newer| {
            let inbox = self.writing.as_ref().map(|writing| &writing.inbox);
            let change = |call: &mut Kept| call.ended = Some(ended.clone());
            is_amended = inbox.is_some_and(|inbox| inbox.amend(call, newer, change));
            if !is_amended {
                // Whoever is still telling the call's beginning has it without its end.
                Arc::make_mut(call).ended = Some(ended);
            }
        });
        if let Some(call) = &call {
            self.tell(|| News::Ended(Arc::clone(call)));
        }
        drop(calls);
        (call, is_amended)
    }

    /// Notes an entry by its name, if there is no file that does.
    fn list(&self, added: &Added) {
        if self.writing.is_none() {
            self.listed.note(added);
        }
    }

    /// Has a record written, if there is a file.
    fn put(&self, came: Instant, record: impl FnOnce() -> Record) {
        if let Some(writing) = &self.writing {
            writing.put(came, record());
        }
    }
}

/// How it stands.
impl Journal {
    /// Returns the newest calls of this run, oldest first.
    pub(crate) fn newest(&self, most: usize) -> Vec<Arc<Call>> {
        let newest = self.calls().newest(most);
        readable(&newest)
    }

    /// Returns the newest calls, and what happens from then on.
    pub(crate) fn follow(&self, most: usize) -> (Vec<Arc<Call>>, broadcast::Receiver<News>) {
        let calls = self.calls();
        let (newest, news) = (calls.newest(most), self.news.subscribe());
        drop(calls);
        (readable(&newest), news)
    }

    /// Reads the counters.
    pub(crate) fn tally(&self) -> Tally {
        self.counts.tally()
    }

    /// Returns what happened before, as the rules ask for it.
    #[cfg(test)]
    pub(crate) fn past(&self) -> &Arc<Past> {
        &self.past
    }

    /// Returns the switches that are not as their default has them, written or not.
    pub(crate) fn switches(&self, now: Timestamp) -> Vec<Flipped> {
        self.past.flipped(now)
    }

    /// Returns what was added to lists and holds, of a journal without a file; another is read there.
    pub(crate) fn entries(&self, now: Timestamp) -> Vec<Added> {
        self.listed.hold(now)
    }

    /// Returns how the writing goes.
    pub(crate) fn health(&self) -> Health {
        let vitals = self.writing.as_ref().map(|writing| &writing.vitals);
        let LeftOut { forgotten, refused, from_future } = self.past.left_out();
        Health {
            path: self.settings.path().map(ToOwned::to_owned),
            failing: vitals.and_then(|vitals| vitals.failing()),
            unread: vitals.is_some_and(|vitals| vitals.is_unread()),
            slow_since: vitals.and_then(|vitals| vitals.slow_since()),
            slow: vitals.map_or(0, |vitals| vitals.slow.load(Relaxed)),
            waiting: self.writing.as_ref().map_or(0, |writing| writing.inbox.len() as u64),
            lost: self.counts.lost.load(Relaxed),
            removed: vitals.map_or(0, |vitals| vitals.removed.load(Relaxed)),
            forgotten,
            refused,
            from_future,
        }
    }

    /// Locks the calls in memory; a thread that panicked with it left whole records behind.
    fn calls(&self) -> MutexGuard<'_, Recent> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
