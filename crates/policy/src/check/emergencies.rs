//! Emergency numbers among those that a rule would refuse.
//!
//! A rule that names one is an error, and so is an entry of the policy; a row of a file or another source is left out.
//! One that means it among others can be used: the number rings
//! all the same, which its owner may not expect.

use std::collections::BTreeSet;

use super::{Finding, add};
use crate::condition::Condition;
use crate::kind::KindSet;
use crate::language::Severity;
use crate::list::{Entry, List};
use crate::number::{Digits, Number, Region};
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::rule::Rule;

/// Looks for entries, patterns and kinds of callers that a rule refuses, and that cover an emergency number.
pub(super) fn check(policy: &Policy, findings: &mut Vec<Finding>) {
    let region = policy.region();
    let rows = policy.emergency_rows().into_iter().map(of_row);
    add(findings, rows, "more rows that are emergency numbers");
    let mut lists: BTreeSet<usize> = BTreeSet::new();
    for rule in policy.rules().iter().filter(|rule| rule.then().is_refusal()) {
        let mut parts = Vec::new();
        meant(rule.when(), &mut parts);
        for part in parts {
            if let Condition::CallerIn(places) = part {
                lists.extend(places);
            } else if let Condition::Caller(list) = part {
                findings.extend(covering(region, list).take(1).map(|found| of_pattern(rule, found)));
            } else if let Condition::CallerKind(kinds) = part
                && kinds.meets(KindSet::INTERNAL)
            {
                findings.extend(region.emergencies().take(1).map(|number| of_kind(rule, number)));
            }
        }
    }
    for list in lists.iter().filter_map(|place| policy.lists().get(*place)) {
        let covered = covering(region, list).map(of_entry);
        add(findings, covered, "more entries that cover an emergency number");
    }
}

/// Finds the parts of a condition that say whom it means, but not whom it leaves out.
fn meant<'c>(condition: &'c Condition, parts: &mut Vec<&'c Condition>) {
    if let Condition::All(inner) | Condition::Any(inner) = condition {
        for inner in inner {
            meant(inner, parts);
        }
    } else {
        parts.push(condition);
    }
}

/// Finds the entries that mean an emergency number among others, each with the first of them.
fn covering(region: Region, list: &List) -> impl Iterator<Item = (Entry<'_>, Digits)> {
    let numbers = move || region.emergencies().map(|digits| (digits, Number::Internal(digits)));
    let of_digits = list.entries().filter_map(move |entry| {
        let pattern = entry.pattern();
        let covers = |number| match &pattern {
            Pattern::Prefix(prefix) => prefix.begins(number),
            Pattern::Range(range) => range.contains(number),
            Pattern::Exact(_)
            | Pattern::Expression(_)
            | Pattern::Anonymous
            | Pattern::Unavailable
            | Pattern::Invalid
            | Pattern::Name(_) => false,
        };
        numbers().find(|(_, number)| covers(*number)).map(|(digits, _)| (entry, digits))
    });
    let mut told = BTreeSet::new();
    let found = numbers().flat_map(move |(digits, number)| {
        list.expressions_in(number).map(move |(index, entry)| (index, entry, digits))
    });
    let of_expressions =
        found.filter_map(move |(index, entry, digits)| told.insert(index).then_some((entry, digits)));
    of_digits.chain(of_expressions)
}

const HINT: &str = "write it so that it leaves emergency numbers out: no rule refuses them";

fn of_row(entry: Entry<'_>) -> Finding {
    let message = format!(
        "{} is an emergency number: it rings all the same, and this row is left out",
        entry.written()
    );
    Finding::at(entry, Severity::Warning, message)
}

fn of_entry((entry, number): (Entry<'_>, Digits)) -> Finding {
    let message = format!("{} covers the emergency number {number}, which is never refused", entry.written());
    Finding::at(entry, Severity::Warning, message).hinting(HINT)
}

fn of_pattern(rule: &Rule, (entry, number): (Entry<'_>, Digits)) -> Finding {
    let message = format!(
        "rule {}: {} covers the emergency number {number}, which is never refused",
        rule.id(),
        entry.written()
    );
    Finding::of_rule(rule, Severity::Warning, message).hinting(HINT)
}

fn of_kind(rule: &Rule, number: Digits) -> Finding {
    let message = format!(
        "rule {} refuses internal numbers, and emergency numbers such as {number} are among those: they ring all the same",
        rule.id()
    );
    Finding::of_rule(rule, Severity::Note, message)
}
