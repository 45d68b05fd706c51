//! How the writing goes: since when the disk takes nothing, what waits, what is lost.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::tally::Counts;
use crate::store::StoreError;

/// How the writing goes.
#[derive(Debug, Default)]
pub(super) struct Vitals {
    counts: Arc<Counts>,
    pub(super) removed: AtomicU64,
    pub(super) slow: AtomicU64,
    /// Told when the thread that writes has looked how it stands with nothing to write.
    pub(super) looked: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failing: Option<Failing>,
    /// Whether the rules do without what the file had at the start.
    is_unread: bool,
    /// Since when what happened is in memory only, while that is too long.
    slow: Option<Timestamp>,
    /// When lost records were last said, and how many there were.
    said: Option<(Instant, u64)>,
}

/// Since when nothing is written, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failing {
    pub(crate) since: Timestamp,
    pub(crate) why: String,
    /// What to do about it.
    #[serde(default)]
    pub(crate) hint: String,
}

/// How the journal stands, as `ringfence status` tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Health {
    /// The file; none when the journal is in memory only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<PathBuf>,
    /// Why nothing is written at the moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failing: Option<Failing>,
    /// The file could not be read at the start: the rules do without what it remembers, until it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unread: bool,
    /// The disk is slow: of what happened since then nothing need be written yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) slow_since: Option<Timestamp>,
    /// How often the disk was slow.
    #[serde(default)]
    pub(crate) slow: u64,
    /// Records in memory that are not written yet.
    pub(crate) waiting: u64,
    /// Records that will never be written.
    pub(crate) lost: u64,
    /// Calls that were removed for their age or number.
    pub(crate) removed: u64,
    /// Callers that the rules forgot, because there were too many.
    pub(crate) forgotten: u64,
    /// Entries that rules could not add to lists, because there were too many.
    pub(crate) refused: u64,
    /// Calls of a time that had not come yet, which the rules leave out.
    pub(crate) from_future: u64,
}

/// Lost records are said so often at most.
const SAY: Duration = Duration::from_secs(60);

impl Vitals {
    pub(super) fn new(counts: Arc<Counts>) -> Self {
        Self { counts, ..Self::default() }
    }

    /// Notes that nothing could be written, and says so the first time.
    pub(super) fn fail(&self, error: &StoreError) {
        let mut state = self.state();
        if state.failing.is_none() {
            let (why, hint) = (error.to_string(), error.hint());
            tracing::warn!(why, hint, "journal not written: calls are kept in memory until it is");
            state.failing = Some(Failing { since: Timestamp::now(), why, hint });
        }
    }

    /// Notes that the rules do without what the file remembers, and says so: a caller who is known is a new one to them. Where there
    /// is no file nothing is missed yet.
    pub(super) fn leave_unread(&self, error: &StoreError) {
        if !matches!(error, StoreError::Missing { .. }) {
            let (why, hint) = (error.to_string(), error.hint());
            tracing::warn!(
                why,
                hint,
                "journal not read: until it is, the rules know of no call, entry, switch or number before this start"
            );
            self.state().is_unread = true;
        }
    }

    /// Notes that they have it now.
    pub(super) fn read_at_last(&self) {
        if std::mem::take(&mut self.state().is_unread) {
            tracing::info!("journal read: the rules know what was before this start");
        }
    }

    /// Tells whether they do without it.
    pub(super) fn is_unread(&self) -> bool {
        self.state().is_unread
    }

    /// Notes that the thread that writes has ended by a fault, and says so: nothing is written until the program is started
    /// again.
    pub(super) fn end(&self) {
        let mut state = self.state();
        let why = "the thread that writes the journal has ended by a fault of the program".to_owned();
        let hint = "restart the program: what waits is lost with it; report what its log says of the panic"
            .to_owned();
        tracing::error!(why, hint, "journal not written any more: what comes is kept in memory only");
        let since = state.failing.take().map_or_else(Timestamp::now, |failing| failing.since);
        state.failing = Some(Failing { since, why, hint });
    }

    /// Notes that something was written, and says so if that was not so before.
    pub(super) fn recover(&self) {
        let recovered = self.state().failing.take();
        if let Some(Failing { since, .. }) = recovered {
            tracing::info!(%since, lost = self.counts.lost.load(Relaxed), "journal written again");
        }
    }

    /// Notes since when what happened waits too long to be written, and says so when that begins and ends. What is told
    /// once holds until then.
    pub(super) fn slow(&self, since: Option<Timestamp>) {
        let mut state = self.state();
        match (state.slow, since) {
            (None, Some(since)) => {
                tracing::warn!(%since, "journal slow: a kill would lose what happened since then");
                self.slow.fetch_add(1, Relaxed);
                state.slow = Some(since);
            }
            (Some(since), None) => {
                tracing::info!(%since, "journal in time again");
                state.slow = None;
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
    }

    /// Returns since when what happened is in memory only, while that is too long.
    pub(super) fn slow_since(&self) -> Option<Timestamp> {
        self.state().slow
    }

    /// Counts records that will never be written, and says so once a minute.
    pub(super) fn lose(&self, records: u64) {
        self.counts.lost.fetch_add(records, Relaxed);
        self.say_lost();
    }

    /// Says how many records were lost since it was last said.
    pub(super) fn say_lost(&self) {
        let lost = self.counts.lost.load(Relaxed);
        let mut state = self.state();
        let (is_time, before) = match state.said {
            Some((at, before)) => (at.elapsed() >= SAY, before),
            None => (true, 0),
        };
        if is_time && lost > before {
            state.said = Some((Instant::now(), lost));
            drop(state);
            tracing::warn!(lost = lost - before, "journal records lost");
        }
    }

    /// Returns since when nothing is written.
    pub(super) fn failing(&self) -> Option<Failing> {
        self.state().failing.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
