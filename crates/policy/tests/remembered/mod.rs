//! A history that is written out.

use std::cell::{Cell, RefCell};

use jiff::Timestamp;
use ringfence_policy::{Addition, Answer, CallerId, Facts, History, Per};

/// A history of one caller, as a test writes it.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    pub(crate) calls: Vec<Timestamp>,
    pub(crate) dialed: Option<Timestamp>,
    pub(crate) answered: Option<Timestamp>,
    pub(crate) is_known: bool,
    pub(crate) added: Vec<(String, Option<Timestamp>)>,
    pub(crate) switches: Vec<(String, bool)>,
    pub(crate) answers: Vec<(String, Answer)>,
    /// The list that was asked and has not answered.
    pub(crate) unanswered: Option<String>,
    /// The lists that were asked, but for rules in shadow mode.
    pub(crate) asked: RefCell<Vec<String>>,
    pub(crate) is_shadow: Cell<bool>,
}

impl History for Remembered {
    fn calls(&self, _: &CallerId<'_>, since: Timestamp) -> u32 {
        u32::try_from(self.calls.iter().filter(|at| **at >= since).count()).unwrap()
    }

    fn rate(&self, _: Per, facts: &Facts<'_>, since: Timestamp) -> u32 {
        self.calls(&facts.caller, since) + 1
    }

    fn dialed(&self, _: &CallerId<'_>) -> Option<Timestamp> {
        self.dialed
    }

    fn answered(&self, _: &CallerId<'_>) -> Option<Timestamp> {
        self.answered
    }

    fn is_known(&self, _: &CallerId<'_>) -> bool {
        self.is_known
    }

    fn added(&self, list: &str, _: &CallerId<'_>, now: Timestamp) -> bool {
        self.added.iter().any(|(name, until)| name == list && until.is_none_or(|until| now < until))
    }

    fn addition(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> Option<Addition> {
        let (_, until) = self.added.iter().find(|(name, _)| name == list)?;
        self.added(list, caller, now).then(|| Addition { rule: Some("once".into()), until: *until })
    }

    fn switch(&self, name: &str, _: Timestamp) -> Option<bool> {
        self.switches.iter().find(|(switch, _)| switch == name).map(|(_, on)| *on)
    }

    fn answer(&self, list: &str) -> Option<Answer> {
        if !self.is_shadow.get() {
            self.asked.borrow_mut().push(list.to_owned());
        }
        self.answers.iter().find(|(name, _)| name == list).map(|(_, answer)| *answer)
    }

    fn is_unanswered(&self, list: &str) -> bool {
        self.unanswered.as_deref() == Some(list)
    }

    fn in_shadow(&self, is_shadow: bool) {
        self.is_shadow.set(is_shadow);
    }
}
