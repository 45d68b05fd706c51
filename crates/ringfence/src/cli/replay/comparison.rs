//! What two policies, or a policy and the past, make of the same calls.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use ringfence_policy::{Action, Facts, Policy, decide};
use serde::Serialize;

use crate::cli::then::was_late;
use crate::cli::withheld::masked;
use crate::journal::{Call, Evidence, Outcome};

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Fate {
    /// The rule, or what else decided.
    pub(in crate::cli) rule: String,
    /// What goes out on the wire.
    pub(in crate::cli) action: String,
    /// Whether the caller is turned away.
    pub(in crate::cli) is_refusal: bool,
    /// The rules in shadow mode that would have decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) shadow: Vec<String>,
}

/// A call that is answered differently.
#[derive(Debug, Clone, Serialize)]
pub(in crate::cli) struct Difference {
    pub(in crate::cli) call: Call,
    pub(in crate::cli) from: Fate,
    pub(in crate::cli) to: Fate,
}

/// What is different.
#[derive(Debug, Clone, Default, Serialize)]
pub(in crate::cli) struct Comparison {
    /// How many calls were decided again.
    pub(in crate::cli) calls: u64,
    /// How many could not: what stood against the INVITE itself was answered.
    #[serde(skip_serializing_if = "is_zero")]
    pub(in crate::cli) left_out: u64,
    /// How many are answered differently.
    pub(in crate::cli) different: u64,
    /// Of those, how many are turned away now and were not.
    pub(in crate::cli) rejected: u64,
    /// How many are let through now and were not.
    pub(in crate::cli) let_through: u64,
    /// How many are answered alike, by another rule.
    other_rule: u64,
    /// How often a rule in shadow mode would have decided, in the end.
    pub(in crate::cli) shadow: BTreeMap<String, u64>,
    /// The newest that are different, the oldest of them first.
    pub(in crate::cli) newest: VecDeque<Difference>,
}

/// So many differences are shown.
const MOST_SHOWN: usize = 20;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Fate {
    /// Decides a call.
    pub(in crate::cli) fn of(policy: &Policy, facts: &Facts<'_>, now: Timestamp, call: &Call) -> Self {
        let (fate, action) = Self::of_decision(policy, facts, now);
        fate.led_back(&action, facts, call)
    }

    /// Decides a call, and tells it as the journal would write it down: of one that heard 100 Trying before it was decided, too.
    pub(super) fn to_be_written(policy: &Policy, facts: &Facts<'_>, now: Timestamp, call: &Call) -> Self {
        let (fate, action) = Self::of_decision(policy, facts, now);
        // What cannot be done yet lets the call through: see [`crate::answer::Answers::at`].
        let action = match action {
            Action::Unsupported { .. } => policy.line(facts.line).act(policy.welcome()),
            Action::Reject(_)
            | Action::Redirect(_)
            | Action::SendOn(_)
            | Action::Ring { .. }
            | Action::Wait { .. }
            | Action::Ignore { .. } => action,
        };
        fate.into_written(&action, facts, call)
    }

    /// Decides a call, and tells all of what is done with it, but in the place of silence what some callers are answered:
    /// the registrar, and who heard 100 Trying before.
    pub(super) fn on_the_wire(policy: &Policy, facts: &Facts<'_>, now: Timestamp, call: &Call) -> Self {
        let (fate, action) = Self::of_decision(policy, facts, now);
        match action {
            Action::Ignore { .. } => fate.into_written(&action, facts, call),
            Action::Redirect(_) | Action::SendOn(_) => fate.led_back(&action, facts, call),
            Action::Reject(_) | Action::Ring { .. } | Action::Wait { .. } | Action::Unsupported { .. } => {
                fate
            }
        }
    }

    fn into_written(self, action: &Action, facts: &Facts<'_>, call: &Call) -> Self {
        let outcome = Outcome::of(action, facts.arrival.is_from_registrar()).again_as(&call.verdict);
        let (action, is_refusal) = told(&if was_late(call) { outcome.after_trying() } else { outcome });
        Self { action, is_refusal, ..self }
    }

    /// Returns the same, but of a call that this redirection led back to the URI that was called what was sent in its place.
    fn led_back(self, action: &Action, facts: &Facts<'_>, call: &Call) -> Self {
        let outcome = Outcome::of(action, facts.arrival.is_from_registrar());
        if outcome.clone().again_as(&call.verdict) == outcome {
            self
        } else {
            self.into_written(action, facts, call)
        }
    }

    fn of_decision(policy: &Policy, facts: &Facts<'_>, now: Timestamp) -> (Self, Action) {
        let decision = decide(policy, facts, now);
        let action = policy.line(facts.line).act(decision.treatment());
        let fate = Self {
            rule: decision.rule_id().to_owned(),
            is_refusal: decision.treatment().is_refusal(),
            action: action.to_string(),
            shadow: Evidence::shadow_of(&decision),
        };
        (fate, action)
    }

    /// Returns what was written down of a call.
    pub(in crate::cli) fn written(call: &Call) -> Self {
        let (action, is_refusal) = told(&call.verdict);
        Self { rule: call.rule.clone(), action, is_refusal, shadow: call.evidence.shadow.clone() }
    }
}

