//! What happened before the call, asked once for all rules that ask for the same.

use std::cell::{Cell, OnceCell};

use jiff::{SignedDuration, Timestamp};

use super::Scene;
use crate::history::Per;

/// What was asked so far.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// When the caller was dialled last, and when answered.
    dialed: OnceCell<Option<Timestamp>>,
    answered: OnceCell<Option<Timestamp>>,
    /// Of each kind of count within what was counted last, and how many there were.
    counted: [Cell<Option<(SignedDuration, u32)>>; COUNTS],
}

/// Calls of the caller for `repeat`, and for a rate those of the caller, of the line and of the source.
const COUNTS: usize = 4;

impl Scene<'_, '_> {
    /// Returns how many calls the caller has made, this one counted.
    pub(crate) fn calls(&self, within: SignedDuration) -> u32 {
        self.count(0, within, |since| self.facts.history.calls(&self.facts.caller, since).saturating_add(1))
    }

    /// Returns how many calls there have been of this caller, on this line, or from this address.
    pub(crate) fn rate(&self, per: Per, within: SignedDuration) -> u32 {
        let place = match per {
            Per::Caller => 1,
            Per::Line => 2,
            Per::Source => 3,
        };
        self.count(place, within, |since| self.facts.history.rate(per, self.facts, since))
    }

    /// Counts unless the same was counted last.
    fn count(&self, place: usize, within: SignedDuration, count: impl FnOnce(Timestamp) -> u32) -> u32 {
        let last = &self.past.counted[place];
        if let Some((counted, calls)) = last.get()
            && counted == within
        {
            return calls;
        }
        let calls = count(self.since(within));
        last.set(Some((within, calls)));
        calls
    }

    pub(super) fn dialed(&self) -> Option<Timestamp> {
        *self.past.dialed.get_or_init(|| self.facts.history.dialed(&self.facts.caller))
    }

    pub(super) fn answered(&self) -> Option<Timestamp> {
        *self.past.answered.get_or_init(|| self.facts.history.answered(&self.facts.caller))
    }

    pub(crate) fn since(&self, within: SignedDuration) -> Timestamp {
        // Since 1970 half the steps are enough.
        let seconds = self.now.as_second().saturating_sub(within.as_secs());
        let nanoseconds = self.now.subsec_nanosecond() - within.subsec_nanos();
        let quickly = Timestamp::new(seconds, nanoseconds);
        quickly.or_else(|_| self.now.checked_sub(within)).unwrap_or(Timestamp::MIN)
    }

    /// Returns whether something happened not longer ago than this, nor is farther ahead.
    pub(super) fn is_within(&self, when: Option<Timestamp>, within: SignedDuration) -> bool {
        let Some(when) = when else { return false };
        // A clock that was set back since must not make a stranger of who was dialled an hour ago, nor keep a time of
        // a clock that stood years ahead for those years.
        let latest = self.now.checked_add(within).unwrap_or(Timestamp::MAX);
        when >= self.since(within) && when <= latest
    }
}
