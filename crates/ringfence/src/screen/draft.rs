//! The record of a decision, made after the caller has been answered.
//!
//! A shard notes what was decided, and of what. The sentence for people and the facts as the journal keeps them are made
//! where the journal is kept.

mod texts;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ringfence_policy::{Action, Call as Facts, CallerKind, Decision, Facts as Known, KeptDecision, Work};
use softphone::{CallId, Invite, Objection};

use super::conclusion::{Asked, Basis};
use super::json;
use super::record::{entry, leads_away, objection, shown};
use super::seen::written;
use super::{Moment, Rules};
use crate::journal::{self, Call, Evidence, Outcome};
use crate::second;
use texts::{OfRecord, Texts};

/// A decision of which the record is still to be made.
#[derive(Debug)]
pub(super) struct Draft {
    rules: Arc<Rules>,
    decision: KeptDecision,
    /// Without the time, which is `at`, and without what is in `texts`.
    facts: Facts,
    texts: Texts,
    pub(super) outcome: Outcome,
    obstacle: Option<Obstacle>,
    /// The sentence, if it was made already.
    reason: Option<String>,
    /// What is said after it.
    remarks: String,
    id: CallId,
    source: SocketAddr,
    at: Timestamp,
    took: Duration,
    is_sole: bool,
    is_late: bool,
    /// Whether to put it into words panics.
    #[cfg(test)]
    pub(super) is_unspeakable: bool,
}

/// What stood against a call that was to ring or to be sent on.
#[derive(Debug)]
struct Obstacle {
    objection: Objection,
    to_redirection: bool,
}

/// What is told of a decision.
#[derive(Debug, Default)]
struct Told {
    caller: String,
    rule: String,
    entry: Option<String>,
    list: Option<String>,
    shadow: Vec<String>,
    reason: String,
    is_audited: bool,
}

impl Draft {
    /// Notes a decision, and what it means on the line.
    pub(super) fn new(
        asked: &Asked<'_>,
        decision: &Decision<'_>,
        action: &Action,
        outcome: Outcome,
        basis: Basis<'_, '_>,
    ) -> Self {
        let took = asked.took();
        let Asked { rules, invite, line, .. } = asked;
        let Basis { caller, facts, stood_on, said, at, .. } = basis;
        let policy = &rules.policy;
        let obstacle = Obstacle::to(invite, action);
        // What happened before may be another thing a moment later.
        let is_told_now = asked.moment == Moment::Late || !said.is_empty() || decision.tells_of_the_past();
        let reason = is_told_now.then(|| {
            let explanation = Explained { decision, outcome: &outcome, obstacle: obstacle.as_ref() };
            explanation.reason(rules, facts, at)
        });
        let mut remarks = String::new();
        for said in said {
            if let Some(why) = &said.failed {
                remarks.extend(["; no answer of ", &said.list, " (", why, ")"]);
            }
        }
        Self {
            decision: decision.keep(policy),
            texts: Texts::of(invite, caller, facts),
            facts: written(facts, caller, policy, stood_on, said),
            outcome,
            obstacle,
            reason,
            remarks,
            id: invite.id(),
            source: invite.source(),
            at,
            took,
            is_sole: line.is_sole,
            is_late: asked.moment == Moment::Late,
            rules: Arc::clone(rules),
            #[cfg(test)]
            is_unspeakable: false,
        }
    }

    /// Returns what the rules know the caller by.
    pub(super) fn identity(&self) -> Option<&str> {
        self.texts.identity()
    }

    /// Has something said after the reason.
    pub(super) fn remark(&mut self, remark: &str) {
        self.remarks.push_str(remark);
    }

    /// Makes the record.
    pub(super) fn written(mut self) -> Call {
        let OfRecord { identity, call_id, label } = std::mem::take(&mut self.texts).put_into(&mut self.facts);
        // Whatever goes wrong with the words: the call has a record.
        let told = catch_unwind(AssertUnwindSafe(|| self.told())).ok().flatten();
        let Told { caller, rule, entry, list, shadow, reason, is_audited } =
            told.unwrap_or_else(|| self.without_words());
        self.facts.at = Some(second::written(self.at));
        Call {
            number: 0,
            at: self.at,
            id: self.id.into(),
            call_id,
            line: label,
            caller,
            source: address(self.source),
            verdict: self.outcome,
            rule,
            entry,
            reason: reason + &self.remarks,
            evidence: Evidence {
                identity,
                list,
                shadow,
                facts: json::written(&self.facts),
                policy: Arc::clone(&self.rules.checksum),
                is_sole: self.is_sole,
                is_late: self.is_late,
                is_audited,
                decided_in: self.took,
            },
            display_name: self.facts.name.filter(|name| !name.is_empty()),
            ended: None,
        }
    }

