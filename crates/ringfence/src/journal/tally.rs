//! The counters: whole numbers that never miss a call, whatever becomes of its record.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use super::call::Outcome;

/// What was counted since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    screened: AtomicU64,
    rejected: AtomicU64,
    redirected: AtomicU64,
    sent_on: AtomicU64,
    rung: AtomicU64,
    stood_aside: AtomicU64,
    ignored: AtomicU64,
    refused: AtomicU64,
    pub(super) copies: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) forgotten: AtomicU64,
}

/// A reading of the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) screened: u64,
    pub(crate) rejected: u64,
    pub(crate) redirected: u64,
    /// Let through where nothing rings.
    #[serde(default)]
    pub(crate) sent_on: u64,
    pub(crate) rung: u64,
    /// Left to other phones, at once or after a time.
    #[serde(default)]
    pub(crate) stood_aside: u64,
    pub(crate) ignored: u64,
    /// Could not ring, for what stood against the INVITE itself.
    #[serde(default)]
    pub(crate) refused: u64,
    /// Further copies of calls, which had the same answer and have no record.
    #[serde(default)]
    pub(crate) copies: u64,
    /// Records that found the queue full, or that nobody took from it any more.
    pub(crate) lost: u64,
    /// Records that were pushed out of memory by newer ones: they are in the file all the same, where there is one.
    pub(crate) forgotten: u64,
}

impl Counts {
    /// Counts a verdict, and returns how many there have been.
    pub(super) fn screened(&self, verdict: &Outcome) -> u64 {
        let counter = match verdict {
            Outcome::Reject { .. } => &self.rejected,
            Outcome::Redirect { .. } => &self.redirected,
            Outcome::SendOn { .. } => &self.sent_on,
            Outcome::Ring => &self.rung,
            Outcome::StandAside => &self.stood_aside,
            Outcome::Ignore => &self.ignored,
            Outcome::Refuse { .. } => &self.refused,
        };
        counter.fetch_add(1, Relaxed);
        self.screened.fetch_add(1, Relaxed) + 1
    }

    /// Returns the number of the newest call.
    pub(super) fn newest(&self) -> u64 {
        self.screened.load(Relaxed)
    }

    /// Reads the counters.
    pub(super) fn tally(&self) -> Tally {
        let Self {
            screened,
            rejected,
            redirected,
            sent_on,
            rung,
            stood_aside,
            ignored,
            refused,
            copies,
            lost,
            forgotten,
        } = self;
        Tally {
            screened: screened.load(Relaxed),
            rejected: rejected.load(Relaxed),
            redirected: redirected.load(Relaxed),
            sent_on: sent_on.load(Relaxed),
            rung: rung.load(Relaxed),
            stood_aside: stood_aside.load(Relaxed),
            ignored: ignored.load(Relaxed),
            refused: refused.load(Relaxed),
            copies: copies.load(Relaxed),
            lost: lost.load(Relaxed),
            forgotten: forgotten.load(Relaxed),
        }
    }
}
