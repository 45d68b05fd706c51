//! What the journal is told of a decision.

use std::time::Duration;

use jiff::Timestamp;
use ringfence_policy::{Action, CallerId, Decision, Facts, Only, Policy};
use softphone::Invite;

use crate::journal::{Call, Evidence, Outcome, identity};

/// What was decided of a call, and on what.
#[derive(Debug)]
pub(super) struct Decided<'a> {
    pub(super) policy: &'a Policy,
    pub(super) facts: &'a Facts<'a>,
    pub(super) decision: &'a Decision<'a>,
    pub(super) action: &'a Action,
    pub(super) at: Timestamp,
    pub(super) took: Duration,
    /// Lists that were asked and did not answer.
    pub(super) missing: &'a [String],
}

/// Writes down what the policy decided, and why; `written` are the facts as the journal keeps them.
pub(super) fn record(invite: &Invite<'_>, decided: &Decided<'_>, written: &ringfence_policy::Call) -> Call {
    let Decided { policy, facts, decision, action, at, took, missing } = *decided;
    let explanation = decision.explain(policy, facts, at);
    let mut reason = match (action, invite.objection()) {
        (Action::Ring { .. } | Action::Wait { .. }, Some(objection)) => {
            format!("{explanation}; it cannot ring: {objection}")
        }
        (Action::Redirect(_), Some(objection)) if is_unreadable(invite) => {
            format!("{explanation}; it is not sent on: {objection}")
        }
        (_, _) => explanation.to_string(),
    };
    for missing in missing {
        reason.push_str("; no answer of ");
        reason.push_str(missing);
    }
    Call {
        number: 0,
        at,
        id: invite.id().to_string(),
        call_id: invite.call_id().into_owned(),
        line: invite.line_label().to_owned(),
        caller: match facts.caller {
            CallerId::Invalid(_) => facts.raw.to_owned(),
            CallerId::Anonymous { .. } | CallerId::Unavailable => facts.caller.kind().as_str().to_owned(),
            CallerId::Number(_) | CallerId::Implausible(..) | CallerId::Ambiguous(_) | CallerId::Name(_) => {
                facts.caller.to_string()
            }
        },
        display_name: facts.display_name.filter(|name| !name.is_empty()).map(str::to_owned),
        source: invite.source().to_string(),
        verdict: outcome(invite, action, facts.arrival.is_from_registrar()),
        rule: decision.rule_id().to_owned(),
        entry: decision.entry().map(|entry| entry.written().to_owned()),
        reason,
        evidence: Evidence {
            identity: identity(&facts.caller),
            list: decision.entry().map(|entry| entry.list().to_owned()),
            shadow: decision.shadow().map(|rule| rule.id().to_owned()).collect(),
            // It cannot fail: every key is a string.
            facts: serde_json::to_string(written).unwrap_or_default(),
            policy: policy.checksum().into(),
            is_audited: decision.rule().is_some_and(|rule| rule.is_audited),
            decided_in: took,
        },
        ended: None,
    }
}

/// Tells whether the INVITE breaks the grammar: it might hide who calls, and is not sent on to other phones.
pub(super) fn is_unreadable(invite: &Invite<'_>) -> bool {
    invite.objection().is_some_and(|objection| objection.status == 400)
}

/// Returns what becomes of the call: what stands against the INVITE is answered in the place of a ring,
/// and of a redirection that would send it on unread.
pub(super) fn outcome(invite: &Invite<'_>, action: &Action, is_from_registrar: bool) -> Outcome {
    match (action, invite.objection()) {
        (Action::Ring { .. } | Action::Wait { .. }, Some(objection)) => {
            Outcome::Refuse { status: objection.status }
        }
        (Action::Redirect(_), Some(objection)) if is_unreadable(invite) => {
            Outcome::Refuse { status: objection.status }
        }
        (Action::Ring { .. }, None) => Outcome::Ring,
        (Action::Wait { .. }, None) => Outcome::StandAside,
        (Action::Reject(rejection), _) => Outcome::Reject { status: rejection.code() },
        (Action::Redirect(away), _) => Outcome::Redirect { to: away.to.as_str().to_owned() },
        // See [`crate::answer::Answer::verdict`].
        (Action::Ignore { only: Only::NotFromRegistrar }, _) if is_from_registrar => {
            Outcome::Reject { status: 480 }
        }
        (Action::Ignore { .. } | Action::Unsupported { .. }, _) => Outcome::Ignore,
    }
}
