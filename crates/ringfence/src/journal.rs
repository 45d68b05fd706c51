//! The journal: what was decided about each call, why, and how the call ended. In memory for now:
//! the newest 1,000 calls of this run.
//!
//! ```text
//!  shard ──▶ Recorder ──▶ bounded queue ──▶ Journal::take ──▶ the ring, those who follow
//!             (never waits)                (one task)
//! ```
//!
//! A shard never waits: a record that finds the queue full is counted as lost, and every record that
//! leaves the ring as forgotten. The counters of verdicts are complete in either case.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc};

/// How many calls are remembered.
pub(crate) const MOST_CALLS: usize = 1_000;
/// How many records may wait for the journal's task: four seconds at 2,000 calls a second.
const QUEUE: usize = 8_192;
/// How many events a follower may lag behind before it is told that it missed some.
const BACKLOG: usize = 1_024;

/// One call: who, where, what was decided, why, and how it ended.
#[expect(clippy::struct_field_names, reason = "RFC 3261 calls it Call-ID")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// Counts the calls since the start.
    pub(crate) number: u64,
    /// When the INVITE arrived.
    pub(crate) at: Timestamp,
    /// What this program numbers it by.
    pub(crate) id: String,
    pub(crate) call_id: String,
    /// The line that was called.
    pub(crate) line: String,
    /// The caller as normalised, or as the INVITE says if that is no number.
    pub(crate) caller: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    /// Where the INVITE came from.
    pub(crate) source: String,
    pub(crate) verdict: Outcome,
    /// What decided: `emergency`, `allowed`, `listed` or `otherwise`.
    pub(crate) rule: String,
    /// The entry that matched, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<String>,
    /// The sentence for people.
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<Ended>,
}

/// What was decided, with what it says on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub(crate) enum Outcome {
    Reject {
        status: u16,
    },
    Redirect {
        to: String,
    },
    Ring,
    Ignore,
    /// What stands against the call itself was answered: it could not ring, whatever was decided.
    Refuse {
        status: u16,
    },
}

impl Outcome {
    /// Returns the verb.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Reject { .. } => "reject",
            Self::Redirect { .. } => "redirect",
            Self::Ring => "ring",
            Self::Ignore => "ignore",
            Self::Refuse { .. } => "refuse",
        }
    }

    /// Returns the final status that was decided on.
    pub(crate) const fn status(&self) -> Option<u16> {
        match self {
            Self::Reject { status } | Self::Refuse { status } => Some(*status),
            Self::Redirect { .. } => Some(302),
            Self::Ring | Self::Ignore => None,
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) at: Timestamp,
    /// The final response, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// `acknowledged`, `cancelled`, …
    pub(crate) how: String,
}

/// What a follower is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum News {
    /// A call was decided.
    Call(Arc<Call>),
    /// A call that was told before has ended.
    Ended(Arc<Call>),
}

/// What waits in the queue, in the order in which it happened.
#[derive(Debug)]
pub(crate) enum Record {
    Call(Arc<Call>),
    Ended { id: String, ended: Ended },
}

/// The screen's end of the journal.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    queue: mpsc::Sender<Record>,
    counts: Arc<Counts>,
}

/// The readers' end of the journal.
#[derive(Debug)]
pub(crate) struct Journal {
    calls: Mutex<VecDeque<Arc<Call>>>,
    counts: Arc<Counts>,
    news: broadcast::Sender<News>,
}

/// What was counted since the start, in whole numbers that never miss a call.
#[derive(Debug, Default)]
struct Counts {
    screened: AtomicU64,
    rejected: AtomicU64,
    redirected: AtomicU64,
    rung: AtomicU64,
    ignored: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
    forgotten: AtomicU64,
}

/// A reading of the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) screened: u64,
    pub(crate) rejected: u64,
    pub(crate) redirected: u64,
    pub(crate) rung: u64,
    pub(crate) ignored: u64,
    /// Could not ring, for what stood against the INVITE itself.
    #[serde(default)]
    pub(crate) refused: u64,
    /// Records that found the queue full.
    pub(crate) lost: u64,
    /// Records that were pushed out by newer ones.
    pub(crate) forgotten: u64,
}

/// Opens an empty journal: the screen's end, the readers' end, and the queue between them.
pub(crate) fn open() -> (Recorder, Arc<Journal>, mpsc::Receiver<Record>) {
    let (queue, records) = mpsc::channel(QUEUE);
    let counts = Arc::new(Counts::default());
    let journal =
        Journal { calls: Mutex::default(), counts: Arc::clone(&counts), news: broadcast::channel(BACKLOG).0 };
    (Recorder { queue, counts }, Arc::new(journal), records)
}

impl Recorder {
    /// Numbers a call, counts its verdict and queues its record.
    pub(crate) fn record(&self, mut call: Call) {
        let counter = match call.verdict {
            Outcome::Reject { .. } => &self.counts.rejected,
            Outcome::Redirect { .. } => &self.counts.redirected,
            Outcome::Ring => &self.counts.rung,
            Outcome::Ignore => &self.counts.ignored,
            Outcome::Refuse { .. } => &self.counts.refused,
        };
        counter.fetch_add(1, Relaxed);
        call.number = self.counts.screened.fetch_add(1, Relaxed) + 1;
        self.queue(Record::Call(Arc::new(call)));
    }

    /// Queues how a call ended.
    pub(crate) fn ended(&self, id: String, ended: Ended) {
        self.queue(Record::Ended { id, ended });
    }

    fn queue(&self, record: Record) {
        if self.queue.try_send(record).is_err() {
            self.counts.lost.fetch_add(1, Relaxed);
        }
    }
}

