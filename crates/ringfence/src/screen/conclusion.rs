//! What comes of a decision, at once or late: the verdict on this line, and the record.

use std::time::Instant;

use jiff::Timestamp;
use ringfence_policy::{Caller, Decision, Facts, Log};
use softphone::{Invite, Verdict};

use super::memory::{Said, StoodOn};
use super::record::{Decided, objection};
use super::seen::{Seen, written};
use super::{Moment, OnLine, Rules};
use crate::answer::{Answer, Answers, IN_PLACE_OF_SILENCE};
use crate::journal::{Call, Outcome};

/// One INVITE on its line, to be decided by one configuration.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) rules: &'a Rules,
    pub(super) invite: &'a Invite<'a>,
    pub(super) line: &'a OnLine,
    pub(super) seen: Seen<'a>,
    pub(super) moment: Moment,
    began: Instant,
}

/// What a decision was made from.
#[derive(Debug)]
pub(super) struct Basis<'a, 'c> {
    pub(super) caller: &'c Caller<'c>,
    pub(super) facts: &'a Facts<'a>,
    pub(super) stood_on: StoodOn,
    pub(super) said: &'a [Said],
    pub(super) at: Timestamp,
    /// Whether it is a copy of a call that is counted on another line.
    pub(super) is_copy: bool,
}

/// What comes of a decision.
#[derive(Debug)]
pub(super) struct Conclusion<'a> {
    pub(super) decided: Decided<'a>,
    /// Where the line keeps the answer.
    pub(super) place: usize,
    pub(super) verdict: Verdict,
    /// None where the rule has the call counted only.
    pub(super) record: Option<Call>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(rules: &'a Rules, invite: &'a Invite<'a>, moment: Moment, began: Instant) -> Self {
        let line = rules.line(invite.line_label());
        let seen = Seen::of(invite, if line.name.is_empty() { invite.line_label() } else { &line.name });
        Self { rules, invite, line, seen, moment, began }
    }

    /// Concludes what a decision means here.
    pub(super) fn conclude(
        &self,
        decision: &'a Decision<'a>,
        Basis { caller, facts, stood_on, said, at, is_copy }: Basis<'a, '_>,
    ) -> Conclusion<'a> {
        let Self { rules, invite, line, .. } = self;
        let place = match self.moment {
            Moment::AtOnce => Answers::place(decision.treatment()),
            Moment::Late => line.answers.place_after_trying(decision.treatment()),
        };
        let answer = line.answers.at(place);
        let policy = &rules.policy;
        let decided = Decided {
            policy,
            checksum: &rules.checksum,
            facts,
            decision,
            action: answer.action(),
            at,
            took: self.began.elapsed(),
            said,
            is_sole: line.is_sole,
            is_copy,
        };
        let verdict = self.verdict(answer, facts, at);
        let is_counted = decision.rule().is_some_and(|rule| rule.log == Log::Counter);
        let record = (!is_counted).then(|| {
            let mut record = decided.record(invite, &written(facts, caller, at, policy, stood_on, said));
            // The registrar is answered 480 whatever it has heard.
            let is_from_registrar = facts.arrival.is_from_registrar();
            let silence = || line.answers.at(Answers::place(decision.treatment())).action();
            if place == IN_PLACE_OF_SILENCE && Outcome::of(silence(), is_from_registrar) == Outcome::Ignore {
                record.reason.push_str("; the caller had heard 100 Trying, so it was answered 480");
            }
            record
        });
        Conclusion { decided, place, verdict, record }
    }

    /// Returns what an answer is on the wire.
    pub(super) fn verdict(&self, answer: &Answer, facts: &Facts<'_>, at: Timestamp) -> Verdict {
        let verdict = answer.verdict(&self.rules.policy, facts, at);
        // It cannot ring either: the endpoint answers what stands against it.
        let is_held_back =
            matches!(verdict, Verdict::Redirect(_)) && objection(self.invite, answer.action()).is_some();
        if is_held_back { Verdict::Ring { limit: None } } else { verdict }
    }
}
