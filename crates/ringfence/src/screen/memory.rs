//! What the rules may ask of the past while one call is decided, and what they have asked.

use std::cell::{Cell, RefCell};

use jiff::Timestamp;
use ringfence_policy::{Addition, Answer, CallerId, Facts, History, Per, Region, Switch};
use smallvec::SmallVec;

use crate::journal::{CallerKey, OfCall};

/// The past as one call sees it.
///
/// It notes what the decision stood on, so that the journal can tell and repeat it, and which lists
/// that are asked for each call have not answered yet.
#[derive(Debug)]
pub(super) struct Memory<'a> {
    past: OfCall<'a>,
    /// The switches of the policy.
    switches: &'a [Switch],
    /// The lists that are asked for each call.
    asked: &'a [Box<str>],
    /// What they said, as far as they have been asked.
    answers: &'a [Said],
    stood_on: RefCell<StoodOn>,
    /// Whether the rule that is tried is in shadow mode, and must neither delay nor change anything.
    is_shadow: Cell<bool>,
}

/// What a list that is asked for each call said of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) list: Box<str>,
    /// What counts: also of one that did not answer, where the policy says what then does.
    pub(super) answer: Option<Answer>,
    /// Why it did not answer.
    pub(super) failed: Option<String>,
}

/// When something happened last, as far as a rule asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Last {
    #[default]
    NotAsked,
    Never,
    At(Timestamp),
}

impl From<Option<Timestamp>> for Last {
    fn from(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Never, Self::At)
    }
}

impl Last {
    /// Returns it as the journal writes it.
    pub(super) fn written(self) -> Option<String> {
        match self {
            Self::NotAsked => None,
            Self::Never => Some("never".to_owned()),
            Self::At(at) => Some(at.to_string()),
        }
    }
}

/// What a decision stood on, beside what the INVITE says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StoodOn {
    /// Lists that the caller was added to.
    pub(super) added: Vec<Box<str>>,
    pub(super) dialed: Last,
    pub(super) answered: Last,
    /// When an emergency number was dialled last, if ever.
    pub(super) emergency_call: Option<Timestamp>,
    /// How switches stood that were asked for, by their places in the policy; nothing for one that stood as the policy says.
    pub(super) switches: SmallVec<[(usize, Option<bool>); 2]>,
    /// The greatest rate that was asked for.
    pub(super) rate: Option<u32>,
    /// Lists that have not been asked yet.
    pub(super) wanting: Vec<Box<str>>,
}

impl<'a> Memory<'a> {
    pub(super) fn new(
        past: OfCall<'a>,
        switches: &'a [Switch],
        asked: &'a [Box<str>],
        answers: &'a [Said],
    ) -> Self {
        Self { past, switches, asked, answers, stood_on: RefCell::default(), is_shadow: Cell::new(false) }
    }

    /// Returns what the past knows the caller by; none for one who cannot be told from others.
    pub(super) fn key(&self, caller: &CallerId<'_>) -> Option<CallerKey> {
        self.past.key(caller)
    }

    /// Takes what the decision has stood on so far.
    pub(super) fn stood_on(&self) -> StoodOn {
        self.stood_on.take()
    }
}

impl History for Memory<'_> {
    fn calls(&self, caller: &CallerId<'_>, since: Timestamp) -> u32 {
        self.past.calls(caller, since)
    }

    fn rate(&self, per: Per, facts: &Facts<'_>, since: Timestamp) -> u32 {
        let rate = self.past.rate(per, facts, since);
        let mut stood_on = self.stood_on.borrow_mut();
        stood_on.rate = stood_on.rate.max(Some(rate));
        rate
    }

    fn dialed(&self, caller: &CallerId<'_>) -> Option<Timestamp> {
        let dialed = self.past.dialed(caller);
        self.stood_on.borrow_mut().dialed = dialed.into();
        dialed
    }

    fn answered(&self, caller: &CallerId<'_>) -> Option<Timestamp> {
        let answered = self.past.answered(caller);
        self.stood_on.borrow_mut().answered = answered.into();
        answered
    }

    fn is_known(&self, caller: &CallerId<'_>) -> bool {
        self.past.is_known(caller)
    }

    fn added(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> bool {
        let is_added = self.past.added(list, caller, now);
        if is_added {
            push(&mut self.stood_on.borrow_mut().added, list);
        }
        is_added
    }

    fn addition(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> Option<Addition> {
        self.past.addition(list, caller, now)
    }

    fn switch(&self, name: &str, now: Timestamp) -> Option<bool> {
        let position = self.past.switch(name, now);
        let place = self.switches.iter().position(|switch| *switch.name == *name);
        let noted = &mut self.stood_on.borrow_mut().switches;
        if let Some(place) = place.filter(|place| noted.iter().all(|(known, _)| known != place)) {
            noted.push((place, position));
        }
        position
    }

    fn answer(&self, list: &str) -> Option<Answer> {
        if !self.asked.iter().any(|asked| **asked == *list) {
            return None;
        }
        match self.answers.iter().find(|said| *said.list == *list) {
            Some(said) => said.answer,
            None if self.is_shadow.get() => None,
            None => {
                push(&mut self.stood_on.borrow_mut().wanting, list);
                None
            }
        }
    }

    fn is_unanswered(&self, list: &str) -> bool {
        self.answers.iter().any(|said| *said.list == *list && said.failed.is_some())
    }

    fn emergency_call(&self, region: Region) -> Option<Timestamp> {
        let at = self.past.emergency_call(region);
        if at.is_some() {
            self.stood_on.borrow_mut().emergency_call = at;
        }
        at
    }

    fn in_shadow(&self, is_shadow: bool) {
        self.is_shadow.set(is_shadow);
    }
}

fn push(names: &mut Vec<Box<str>>, name: &str) {
    if !names.iter().any(|known| **known == *name) {
        names.push(name.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Past;

    #[test]
    fn a_rule_in_shadow_mode_asks_nobody() {
        let (past, asked) = (Past::default(), ["bad".into(), "mute".into()]);
        let mute = [Said { list: "mute".into(), answer: None, failed: Some("too late".to_owned()) }];
        let memory =
            Memory::new(past.of_call(past.line("home"), None, Timestamp::MAX, &[]), &[], &asked, &mute);
        memory.in_shadow(true);
        assert_eq!((memory.answer("bad"), memory.answer("mute")), (None, None));
        assert_eq!(memory.stood_on(), StoodOn::default());
        memory.in_shadow(false);
        assert_eq!((memory.answer("bad"), memory.answer("mute")), (None, None));
        assert_eq!(memory.stood_on().wanting, ["bad".into()]);
        assert_eq!(["bad", "mute"].map(|list| memory.is_unanswered(list)), [false, true]);
    }

    #[test]
    fn what_was_asked_and_was_not_so_is_noted_too() {
        let past = Past::default();
        let switches =
            ["here", "away"].map(|name| Switch { name: name.into(), default: false, auto_off: None });
        let memory =
            Memory::new(past.of_call(past.line("home"), None, Timestamp::MAX, &[]), &switches, &[], &[]);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!((memory.switch("away", now), memory.dialed(&CallerId::Unavailable)), (None, None));
        let stood_on = memory.stood_on();
        assert_eq!(*stood_on.switches, [(1, None)]);
        assert_eq!((stood_on.dialed, stood_on.answered), (Last::Never, Last::NotAsked));
    }
}
