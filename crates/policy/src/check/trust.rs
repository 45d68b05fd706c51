//! Rules that let a call through because of what anyone can claim, and refusals that do not say by
//! whom.

use super::Finding;
use crate::condition::Condition;
use crate::language::Severity;
use crate::policy::Policy;
use crate::treatment::{Treatment, Work};

pub(super) fn check(policy: &Policy, findings: &mut Vec<Finding>) {
    for rule in policy.rules() {
        let treatment = rule.then();
        if let Some(claim) = claim(rule.when()).filter(|_| !treatment.is_refusal()) {
            let message = format!(
                "rule {} lets a call through by its {claim} alone, which any caller can claim: ask for the number, too",
                rule.id()
            );
            findings.push(Finding::of_rule(rule, Severity::Warning, message));
        }
        if lacks_contact(treatment) {
            let message = format!(
                "rule {}: 608 is a refusal by somebody in the middle, and tells nobody whom to ask: give {} a `redress`",
                rule.id(),
                treatment.name()
            );
            findings.push(Finding::of_rule(rule, Severity::Warning, message));
        }
    }
}

/// Returns the claim because of which a condition may hold, without the number or anybody's word for it.
fn claim(condition: &Condition) -> Option<&'static str> {
    if let Condition::All(all) = condition {
        return all.iter().find_map(claim).filter(|_| !all.iter().any(tells_who));
    }
    if let Condition::Any(any) = condition {
        return any.iter().find_map(claim);
    }
    if let Condition::UserAgent(_) = condition {
        return Some("user agent");
    }
    matches!(condition, Condition::Name(_)).then_some("name")
}

/// Returns whether a condition holds only for callers that something but what they claim tells.
fn tells_who(condition: &Condition) -> bool {
    if let Condition::All(all) = condition {
        return all.iter().any(tells_who);
    }
    if let Condition::Any(any) = condition {
        return any.iter().all(tells_who);
    }
    matches!(
        condition,
        Condition::Caller(_)
            | Condition::CallerIn(_)
            | Condition::NearList { .. }
            | Condition::Repeat { .. }
            | Condition::DialedWithin(_)
            | Condition::AnsweredWithin(_)
            | Condition::FirstTime(false)
            | Condition::Verification(_)
            | Condition::Attestation(_)
    )
}

/// By RFC 8688 section 3.4 a 608 has a Call-Info header with whom to ask.
fn lacks_contact(treatment: &Treatment) -> bool {
    match treatment.work() {
        Work::Reject(rejection) => rejection.code() == 608 && rejection.call_info_value().is_none(),
        Work::Hold(hold) => lacks_contact(&hold.then),
        Work::Forward(_)
        | Work::Answer(_)
        | Work::Challenge(_)
        | Work::Ring(_)
        | Work::StandAside
        | Work::Drop(_) => false,
    }
}
