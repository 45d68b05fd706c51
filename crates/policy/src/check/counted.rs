//! Rules whose calls are only counted, beside conditions that count calls.

use super::Finding;
use crate::condition::Condition;
use crate::language::Severity;
use crate::policy::Policy;
use crate::rule::{Log, Rule};

/// Warns that calls without a record count only as long as the program runs, for none that is decided again.
pub(super) fn check(policy: &Policy, findings: &mut Vec<Finding>) {
    let Some((counting, key)) = policy.rules().iter().find_map(|rule| Some((rule.id(), key(rule.when())?)))
    else {
        return;
    };
    let is_meant =
        |rule: &&Rule| rule.log == Log::Counter && !rule.is_shadow && !is_of_strangers(rule.when());
    for rule in policy.rules().iter().filter(is_meant) {
        let message = format!(
            "rule {}: its calls are only counted, so that `{key}` of {counting} counts them until the program ends, and \
             `why`, `replay` and `was-wrong` never do",
            rule.id()
        );
        let hint = "with log = \"call\" they have records, and count everywhere";
        findings.push(Finding::of_rule(rule, Severity::Warning, message).hinting(hint));
    }
}

/// Returns the key of a condition that counts earlier calls, if one does.
fn key(condition: &Condition) -> Option<&'static str> {
    let mut key = None;
    condition.visit(&mut |inner| {
        if let Condition::Repeat { .. } | Condition::FirstTime(_) | Condition::Rate { .. } = inner {
            key = Some(inner.word());
        }
    });
    key
}

/// Returns whether a condition holds only for calls that come from nobody who is trusted, such as those of scanners: no other call
/// is of the same source.
fn is_of_strangers(condition: &Condition) -> bool {
    if let Condition::All(all) = condition {
        return all.iter().any(is_of_strangers);
    }
    if let Condition::Any(any) = condition {
        return any.iter().all(is_of_strangers);
    }
    matches!(condition, Condition::Source(arrivals) if !arrivals.iter().any(|arrival| arrival.is_trusted()))
}
