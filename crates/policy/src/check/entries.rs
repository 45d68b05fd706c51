//! What is odd about the entries of lists.

use std::collections::BTreeSet;

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
    let mut allowing: BTreeSet<usize> = BTreeSet::new();
    let mut pairs: BTreeSet<(usize, usize)> = BTreeSet::new();
    for rule in policy.rules() {
        let Condition::CallerIn(places) = rule.when() else { continue };
        if rule.then().is_refusal() {
            let refused = places.iter().flat_map(|place| allowing.iter().map(move |allow| (*allow, *place)));
            pairs.extend(refused.take(MOST_PAIRS));
        } else if rule.until.is_none() && !rule.is_shadow && rule.rollout.is_none() {
            allowing.extend(places);
        }
    }
    let lists = |(allow, reject): (usize, usize)| {
        Some((&**policy.lists().get(allow)?, &**policy.lists().get(reject)?))
    };
    pairs.into_iter().take(MOST_PAIRS).filter_map(lists).collect()
}

/// Who keeps more lists beside one another is helped by the first contradictions.
const MOST_PAIRS: usize = 100;

fn lists_of<'a>(policy: &'a Policy, conditions: impl Iterator<Item = &'a Condition>) -> Vec<&'a List> {
    let places =
        conditions.filter_map(
            |condition| {
                if let Condition::CallerIn(places) = condition { Some(places) } else { None }
            },
        );
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
