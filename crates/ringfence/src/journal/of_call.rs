//! What the rules ask while one call is decided: the past, and what was asked of others for this call.

use std::cell::OnceCell;
use std::net::IpAddr;

use jiff::Timestamp;
use ringfence_policy::{Addition, Answer, CallerId, Facts, History, Per, Region};

use super::past::{CallerKey, LineKey, Past, Spoken};

/// The past as one call's rules ask for it: about one caller. It is borrowed, and asks without an allocation.
#[derive(Debug)]
pub(crate) struct OfCall<'a> {
    past: &'a Past,
    line: LineKey,
    source: Option<IpAddr>,
    at: Timestamp,
    answers: &'a [(Box<str>, Answer)],
    /// When a copy of this call was counted, on another line.
    counted: Option<Timestamp>,
    /// What the past knows the caller by, and when it has spoken with them: several rules ask.
    key: OnceCell<Option<CallerKey>>,
    spoken: OnceCell<Spoken>,
}

impl Past {
    /// Returns what the rules ask of a call that came on a line, from an address, at a time, with what the lists answered
    /// that were asked about it.
    pub(crate) const fn of_call<'a>(
        &'a self,
        line: LineKey,
        source: Option<IpAddr>,
        at: Timestamp,
        answers: &'a [(Box<str>, Answer)],
    ) -> OfCall<'a> {
        OfCall {
            past: self,
            line,
            source,
            at,
            answers,
            counted: None,
            key: OnceCell::new(),
            spoken: OnceCell::new(),
        }
    }
}

impl OfCall<'_> {
    /// Leaves out a copy of this call, which was counted on another line: the call itself, and whatever list it or a later one has
    /// put the caller on.
    pub(crate) fn without_copy(self, counted: Option<Timestamp>) -> Self {
        Self { counted, ..self }
    }

    /// Returns what the past knows the caller by; none for one who cannot be told from others.
    pub(crate) fn key(&self, caller: &CallerId<'_>) -> Option<CallerKey> {
        let key = *self.key.get_or_init(|| self.past.key_of(caller));
        debug_assert_eq!(key, self.past.key_of(caller), "a call has one caller");
        key
    }

    fn spoken(&self, caller: &CallerId<'_>) -> Option<Spoken> {
        let key = self.key(caller)?;
        Some(*self.spoken.get_or_init(|| self.past.spoken_with(key, self.at)))
    }

    /// Returns 1 if such a copy is among what was counted since a time. The past knows milliseconds.
    fn copies(&self, since: Timestamp) -> u32 {
        u32::from(self.counted.is_some_and(|at| at.as_millisecond() >= since.as_millisecond()))
    }
}

impl History for OfCall<'_> {
    fn calls(&self, caller: &CallerId<'_>, since: Timestamp) -> u32 {
        let Some(key) = self.key(caller) else { return 0 };
        self.past.calls_by(key, since, self.at).saturating_sub(self.copies(since))
    }

    fn rate(&self, per: Per, facts: &Facts<'_>, since: Timestamp) -> u32 {
        let earlier = match per {
            Per::Caller => self.calls(&facts.caller, since),
            Per::Line => self.past.calls_on(self.line, since, self.at),
            Per::Source => {
                let earlier = self.source.map_or(0, |source| self.past.calls_from(source, since, self.at));
                earlier.saturating_sub(self.copies(since))
            }
        };
        earlier.saturating_add(1)
    }

    fn dialed(&self, caller: &CallerId<'_>) -> Option<Timestamp> {
        self.spoken(caller)?.last_dialed()
    }

    fn answered(&self, caller: &CallerId<'_>) -> Option<Timestamp> {
        self.spoken(caller)?.last_answered()
    }

    fn is_known(&self, caller: &CallerId<'_>) -> bool {
        match self.counted {
            None => self.key(caller).is_some_and(|key| self.past.has_called(key, self.at)),
            Some(_) => self.calls(caller, Timestamp::MIN) > 0,
        }
    }

    fn added(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> bool {
        self.past.was_added(list, caller, now, self.counted)
    }

    fn addition(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> Option<Addition> {
        self.past.addition(list, caller, now, self.counted)
    }

    fn switch(&self, name: &str, now: Timestamp) -> Option<bool> {
        self.past.switch(name, now)
    }

    fn emergency_call(&self, region: Region) -> Option<Timestamp> {
        self.past.emergency_call(region)
    }

    fn answer(&self, list: &str) -> Option<Answer> {
        self.answers.iter().find(|(asked, _)| **asked == *list).map(|(_, answer)| *answer)
    }
}
