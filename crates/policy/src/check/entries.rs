//! What is odd about the entries of lists.

use jiff::Timestamp;

use super::{Finding, add};
use crate::condition::Condition;
use crate::language::Severity;
use crate::list::List;
use crate::policy::Policy;
use crate::set::Set;

/// Looks at what is written on the lists, one beside the other.
pub(super) fn check(policy: &Policy, findings: &mut Vec<Finding>) {
    for (allow, reject) in contradicting(policy) {
        add(findings, contradictions(allow, reject), "more entries that are never refused");
        add(
            findings,
            excepted(allow, reject),
            "more entries that are on a compiled list of refused numbers, too",
        );
        findings.extend(in_both(allow, reject));
    }
    for list in policy.lists() {
        add(findings, faults(list), "more numbers that no plan has");
    }
    for list in policy.lists() {
        add(findings, repetitions(list), "more entries that are repeated");
    }
}

/// Returns each list whose callers a rule lets through before another rule refuses those of a second list.
fn contradicting(policy: &Policy) -> Vec<(&List, &List)> {
    let mut allowing: Vec<&List> = Vec::new();
    let mut pairs: Vec<(&List, &List)> = Vec::new();
    let is_same = |one: &List, other: &List| std::ptr::eq(one, other);
    for rule in policy.rules() {
        if rule.then().is_refusal() {
            let mut refused = Vec::new();
            refused_lists(policy, rule.when(), &mut refused);
            for pair in refused.iter().flat_map(|reject| allowing.iter().map(move |allow| (*allow, *reject)))
            {
                let is_known =
                    |(allow, reject): &(&List, &List)| is_same(allow, pair.0) && is_same(reject, pair.1);
                if pairs.len() < MOST_PAIRS && !is_same(pair.0, pair.1) && !pairs.iter().any(is_known) {
                    pairs.push(pair);
                }
            }
        } else if rule.until.is_none() && !rule.is_shadow && rule.rollout.is_none() {
            let mut allowed = Vec::new();
            allowed_lists(policy, rule.when(), &mut allowed);
            allowed.retain(|list| !allowing.iter().any(|known| is_same(known, list)));
            allowing.extend(allowed);
            allowing.truncate(MOST_PAIRS);
        }
    }
    pairs
}

/// Who keeps more lists beside one another is helped by the first contradictions.
const MOST_PAIRS: usize = 100;

/// Finds the lists of which every caller meets a condition.
fn allowed_lists<'p>(policy: &'p Policy, condition: &'p Condition, found: &mut Vec<&'p List>) {
    if let Condition::Any(any) = condition {
        for inner in any {
            allowed_lists(policy, inner, found);
        }
    } else if let Condition::All(all) = condition
        && let [one] = &all[..]
    {
        allowed_lists(policy, one, found);
    } else if let Condition::CallerIn(places) = condition {
        found.extend(places.iter().filter_map(|place| policy.lists().get(*place)).map(|list| &**list));
    } else if let Condition::Caller(list) = condition {
        found.push(list);
    }
}

/// Finds the lists whose callers a condition means, whatever else it asks.
fn refused_lists<'p>(policy: &'p Policy, condition: &'p Condition, found: &mut Vec<&'p List>) {
    if let Condition::Any(inner) | Condition::All(inner) = condition {
        for inner in inner {
            refused_lists(policy, inner, found);
        }
    } else if let Condition::CallerIn(places) = condition {
        found.extend(places.iter().filter_map(|place| policy.lists().get(*place)).map(|list| &**list));
    }
}

fn contradictions<'p>(allow: &'p List, reject: &'p List) -> impl Iterator<Item = Finding> + 'p {
    reject.entries().filter_map(|entry| {
        let allowing = allow.covering(&entry.pattern(), Timestamp::MAX)?;
        let (written, origin) = (entry.written(), allowing.origin());
        let message = format!("{written} is never refused: {allowing} allows it ({origin})");
        Some(Finding::at(entry, Severity::Warning, message).hinting("take it off one of the two lists"))
    })
}

/// Finds the entries that let through whom a compiled list refuses. That may be what they are for.
fn excepted<'p>(allow: &'p List, reject: &'p List) -> impl Iterator<Item = Finding> + 'p {
    allow.entries().filter_map(|entry| {
        let refused = reject.compiled_within(&entry.pattern())?;
        let (name, origin) = (reject.name(), refused.origin());
        let message = format!("{entry} lets {refused} through, which is on the list {name}, too ({origin})");
        Some(Finding::at(entry, Severity::Note, message))
    })
}

/// Counts the numbers that two compiled lists share, if one of them is not too long to look at each.
fn in_both(allow: &List, reject: &List) -> Option<Finding> {
    let count = |few: &List, many: &List| {
        let numbers = few.sets().flat_map(Set::iter);
        numbers.filter(|number| many.sets().any(|set| set.contains(*number))).count()
    };
    let length = |list: &List| list.sets().map(Set::len).sum::<usize>();
    let shared = match (length(allow), length(reject)) {
        (0, _) | (_, 0) => 0,
        (allowed, refused) if allowed <= refused && allowed <= MOST_COMPARED => count(allow, reject),
        (_, refused) if refused <= MOST_COMPARED => count(reject, allow),
        (_, _) => 0,
    };
    let message =
        format!("{shared} of its compiled numbers are never refused: the list {} allows them", allow.name());
    (shared > 0).then(|| Finding::of_list(reject, Severity::Warning, message))
}

/// So many look-ups take a tenth of a second.
const MOST_COMPARED: usize = 500_000;

fn faults(list: &List) -> impl Iterator<Item = Finding> {
    list.entries().filter_map(|entry| {
        let message = format!("{} is no real number: {}", entry.written(), entry.pattern().fault()?);
        Some(Finding::at(entry, Severity::Warning, message))
    })
}

fn repetitions(list: &List) -> impl Iterator<Item = Finding> {
    list.repeated().map(|(first, again)| {
        let message = format!("{} repeats {} ({})", again.written(), first.written(), first.origin());
        Finding::at(again, Severity::Note, message)
    })
}
