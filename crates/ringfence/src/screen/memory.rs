//! What the rules may ask of the past while one call is decided, and what they have asked.

use std::cell::{Cell, RefCell};

use jiff::Timestamp;
use ringfence_policy::{Answer, CallerId, Facts, History, Per};

use crate::journal::OfCall;

/// The past as one call sees it.
///
/// It notes what the decision stood on, so that the journal can tell and repeat it, and which lists
/// that are asked for each call have not answered yet.
#[derive(Debug)]
pub(super) struct Memory<'a> {
    past: OfCall<'a>,
    /// The lists that are asked for each call.
    asked: &'a [Box<str>],
    /// What they said, as far as they have been asked.
    answers: &'a [Said],
    stood_on: RefCell<StoodOn>,
    /// Whether the rule that is tried is in shadow mode, and must neither delay nor change anything.
    is_shadow: Cell<bool>,
}

/// What a list that is asked for each call said of the caller; nothing, when it did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) list: Box<str>,
    pub(super) answer: Result<Answer, String>,
}

/// What a decision stood on, beside what the INVITE says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StoodOn {
    /// Lists that the caller was added to.
    pub(super) added: Vec<Box<str>>,
    pub(super) dialed: Option<Timestamp>,
    pub(super) answered: Option<Timestamp>,
    /// Switches that were on.
    pub(super) switches: Vec<String>,
    /// The greatest rate that was asked for.
    pub(super) rate: Option<u32>,
    /// Lists that have not been asked yet.
    pub(super) wanting: Vec<Box<str>>,
    /// Lists that were asked and did not answer.
    pub(super) missing: Vec<Box<str>>,
}

impl<'a> Memory<'a> {
    pub(super) fn new(past: OfCall<'a>, asked: &'a [Box<str>], answers: &'a [Said]) -> Self {
        Self { past, asked, answers, stood_on: RefCell::default(), is_shadow: Cell::new(false) }
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
        self.stood_on.borrow_mut().dialed = dialed;
        dialed
    }

    fn answered(&self, caller: &CallerId<'_>) -> Option<Timestamp> {
        let answered = self.past.answered(caller);
        self.stood_on.borrow_mut().answered = answered;
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

    fn switch(&self, name: &str, now: Timestamp) -> Option<bool> {
        let position = self.past.switch(name, now);
        let mut stood_on = self.stood_on.borrow_mut();
        if position == Some(true) && !stood_on.switches.iter().any(|known| known == name) {
            stood_on.switches.push(name.to_owned());
        }
        position
    }

    fn answer(&self, list: &str) -> Option<Answer> {
        if !self.asked.iter().any(|asked| **asked == *list) {
            return None;
        }
        let mut stood_on = self.stood_on.borrow_mut();
        match self.answers.iter().find(|said| *said.list == *list) {
            Some(Said { answer: Ok(answer), .. }) => Some(*answer),
            _ if self.is_shadow.get() => None,
            Some(Said { answer: Err(_), .. }) => {
                push(&mut stood_on.missing, list);
                None
            }
            None => {
                push(&mut stood_on.wanting, list);
                None
            }
        }
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
    fn a_rule_in_shadow_mode_asks_nobody_and_misses_nothing() {
        let (past, asked) = (Past::default(), ["bad".into(), "mute".into()]);
        let mute = [Said { list: "mute".into(), answer: Err("too late".to_owned()) }];
        let memory = Memory::new(past.of_call(None, Timestamp::MAX, &[]), &asked, &mute);
        memory.in_shadow(true);
        assert_eq!((memory.answer("bad"), memory.answer("mute")), (None, None));
        assert_eq!(memory.stood_on(), StoodOn::default());
        memory.in_shadow(false);
        assert_eq!((memory.answer("bad"), memory.answer("mute")), (None, None));
        let stood_on = memory.stood_on();
        assert_eq!((stood_on.wanting, stood_on.missing), (vec!["bad".into()], vec!["mute".into()]));
    }
}