impl Journal {
    /// Takes a record out of the queue, and returns what there is to tell.
    pub(crate) fn take(&self, record: Record) -> Option<News> {
        match record {
            Record::Call(call) => {
                self.keep(Arc::clone(&call));
                Some(News::Call(call))
            }
            Record::Ended { id, ended } => self.end(&id, ended).map(News::Ended),
        }
    }

    /// Keeps a call, and forgets the oldest if there are too many.
    fn keep(&self, call: Arc<Call>) {
        let mut calls = self.calls();
        if calls.len() == MOST_CALLS {
            calls.pop_front();
            self.counts.forgotten.fetch_add(1, Relaxed);
        }
        calls.push_back(Arc::clone(&call));
        drop(calls);
        self.tell(|| News::Call(call));
    }

    /// Notes how a call ended, and returns it.
    fn end(&self, id: &str, ended: Ended) -> Option<Arc<Call>> {
        let mut calls = self.calls();
        let call = calls.iter_mut().rev().find(|call| call.id == id)?;
        // Whoever is still telling the call's beginning has it without its end.
        Arc::make_mut(call).ended = Some(ended);
        let call = Arc::clone(call);
        drop(calls);
        self.tell(|| News::Ended(Arc::clone(&call)));
        Some(call)
    }

    /// Returns the newest calls, oldest first.
    pub(crate) fn newest(&self, most: usize) -> Vec<Arc<Call>> {
        let calls = self.calls();
        calls.iter().skip(calls.len().saturating_sub(most)).cloned().collect()
    }

    /// Returns what happens from now on.
    pub(crate) fn follow(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Reads the counters.
    pub(crate) fn tally(&self) -> Tally {
        let Counts { screened, rejected, redirected, rung, ignored, refused, lost, forgotten } =
            &*self.counts;
        Tally {
            screened: screened.load(Relaxed),
            rejected: rejected.load(Relaxed),
            redirected: redirected.load(Relaxed),
            rung: rung.load(Relaxed),
            ignored: ignored.load(Relaxed),
            refused: refused.load(Relaxed),
            lost: lost.load(Relaxed),
            forgotten: forgotten.load(Relaxed),
        }
    }

    /// Tells those who follow, if anyone does.
    fn tell(&self, news: impl FnOnce() -> News) {
        if self.news.receiver_count() > 0 {
            // It fails when the last follower has just left.
            let _ = self.news.send(news());
        }
    }

    /// Locks the ring; a thread that panicked with it left whole records behind.
    fn calls(&self) -> MutexGuard<'_, VecDeque<Arc<Call>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(call_id: &str, verdict: Outcome) -> Call {
        Call {
            number: 0,
            at: Timestamp::UNIX_EPOCH,
            id: format!("0.{call_id}"),
            call_id: call_id.to_owned(),
            line: "home".to_owned(),
            caller: "+442079460123".to_owned(),
            display_name: None,
            source: "127.0.0.1:5060".to_owned(),
            verdict,
            rule: "reject".to_owned(),
            entry: None,
            reason: "on the reject list".to_owned(),
            ended: None,
        }
    }

    fn acknowledged() -> Ended {
        Ended { at: Timestamp::UNIX_EPOCH, status: Some(486), how: "acknowledged".to_owned() }
    }

    #[test]
    fn the_ring_forgets_the_oldest_and_counts_it() {
        let (recorder, journal, mut records) = open();
        for number in 0..MOST_CALLS + 3 {
            recorder.record(call(&number.to_string(), Outcome::Ring));
            journal.take(records.try_recv().unwrap());
        }
        let newest = journal.newest(2);
        assert_eq!(newest.iter().map(|call| call.number).collect::<Vec<_>>(), [1_002, 1_003]);
        assert_eq!(journal.newest(usize::MAX).len(), MOST_CALLS);
        assert_eq!(journal.tally().forgotten, 3);
    }

    #[test]
    fn a_full_queue_loses_the_record_but_not_the_count() {
        let (recorder, journal, records) = open();
        for _ in 0..QUEUE + 5 {
            recorder.record(call("x", Outcome::Reject { status: 486 }));
        }
        let tally = journal.tally();
        assert_eq!((tally.screened, tally.rejected, tally.lost), (QUEUE as u64 + 5, QUEUE as u64 + 5, 5));
        drop(records);
    }

    #[test]
    fn a_call_that_cannot_ring_has_not_rung() {
        let (recorder, journal, _records) = open();
        recorder.record(call("a", Outcome::Ring));
        recorder.record(call("b", Outcome::Refuse { status: 420 }));
        let tally = journal.tally();
        assert_eq!((tally.screened, tally.rung, tally.refused), (2, 1, 1));
    }

    #[test]
    fn a_call_is_told_when_it_is_decided_and_when_it_ends() {
        let (_, journal, _records) = open();
        let mut follower = journal.follow();
        journal.keep(Arc::new(call("a", Outcome::Ignore)));
        assert!(journal.end("0.b", acknowledged()).is_none());
        let ended = journal.end("0.a", acknowledged()).unwrap();
        assert_eq!(follower.try_recv().unwrap(), News::Call(Arc::new(call("a", Outcome::Ignore))));
        assert_eq!(follower.try_recv().unwrap(), News::Ended(ended));
        assert_eq!(journal.newest(1)[0].ended, Some(acknowledged()));
    }

    #[test]
    fn a_call_is_one_line_of_json() {
        let json =
            serde_json::to_string(&News::Call(Arc::new(call("a", Outcome::Reject { status: 486 })))).unwrap();
        assert!(json.starts_with(r#"{"event":"call","number":0,"#), "{json}");
        assert!(json.contains(r#""verdict":{"action":"reject","status":486}"#), "{json}");
        let back: News = serde_json::from_str(&json).unwrap();
        assert_eq!(back, News::Call(Arc::new(call("a", Outcome::Reject { status: 486 }))));
    }
}
