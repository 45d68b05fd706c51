//! Rules that never decide anything.

use super::Finding;
use super::implies::implies;
use super::impossible::is_impossible;
use crate::condition::Condition;
use crate::language::Severity;
use crate::policy::Policy;
use crate::rule::Rule;

/// Looks for rules that no call reaches, and for conditions that no call meets.
pub(super) fn check(policy: &Policy, findings: &mut Vec<Finding>) {
    let rules = policy.rules();
    let mut always: Option<&Rule> = None;
    for (place, rule) in rules.iter().enumerate() {
        let why = match always {
            Some(before) => Some(format!("{} before it holds for every call", named(before, rule))),
            None if has_empty_not(rule.when()) => Some("its `not` has nothing inside".to_owned()),
            None if is_impossible(policy, rule.when()) => {
                Some("its conditions exclude one another".to_owned())
            }
            None => covering(policy, &rules[..place], rule)
                .map(|before| format!("whatever it holds for, {} before it decides", named(before, rule))),
        };
        if let Some(why) = why {
            let message = format!("rule {} never matches: {why}", rule.id());
            findings.push(Finding::of_rule(rule, Severity::Warning, message));
        }
        if always.is_none() && rule.is_unconditional() {
            always = Some(rule);
        }
    }
}

/// Names a rule and its line, with the file where it is not that of another rule.
fn named(rule: &Rule, other: &Rule) -> String {
    match &rule.place {
        (_, 0) => format!("rule {}", rule.id()),
        (file, line) if *file == other.place.0 => format!("rule {} (line {line})", rule.id()),
        (file, line) => format!("rule {} ({file}:{line})", rule.id()),
    }
}

/// Every rule is compared with those before it; of very many only with the nearest.
const MOST_BEFORE: usize = 250;

/// Finds a rule that decides every call that this one would.
fn covering<'p>(policy: &Policy, before: &'p [Rule], rule: &Rule) -> Option<&'p Rule> {
    if rule.when().is_always() {
        return None;
    }
    let decides = |before: &&Rule| before.until.is_none() && !before.is_shadow && before.rollout.is_none();
    let nearest = &before[before.len().saturating_sub(MOST_BEFORE)..];
    nearest.iter().filter(decides).find(|before| implies(policy, rule.when(), before.when()))
}

/// Returns whether one of the parts that must hold is `not = {}`, which never does.
fn has_empty_not(condition: &Condition) -> bool {
    let mut parts = Vec::new();
    flatten(condition, &mut parts);
    parts.iter().any(|part| matches!(part, Condition::Not(inner) if inner.is_always()))
}

fn flatten<'c>(condition: &'c Condition, parts: &mut Vec<&'c Condition>) {
    if let Condition::All(all) = condition {
        for inner in all {
            flatten(inner, parts);
        }
    } else {
        parts.push(condition);
    }
}
