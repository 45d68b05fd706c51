//! The screen's end of the journal: it never waits.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::call::{Added, Call, Ended, Outcome, Record};
use super::past::Past;
use super::tally::Counts;

/// The screen's end of the journal.
///
/// What it is told is in the [`Past`] when it returns; the rest of the journal has it a moment later.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    queue: mpsc::Sender<Record>,
    counts: Arc<Counts>,
    past: Arc<Past>,
}

impl Recorder {
    pub(super) fn new(queue: mpsc::Sender<Record>, counts: Arc<Counts>, past: Arc<Past>) -> Self {
        Self { queue, counts, past }
    }

    /// Numbers a call that came from an address, counts its verdict, and queues its record.
    pub(crate) fn record(&self, mut call: Call, source: Option<IpAddr>) {
        call.number = self.counts.screened(&call.verdict);
        let identity = call.evidence.identity.as_deref();
        self.past.called(identity, &call.line, source, call.at);
        self.queue(Record::Call(Arc::new(call)));
    }

    /// Records a call of which a copy was counted on another line: it counts for rates of its own line only.
    pub(crate) fn record_copy(&self, mut call: Call) {
        call.number = self.counts.screened(&call.verdict);
        // Its time is that of the first: those who called since have not called later for that.
        self.past.called(None, &call.line, None, Timestamp::now());
        self.queue(Record::Call(Arc::new(call)));
    }

    /// Counts a copy of a call that was decided already, on the same line: it has the same answer.
    pub(crate) fn copied(&self) {
        self.counts.copies.fetch_add(1, Relaxed);
    }

    /// Counts a call that is not written down: its verdict, and for rates.
    pub(crate) fn count(
        &self,
        verdict: &Outcome,
        caller: Option<&str>,
        line: &str,
        source: Option<IpAddr>,
        at: Timestamp,
    ) {
        self.counts.screened(verdict);
        self.past.called(caller, line, source, at);
    }

    /// Queues how a call ended.
    pub(crate) fn ended(&self, id: String, ended: Ended) {
        self.queue(Record::Ended { id, ended });
    }

    /// Counts a record that cannot be kept.
    pub(crate) fn lose(&self) {
        self.counts.lost.fetch_add(1, Relaxed);
    }

    /// Adds a caller to a list for a time. Returns whether there was room.
    pub(crate) fn add(&self, added: Added) -> bool {
        let has_room = self.past.add(&added);
        if has_room {
            self.queue(Record::Added(Arc::new(added)));
        }
        has_room
    }

    /// Returns what happened before.
    pub(crate) fn past(&self) -> &Past {
        &self.past
    }

    fn queue(&self, record: Record) {
        if self.queue.try_send(record).is_err() {
            self.lose();
        }
    }
}
