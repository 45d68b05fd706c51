//! What the journal is told of a call.

use std::fmt::Write as _;

use jiff::Timestamp;
use ringfence_policy::{Action, CallerId, Decision, Facts, Final};
use softphone::{Invite, Objection, Verdict};

use super::claims::arrival;
use crate::journal::{Added, Call, Evidence, Outcome, with_identity};

/// Writes the entry that matched: as it is written, or who was put on the list for a time.
pub(super) fn write_entry(decision: &Decision<'_>, facts: &Facts<'_>, out: &mut String) {
    if let Some(entry) = decision.entry() {
        match entry.written() {
            // To write to a string cannot fail.
            "" => drop(write!(out, "{entry}")),
            written => out.push_str(written),
        }
        return;
    }
    match facts.caller {
        CallerId::Anonymous { .. } | CallerId::WithheldName(_) => out.push_str(Added::WITHHELD),
        CallerId::Number(_)
        | CallerId::Implausible(..)
        | CallerId::Ambiguous(_)
        | CallerId::Name(_)
        | CallerId::Invalid(_)
        | CallerId::Unavailable => with_shown(facts, |shown| out.push_str(shown)),
    }
}

/// Returns the caller as it is shown: without a number that is withheld.
pub(super) fn shown(facts: &Facts<'_>) -> String {
    with_shown(facts, str::to_owned)
}

/// Tells whether the caller is shown as it is known, which needs no formatter.
pub(super) fn is_shown_as_known(facts: &Facts<'_>) -> bool {
    matches!(facts.caller, CallerId::Number(_) | CallerId::Implausible(..) | CallerId::Ambiguous(_))
}

/// Shows the same where it need not be kept.
pub(super) fn with_shown<T>(facts: &Facts<'_>, see: impl FnOnce(&str) -> T) -> T {
    match facts.caller {
        CallerId::Invalid(_) => see(facts.raw),
        CallerId::Anonymous { .. } | CallerId::WithheldName(_) | CallerId::Unavailable => {
            see(facts.caller.kind().as_str())
        }
        CallerId::Number(_) | CallerId::Implausible(..) | CallerId::Ambiguous(_) => {
            with_identity(&facts.caller, |identity| see(identity.unwrap_or_default()))
        }
        CallerId::Name(_) => see(&facts.caller.to_string()),
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
    match action {
        Action::Ring { .. } | Action::Wait { .. } => invite.objection(),
        _ if leads_away(action) => invite.objection().filter(|objection| objection.status == 400),
        Action::Reject(_)
        | Action::Redirect(_)
        | Action::SendOn(_)
        | Action::Ignore { .. }
        | Action::Unsupported { .. } => None,
    }
}

/// Tells whether the caller, or the proxy, is told where to go on.
pub(super) fn leads_away(action: &Action) -> bool {
    matches!(action, Action::Redirect(_) | Action::SendOn(Final::Redirect(_)))
}

/// Returns what becomes of the call: what stands against the INVITE is answered in the place of a ring,
/// and of a redirection that would send it on unread; and 404 in the place of one to the URI that was called.
pub(super) fn outcome(
    invite: &Invite<'_>,
    objection: Option<&Objection>,
    action: &Action,
    verdict: &Verdict,
) -> Outcome {
    if let Some(objection) = objection {
        return Outcome::Refuse { status: objection.status };
    }
    let outcome = Outcome::of(action, arrival(invite).is_from_registrar());
    let is_led_back = matches!(verdict, Verdict::Redirect(redirect) if invite.is_led_back_by(redirect));
    if is_led_back { outcome.led_back() } else { outcome }
}
