//! What comes of a decision, at once or late: the verdict on this line, and the record.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ringfence_policy::{Caller, Decision, Facts, Log};
use softphone::{Invite, Verdict};

use super::draft::Draft;
use super::memory::{Said, StoodOn};
use super::record::{objection, outcome};
use super::seen::Seen;
use super::sheet::Sheet;
use super::{Moment, OnLine, Rules};
use crate::answer::{Answer, Answers, IN_PLACE_OF_SILENCE};
use crate::journal::Outcome;

/// One INVITE on its line, to be decided by one configuration.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) rules: &'a Arc<Rules>,
    pub(super) invite: &'a Invite<'a>,
    pub(super) line: &'a OnLine,
    pub(super) seen: Seen<'a>,
    pub(super) moment: Moment,
    pub(super) began: Instant,
    /// When it was decided, where it has a record.
    pub(super) decided: Cell<Option<Instant>>,
}

/// What a decision was made from.
#[derive(Debug)]
pub(super) struct Basis<'a, 'c> {
    pub(super) caller: &'c Caller<'c>,
    pub(super) facts: &'a Facts<'a>,
    pub(super) stood_on: StoodOn,
    pub(super) said: &'a [Said],
    pub(super) at: Timestamp,
}

/// What comes of a decision.
#[derive(Debug)]
pub(super) struct Conclusion {
    /// Where the line keeps the answer.
    pub(super) place: usize,
    pub(super) verdict: Verdict,
    pub(super) record: Recorded,
}

/// What is kept of a decision.
#[derive(Debug)]
pub(super) enum Recorded {
    /// A record, which is made when the caller has been answered.
    Whole(Box<Sheet>),
    /// The rule has its calls counted only.
    Counted(Outcome),
}

impl<'a> Asked<'a> {
    pub(super) fn new(rules: &'a Arc<Rules>, invite: &'a Invite<'a>, moment: Moment, began: Instant) -> Self {
        let line = rules.line(invite.line_label());
        let seen = Seen::of(invite, if line.name.is_empty() { invite.line_label() } else { &line.name });
        Self { rules, invite, line, seen, moment, began, decided: Cell::new(None) }
    }

    /// Concludes what a decision means here.
    pub(super) fn conclude(&self, decision: &Decision<'_>, basis: Basis<'_, '_>) -> Conclusion {
        let Self { invite, line, .. } = self;
        let Basis { facts, at, .. } = basis;
        let place = match self.moment {
            Moment::AtOnce => Answers::place(decision.treatment()),
            Moment::Late => line.answers.place_after_trying(decision.treatment()),
        };
        let answer = line.answers.at(place);
        let is_from_registrar = facts.arrival.is_from_registrar();
        let objection = objection(invite, answer.action());
        let verdict = self.verdict(answer, facts, at, objection.is_some());
        let outcome = outcome(invite, objection.as_ref(), answer.action(), &verdict);
        let is_counted = decision.rule().is_some_and(|rule| rule.log == Log::Counter);
        if is_counted {
            return Conclusion { place, verdict, record: Recorded::Counted(outcome) };
        }
        let mut draft = Draft::on_a_sheet(self, decision, answer.action(), outcome, objection, basis);
        // The registrar is answered 480 whatever it has heard.
        let silence = || line.answers.at(Answers::place(decision.treatment())).action();
        if place == IN_PLACE_OF_SILENCE && Outcome::of(silence(), is_from_registrar) == Outcome::Ignore {
            draft.remark("; the caller had heard 100 Trying, so it was answered 480");
        }
        Conclusion { place, verdict, record: Recorded::Whole(draft) }
    }

    /// Returns how long it has taken until now, and notes that it was decided now.
    pub(super) fn took(&self) -> Duration {
        let now = Instant::now();
        self.decided.set(Some(now));
        now.saturating_duration_since(self.began)
    }

    /// Returns what an answer is on the wire, where something stands against what it does or not.
    pub(super) fn verdict(
        &self,
        answer: &Answer,
        facts: &Facts<'_>,
        at: Timestamp,
        is_objected_to: bool,
    ) -> Verdict {
        let verdict = answer.verdict(&self.rules.policy, facts, at);
        // It cannot ring either: the endpoint answers what stands against it.
        let is_held_back = is_objected_to && matches!(verdict, Verdict::Redirect(_));
        if is_held_back { Verdict::Ring { limit: None } } else { verdict }
    }
}