    /// Tells it in words. `None` is never: the decision is of the policy that is kept beside it.
    fn told(&self) -> Option<Told> {
        #[cfg(test)]
        assert!(!self.is_unspeakable, "a test wants it");
        let Self { rules, facts, at, outcome, .. } = self;
        let decision = self.decision.under(&rules.policy)?;
        Some(facts.with_facts(&rules.policy, *at, None, |facts, at| {
            let explained = Explained { decision: &decision, outcome, obstacle: self.obstacle.as_ref() };
            Told {
                caller: shown(facts),
                rule: decision.rule_id().to_owned(),
                entry: entry(&decision, facts),
                list: decision.list().map(str::to_owned),
                shadow: Evidence::shadow_of(&decision),
                reason: self.reason.clone().unwrap_or_else(|| explained.reason(rules, facts, at)),
                is_audited: decision.rule().is_some_and(|rule| rule.is_audited),
            }
        }))
    }

    fn without_words(&self) -> Told {
        let decision = self.decision.under(&self.rules.policy);
        Told {
            caller: CallerKind::Invalid.as_str().to_owned(),
            rule: decision.map(|decision| decision.rule_id().to_owned()).unwrap_or_default(),
            reason: "to say why panicked".to_owned(),
            ..Told::default()
        }
    }
}

impl journal::Draft for Draft {
    fn write(self: Box<Self>) -> Call {
        self.written()
    }
}

impl Obstacle {
    fn to(invite: &Invite<'_>, action: &Action) -> Option<Self> {
        let to_redirection = leads_away(action);
        objection(invite, action).map(|objection| Self { objection, to_redirection })
    }
}

/// So long are most sentences at most, in bytes: to grow in steps would copy them.
const USUAL: usize = 384;

/// What is explained.
struct Explained<'a> {
    decision: &'a Decision<'a>,
    outcome: &'a Outcome,
    obstacle: Option<&'a Obstacle>,
}

impl Explained<'_> {
    /// Returns the sentence that says why.
    fn reason(&self, rules: &Rules, facts: &Known<'_>, at: Timestamp) -> String {
        let mut reason = String::with_capacity(USUAL);
        self.write_action(&mut reason);
        reason.push_str(": ");
        self.decision.write_because(&rules.policy, facts, at, &mut reason);
        if let Some(Obstacle { objection, to_redirection }) = self.obstacle {
            let so = if *to_redirection { "it is not sent on" } else { "it cannot ring" };
            // To write to a string cannot fail.
            let _ = write!(reason, "; {so}: {objection}");
        }
        reason
    }

    /// Writes what is done with this call: on this line, and in the place of silence.
    fn write_action(&self, out: &mut String) {
        if let Some(sent_on) = self.outcome.sent_on() {
            return out.push_str(&sent_on);
        }
        let work = self.decision.treatment().work();
        match (self.outcome, work) {
            (Outcome::Reject { status }, Work::Drop(_)) => {
                out.extend(["rejected with ", itoa::Buffer::new().format(*status), " instead of ignored"]);
            }
            (Outcome::Reject { status }, Work::Reject(_)) => {
                out.extend(["rejected with ", itoa::Buffer::new().format(*status)]);
            }
            _ => out.push_str(&self.decision.action()),
        }
    }
}

/// Returns the text of an address, as its `Display` has it: each record has one.
fn address(source: SocketAddr) -> String {
    let SocketAddr::V4(source) = source else { return source.to_string() };
    let mut text = String::with_capacity("255.255.255.255:65535".len());
    for (octet, behind) in source.ip().octets().into_iter().zip([".", ".", ".", ":"]) {
        text.extend([itoa::Buffer::new().format(octet), behind]);
    }
    text.push_str(itoa::Buffer::new().format(source.port()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_everywhere_else() {
        for text in ["192.0.2.1:5060", "255.255.255.255:65535", "0.0.0.0:0", "[2001:db8::1]:5061"] {
            assert_eq!(address(text.parse().unwrap()), text);
        }
    }
}
