//! The screen's end of the journal: it never waits.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use jiff::Timestamp;
use softphone::CallId;

use super::call::{Added, Call, Ended, Outcome, Record};
use super::kept::Kept;
use super::past::{Adding, CallerKey, LineKey, Past};
use super::queue::Queue;
use super::queued::{Draft, Queued};
use super::tally::Counts;

/// The screen's end of the journal.
///
/// What it is told is in the [`Past`] when it returns; the rest of the journal has it a moment later.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    queue: Queue,
    counts: Arc<Counts>,
    past: Arc<Past>,
}

/// What a call counts for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted<'a> {
    pub(crate) verdict: &'a Outcome,
    pub(crate) caller: Option<CallerKey>,
    pub(crate) line: LineKey,
    pub(crate) source: Option<IpAddr>,
    pub(crate) at: Timestamp,
}

impl Recorder {
    pub(super) fn new(queue: Queue, counts: Arc<Counts>, past: Arc<Past>) -> Self {
        Self { queue, counts, past }
    }

    /// Numbers a call that came from an address, counts its verdict, and queues its record.
    pub(crate) fn record(&self, mut call: Call, source: Option<IpAddr>) {
        let caller = call.evidence.identity.as_deref().map(|identity| self.past.caller(identity));
        let line = self.past.line(&call.line);
        call.number = self.count(Counted { verdict: &call.verdict, caller, line, source, at: call.at });
        self.queue(Record::Call(Arc::new(Kept::of(call))));
    }

    /// Counts a copy of a call that was decided already, on the same line: it has the same answer.
    pub(crate) fn copied(&self) {
        self.counts.copies.fetch_add(1, Relaxed);
    }

    /// Counts a call: its verdict, and for rates. Returns its number.
    pub(crate) fn count(&self, counted: Counted<'_>) -> u64 {
        let Counted { verdict, caller, line, source, at } = counted;
        self.past.called(caller, line, source, at);
        self.counts.screened(verdict)
    }

    /// Queues a call that is counted, of which the record is still to be made.
    pub(crate) fn draft(&self, number: u64, draft: Box<dyn Draft>) {
        self.queue(Queued::Draft { number, id: draft.id(), draft, ended: None });
    }

    /// Queues how a call ended.
    pub(crate) fn ended(&self, id: CallId, ended: Ended) {
        self.queue(Queued::Ended { id, ended });
    }

    /// Queues how a call ended that a test numbers.
    #[cfg(test)]
    pub(crate) fn ended_as(&self, id: String, ended: Ended) {
        self.queue(Record::Ended { id, ended });
    }

    /// Counts a record that cannot be kept.
    pub(crate) fn lose(&self) {
        self.counts.lost.fetch_add(1, Relaxed);
    }

    /// Adds a caller to a list for a time or for good, unless it is on it for as long. Of that, nothing is to be written.
    pub(crate) fn add(&self, added: Added) -> Adding {
        let adding = self.past.add(&added);
        if adding == Adding::Noted {
            self.queue(Record::Added(Arc::new(added)));
        }
        adding
    }

    /// Returns what happened before.
    pub(crate) fn past(&self) -> &Past {
        &self.past
    }

    fn queue(&self, queued: impl Into<Queued>) {
        if !self.queue.put(queued.into()) {
            self.lose();
        }
    }
}
