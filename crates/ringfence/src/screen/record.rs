//! What the journal is told of a call.

use jiff::Timestamp;
use ringfence_policy::{Action, CallerId, Decision, Facts, Final};
use softphone::{Invite, Objection};

use crate::journal::{Added, Call, Evidence, Outcome, identity};

/// Returns the entry that matched: as it is written, or who was put on the list for a time.
pub(super) fn entry(decision: &Decision<'_>, facts: &Facts<'_>) -> Option<String> {
    let is_put = || decision.list().is_some();
    decision.entry().map(|entry| entry.to_string()).or_else(|| {
        is_put().then(|| match facts.caller {
            CallerId::Anonymous { .. } | CallerId::WithheldName(_) => Added::WITHHELD.to_owned(),
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
        CallerId::Anonymous { .. } | CallerId::WithheldName(_) | CallerId::Unavailable => {
            facts.caller.kind().as_str().to_owned()
        }
        // They are shown as they are known, which needs no formatter.
        CallerId::Number(_) | CallerId::Implausible(..) | CallerId::Ambiguous(_) => {
            identity(&facts.caller).unwrap_or_default()
        }
        CallerId::Name(_) => facts.caller.to_string(),
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
        _ if leads_away(action) => objection.status == 400,
        Action::Reject(_)
        | Action::Redirect(_)
        | Action::SendOn(_)
        | Action::Ignore { .. }
        | Action::Unsupported { .. } => false,
    })
}

/// Tells whether the caller, or the proxy, is told where to go on.
pub(super) fn leads_away(action: &Action) -> bool {
    matches!(action, Action::Redirect(_) | Action::SendOn(Final::Redirect(_)))
}

/// Returns what becomes of the call: what stands against the INVITE is answered in the place of a ring,
/// and of a redirection that would send it on unread.
pub(super) fn outcome(invite: &Invite<'_>, action: &Action, is_from_registrar: bool) -> Outcome {
    match objection(invite, action) {
        Some(objection) => Outcome::Refuse { status: objection.status },
        None => Outcome::of(action, is_from_registrar),
    }
}
