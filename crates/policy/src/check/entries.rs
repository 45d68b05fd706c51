//! What is odd about the entries of lists.

use super::{Finding, add};
use crate::condition::Condition;
use crate::language::Severity;
use crate::list::List;
use crate::number::{Number, Prefix, Region};
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::rule::Rule;

/// Looks at what is written on the lists, one beside the other.
pub(super) fn check(policy: &Policy, findings: &mut Vec<Finding>) {
    for (allow, reject) in contradicting(policy) {
        add(findings, contradictions(allow, reject), "more entries that are never refused");
    }
    for list in policy.lists() {
        add(findings, faults(list), "more numbers that no plan has");
    }
    for list in refusing(policy) {
        let covered = covered_emergencies(policy.region(), list);
        add(findings, covered, "more entries that cover an emergency number");
    }
    for list in policy.lists() {
        add(findings, repetitions(list), "more entries that are repeated");
    }
}

/// Returns the lists whose callers a rule refuses, for that alone.
fn refusing(policy: &Policy) -> Vec<&List> {
    let rules = policy.rules().iter().filter(|rule| rule.then().is_refusal() && !rule.is_shadow);
    lists_of(policy, rules.map(Rule::when))
}

/// Returns each list whose callers a rule lets through before another rule refuses those of a second list.
fn contradicting(policy: &Policy) -> Vec<(&List, &List)> {
    let mut pairs: Vec<(&List, &List)> = Vec::new();
    for (place, rule) in policy.rules().iter().enumerate().filter(|(_, rule)| rule.then().is_refusal()) {
        let before = policy.rules()[..place].iter().filter(|rule| !rule.then().is_refusal());
        let allowing = lists_of(policy, before.filter(|rule| rule.until.is_none()).map(Rule::when));
        let refused = lists_of(policy, std::iter::once(rule.when()));
        pairs.extend(allowing.iter().flat_map(|allow| refused.iter().map(|reject| (*allow, *reject))));
    }
    pairs
}

fn lists_of<'a>(policy: &'a Policy, conditions: impl Iterator<Item = &'a Condition>) -> Vec<&'a List> {
    let places = conditions.filter_map(|condition| match condition {
        Condition::CallerIn(places) => Some(places),
        _ => None,
    });
    places.flatten().filter_map(|place| policy.lists().get(*place)).map(|list| &**list).collect()
}

fn contradictions(allow: &List, reject: &List) -> impl Iterator<Item = Finding> {
    reject.entries().filter_map(|entry| {
        let allowing = allow.covering(&entry.pattern())?;
        let (written, by, origin) = (entry.written(), allowing.written(), allowing.origin());
        let message = format!("{written} is never refused: {by} allows it ({origin})");
        Some(Finding::at(entry, Severity::Warning, message))
    })
}

fn faults(list: &List) -> impl Iterator<Item = Finding> {
    list.entries().filter_map(|entry| {
        let message = format!("{} is no real number: {}", entry.written(), entry.pattern().fault()?);
        Some(Finding::at(entry, Severity::Warning, message))
    })
}

fn covered_emergencies(region: Region, list: &List) -> impl Iterator<Item = Finding> {
    list.entries().filter_map(move |entry| {
        let Pattern::Prefix(prefix @ Prefix::Internal(_)) = entry.pattern() else { return None };
        let covered = region.emergencies().find(|digits| prefix.begins(Number::Internal(*digits)))?;
        let message =
            format!("{} covers the emergency number {covered}, which is never refused", entry.written());
        Some(Finding::at(entry, Severity::Note, message))
    })
}

fn repetitions(list: &List) -> impl Iterator<Item = Finding> {
    list.repeated().map(|(first, again)| {
        let message = format!("{} repeats {} ({})", again.written(), first.written(), first.origin());
        Finding::at(again, Severity::Note, message)
    })
}