/// Returns an outcome in words, and whether it turns the caller away.
fn told(outcome: &Outcome) -> (String, bool) {
    match outcome {
        Outcome::Reject { status, .. } | Outcome::Refuse { status } => {
            (format!("reject with {status}"), true)
        }
        Outcome::Redirect { to } => (format!("redirect to {to}"), false),
        Outcome::SendOn { to: Some(to), .. } => (format!("send on to {to}"), false),
        Outcome::SendOn { status, to: None } => (format!("send on ({status})"), false),
        Outcome::Ring => ("ring".to_owned(), false),
        Outcome::StandAside => ("stand aside".to_owned(), false),
        Outcome::Ignore => ("ignore".to_owned(), true),
    }
}

impl Comparison {
    /// Notes what becomes of a call.
    pub(super) fn add(&mut self, call: &Call, from: Fate, to: Fate) {
        self.calls += 1;
        for rule in &to.shadow {
            *self.shadow.entry(rule.clone()).or_default() += 1;
        }
        if from.action == to.action {
            self.other_rule += u64::from(from.rule != to.rule);
            return;
        }
        self.different += 1;
        match (from.is_refusal, to.is_refusal) {
            (false, true) => self.rejected += 1,
            (true, false) => self.let_through += 1,
            (true, true) | (false, false) => {}
        }
        if self.newest.len() == MOST_SHOWN {
            self.newest.pop_front();
        }
        self.newest.push_back(Difference { call: masked(call), from, to });
    }

    /// Notes a call that no policy decides.
    pub(super) fn leave_out(&mut self) {
        self.left_out += 1;
    }

    /// Tells whether every call is answered as before.
    pub(in crate::cli) fn is_same(&self) -> bool {
        self.different == 0
    }

    /// Returns how many calls are answered otherwise.
    pub(in crate::cli) fn different(&self) -> u64 {
        self.different
    }

    /// Tells what is different in a sentence.
    pub(in crate::cli) fn sentence(&self, subject: &str) -> String {
        let s = if self.calls == 1 { "" } else { "s" };
        if self.calls == 0 {
            return "there are no calls to decide again".to_owned();
        }
        let others = self.different - self.rejected - self.let_through;
        let parts = [
            (self.rejected, "rejected"),
            (self.let_through, "let through"),
            (others, "answered differently"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{what} {count}"))
            .collect();
        match parts.as_slice() {
            [] => format!("{subject} would have changed nothing in your last {} call{s}", self.calls),
            [first @ .., last] if !first.is_empty() => {
                let first = first.join(", ");
                format!("{subject} would have {first} and {last} of your last {} call{s}", self.calls)
            }
            parts => format!("{subject} would have {} of your last {} call{s}", parts.join(", "), self.calls),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::calls::a_call;

    fn fate(action: &str, is_refusal: bool) -> Fate {
        Fate { rule: action.to_owned(), action: action.to_owned(), is_refusal, shadow: vec![] }
    }

    #[test]
    fn a_sentence_tells_what_would_be_different() {
        let (ring, busy, decline) = (fate("ring", false), fate("486", true), fate("603", true));
        let mut comparison = Comparison::default();
        assert_eq!(comparison.sentence("this"), "there are no calls to decide again");
        comparison.add(&a_call(), ring.clone(), ring.clone());
        assert_eq!(comparison.sentence("this"), "this would have changed nothing in your last 1 call");
        comparison.add(&a_call(), ring.clone(), busy.clone());
        assert_eq!(comparison.sentence("this"), "this would have rejected 1 of your last 2 calls");
        comparison.add(&a_call(), busy.clone(), decline);
        comparison.add(&a_call(), busy, ring);
        assert_eq!(
            comparison.sentence("this"),
            "this would have rejected 1, let through 1 and answered differently 1 of your last 4 calls"
        );
    }

    #[test]
    fn only_the_newest_differences_are_kept() {
        let mut comparison = Comparison::default();
        for number in 0..100 {
            let call = Call { number, ..a_call() };
            comparison.add(&call, fate("ring", false), fate("486", true));
        }
        let numbers: Vec<u64> = comparison.newest.iter().map(|difference| difference.call.number).collect();
        assert_eq!(numbers, (80..100).collect::<Vec<_>>());
        assert_eq!((comparison.different, comparison.calls), (100, 100));
    }

    #[test]
    fn what_was_written_down_is_compared_with_what_is_decided() {
        let written = Fate::written(&a_call());
        assert_eq!((written.action.as_str(), written.is_refusal), ("reject with 486", true));
    }
}
