//! What a call that is written down says of what happened before.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Call, earlier};
use crate::caller::CallerId;
use crate::facts::Facts;
use crate::history::{Addition, Answer, History, Per};
use crate::number::Region;

/// When something happened last, as a call says it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Last {
    /// It says nothing of it.
    Unsaid,
    Never,
    At(Timestamp),
}

impl Last {
    fn read(text: Option<&String>, now: Timestamp, zone: &TimeZone) -> Self {
        match text {
            Some(text) if Self::is_never(text) => Self::Never,
            Some(text) => earlier(text, now, zone).map_or(Self::Unsaid, Self::At),
            None => Self::Unsaid,
        }
    }

    pub(super) fn is_never(text: &str) -> bool {
        text.trim() == "never"
    }

    /// Returns when it was, by a history where the call says nothing.
    fn or_else(self, history: impl FnOnce() -> Option<Timestamp>) -> Option<Timestamp> {
        match self {
            Self::Unsaid => history(),
            Self::Never => None,
            Self::At(at) => Some(at),
        }
    }
}

/// What a call says itself of what happened before, and behind it a history.
#[derive(Debug)]
pub(super) struct Said<'a> {
    call: &'a Call,
    recent: Vec<Timestamp>,
    dialed: Last,
    answered: Last,
    emergency_call: Last,
    history: Option<&'a dyn History>,
}

impl<'a> Said<'a> {
    pub(super) fn new(
        call: &'a Call,
        zone: &TimeZone,
        now: Timestamp,
        history: Option<&'a dyn History>,
    ) -> Self {
        let read = |text: &String| earlier(text, now, zone);
        Self {
            call,
            recent: call.recent.iter().filter_map(read).filter(|at| *at <= now).collect(),
            dialed: Last::read(call.dialed.as_ref(), now, zone),
            answered: Last::read(call.answered.as_ref(), now, zone),
            emergency_call: Last::read(call.emergency_call.as_ref(), now, zone),
            history,
        }
    }

    fn recent(&self, since: Timestamp) -> u32 {
        u32::try_from(self.recent.iter().filter(|at| **at >= since).count()).unwrap_or(u32::MAX)
    }
}

impl History for Said<'_> {
    fn calls(&self, caller: &CallerId<'_>, since: Timestamp) -> u32 {
        self.recent(since).saturating_add(self.history.map_or(0, |history| history.calls(caller, since)))
    }

    fn rate(&self, per: Per, facts: &Facts<'_>, since: Timestamp) -> u32 {
        let said = self.call.rate.unwrap_or_else(|| self.recent(since).saturating_add(1));
        said.max(self.history.map_or(0, |history| history.rate(per, facts, since)))
    }

    fn dialed(&self, caller: &CallerId<'_>) -> Option<Timestamp> {
        self.dialed.or_else(|| self.history?.dialed(caller))
    }

    fn answered(&self, caller: &CallerId<'_>) -> Option<Timestamp> {
        self.answered.or_else(|| self.history?.answered(caller))
    }

    fn is_known(&self, caller: &CallerId<'_>) -> bool {
        !self.recent.is_empty() || self.history.is_some_and(|history| history.is_known(caller))
    }

    fn added(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> bool {
        self.history.is_some_and(|history| history.added(list, caller, now))
    }

    fn addition(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> Option<Addition> {
        self.history?.addition(list, caller, now)
    }

    fn emergency_call(&self, region: Region) -> Option<Timestamp> {
        self.emergency_call.or_else(|| self.history?.emergency_call(region))
    }

    fn switch(&self, name: &str, now: Timestamp) -> Option<bool> {
        if self.call.switches.iter().any(|on| on == name) {
            return Some(true);
        }
        if self.call.switches_off.iter().any(|off| off == name) {
            return Some(false);
        }
        self.history?.switch(name, now)
    }

    fn answer(&self, list: &str) -> Option<Answer> {
        let is_unlisted = self.call.unlisted.iter().any(|unlisted| **unlisted == *list);
        let answer = |score: &u32| Answer { score: *score, is_listed: *score > 0 && !is_unlisted };
        let said = self.call.scores.get(list).map(answer);
        said.or_else(|| self.history.filter(|_| !self.is_unanswered(list))?.answer(list))
    }

    fn is_unanswered(&self, list: &str) -> bool {
        self.call.unanswered.iter().any(|unanswered| **unanswered == *list)
            || self.history.is_some_and(|history| history.is_unanswered(list))
    }

    fn in_shadow(&self, is_shadow: bool) {
        if let Some(history) = self.history {
            history.in_shadow(is_shadow);
        }
    }
}
