//! What the journal is told of a decision.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ringfence_policy::{Action, CallerId, Decision, Facts, Policy, Work};
use softphone::{Invite, Objection};

use super::memory::Said;
use crate::journal::{Added, Call, Evidence, Outcome, identity};

/// What was decided of a call, and on what.
#[derive(Debug)]
pub(super) struct Decided<'a> {
    pub(super) policy: &'a Policy,
    pub(super) checksum: &'a Arc<str>,
    pub(super) facts: &'a Facts<'a>,
    pub(super) decision: &'a Decision<'a>,
    pub(super) action: &'a Action,
    pub(super) at: Timestamp,
    pub(super) took: Duration,
    /// What was said by the lists that were asked about this call.
    pub(super) said: &'a [Said],
    /// Whether no other phone rings on the line.
    pub(super) is_sole: bool,
    /// Whether a copy of the call was counted on another line.
    pub(super) is_copy: bool,
}

impl Decided<'_> {
    /// Returns what becomes of the call.
    pub(super) fn outcome(&self, invite: &Invite<'_>) -> Outcome {
        outcome(invite, self.action, self.facts.arrival.is_from_registrar())
    }

    /// Writes down what the policy decided, and why; `written` are the facts as the journal keeps them.
    pub(super) fn record(&self, invite: &Invite<'_>, written: &ringfence_policy::Call) -> Call {
        let Decided { checksum, facts, decision, at, took, .. } = *self;
        Call {
            caller: shown(facts),
            display_name: facts.display_name.filter(|name| !name.is_empty()).map(str::to_owned),
            rule: decision.rule_id().to_owned(),
            entry: entry(decision, facts),
            reason: self.reason(invite),
            evidence: Evidence {
                identity: identity(&facts.caller),
                list: decision.list().map(str::to_owned),
                shadow: Evidence::shadow_of(decision),
                // It cannot fail: every key is a string.
                facts: serde_json::to_string(written).unwrap_or_default(),
                policy: Arc::clone(checksum),
                is_sole: self.is_sole,
                is_audited: decision.rule().is_some_and(|rule| rule.is_audited),
                decided_in: took,
            },
            ..of_invite(invite, at, self.outcome(invite))
        }
    }

    /// Returns the sentence that says why.
    fn reason(&self, invite: &Invite<'_>) -> String {
        let mut explanation = self.decision.explain(self.policy, self.facts, self.at);
        // It says what is done with this call: on this line, and in the place of silence.
        if let Outcome::Reject { status } = self.outcome(invite) {
            let work = self.decision.treatment().work();
            if matches!(work, Work::Drop(_)) {
                explanation.action = format!("rejected with {status} instead of ignored");
            } else if matches!(work, Work::Reject(_)) {
                explanation.action = format!("rejected with {status}");
            }
        }
        let mut reason = match objection(invite, self.action) {
            Some(objection) if matches!(self.action, Action::Redirect(_)) => {
                format!("{explanation}; it is not sent on: {objection}")
            }
            Some(objection) => format!("{explanation}; it cannot ring: {objection}"),
            None => explanation.to_string(),
        };
        for said in self.said {
            if let Some(why) = &said.failed {
                reason.extend(["; no answer of ", &said.list, " (", why, ")"]);
            }
        }
        reason
    }
}

/// Returns the entry that matched: as it is written, or who was put on the list for a time.
fn entry(decision: &Decision<'_>, facts: &Facts<'_>) -> Option<String> {
    let is_put = || decision.list().is_some();
    decision.entry().map(|entry| entry.to_string()).or_else(|| {
        is_put().then(|| match facts.caller {
            CallerId::Anonymous { .. } => Added::WITHHELD.to_owned(),
            CallerId::Number(_)
            | CallerId::Implausible(..)
            | CallerId::Ambiguous(_)
            | CallerId::Name(_)
            | CallerId::Invalid(_)
            | CallerId::Unavailable => shown(facts),
        })
    })
}

/// Returns the caller as it is shown: without a number that is withheld.
pub(super) fn shown(facts: &Facts<'_>) -> String {
    match facts.caller {
        CallerId::Invalid(_) => facts.raw.to_owned(),
        CallerId::Anonymous { .. } | CallerId::Unavailable => facts.caller.kind().as_str().to_owned(),
        CallerId::Number(_) | CallerId::Implausible(..) | CallerId::Ambiguous(_) | CallerId::Name(_) => {
            facts.caller.to_string()
        }
    }
}

/// Returns the record of a call of which nothing is known but its INVITE and what becomes of it.
pub(super) fn of_invite(invite: &Invite<'_>, at: Timestamp, verdict: Outcome) -> Call {
    Call {
        number: 0,
        at,
        id: invite.id().to_string(),
        call_id: invite.call_id().into_owned(),
        line: invite.line_label().to_owned(),
        caller: String::new(),
        display_name: None,
        source: invite.source().to_string(),
        verdict,
        rule: String::new(),
        entry: None,
        reason: String::new(),
        evidence: Evidence::default(),
        ended: None,
    }
}

/// Returns what stands against an INVITE that is to ring, or to be sent on: one that breaks the grammar might
/// hide who calls, and is not sent on to other phones.
pub(super) fn objection(invite: &Invite<'_>, action: &Action) -> Option<Objection> {
    invite.objection().filter(|objection| match action {
        Action::Ring { .. } | Action::Wait { .. } => true,
        Action::Redirect(_) => objection.status == 400,
        Action::Reject(_) | Action::Ignore { .. } | Action::Unsupported { .. } => false,
    })
}

/// Returns what becomes of the call: what stands against the INVITE is answered in the place of a ring,
/// and of a redirection that would send it on unread.
pub(super) fn outcome(invite: &Invite<'_>, action: &Action, is_from_registrar: bool) -> Outcome {
    match objection(invite, action) {
        Some(objection) => Outcome::Refuse { status: objection.status },
        None => Outcome::of(action, is_from_registrar),
    }
}
